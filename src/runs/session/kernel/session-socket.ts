import type { ConnectionEvent, ConnectOptions, Gateway, KernelConnection } from '../../../gateway/gateway.ts';
import type { ExecutionCheckpoint } from '../../../gateway/outputs.ts';
import { atMost } from '../../../waits.ts';
import type { KernelRecord } from './kernel-record.ts';

/** A websocket that nobody used for this long is closed, so that the gateway's own culling works. */
const IDLE_MS = 3 * 60_000;

/** How long a websocket that is just being opened is waited for, so that it can be closed in order. */
const OPENING_MS = 1_000;

/** The one websocket of a session: opened for its first run, open while it is used, closed when idle. */
export class SessionSocket {
  readonly #gateway: Pick<Gateway, 'connect'>;
  readonly #onEvent: (event: ConnectionEvent, kernelId: string) => void;
  readonly #onClosed: () => void;
  #connection: KernelConnection | undefined;
  /** Opened for a run that an earlier process wrote. */
  #resuming: { leave: AbortController; connected: Promise<unknown> } | undefined;
  #idle: NodeJS.Timeout | undefined;

  constructor(
    gateway: Pick<Gateway, 'connect'>,
    onEvent: (event: ConnectionEvent, kernelId: string) => void,
    onClosed: () => void,
  ) {
    this.#gateway = gateway;
    this.#onEvent = onEvent;
    this.#onClosed = onClosed;
  }

  get connection(): KernelConnection | undefined {
    return this.#connection;
  }

  /** Rejects with `GatewayError`. */
  async connect({ kernelId, sessionId }: KernelRecord, signal: AbortSignal): Promise<KernelConnection> {
    return await this.#open(kernelId, { sessionId, signal });
  }

  /** The same for a run to be resumed. Closed meanwhile, it gives a closed connection with what the gateway replayed. */
  async reconnect(
    { kernelId, sessionId }: KernelRecord,
    signal: AbortSignal,
    checkpoint: ExecutionCheckpoint | undefined,
  ): Promise<KernelConnection> {
    const leave = new AbortController();
    const connected = this.#open(kernelId, { sessionId, signal, leave: leave.signal, checkpoint });
    const resuming = { leave, connected };
    this.#resuming = resuming;
    try {
      return await connected;
    } finally {
      if (this.#resuming === resuming) this.#resuming = undefined;
    }
  }

  async #open(kernelId: string, options: ConnectOptions): Promise<KernelConnection> {
    const onEvent = (event: ConnectionEvent): void => this.#take(event, kernelId);
    this.#connection = await this.#gateway.connect(kernelId, { ...options, onEvent });
    return this.#connection;
  }

  #take(event: ConnectionEvent, kernelId: string): void {
    if (event.kind === 'kernelGone' && this.#connection?.kernelId === kernelId) this.#drop();
    // The gateway would keep what comes for a session without a websocket, without bound.
    if (event.kind === 'lateOutput') this.#idle?.refresh();
    this.#onEvent(event, kernelId);
  }

  /** In use: not closed for idleness until {@link release}. */
  acquire(): void {
    clearTimeout(this.#idle);
    this.#idle = undefined;
  }

  release(): void {
    clearTimeout(this.#idle);
    this.#idle = setTimeout(() => void this.close(), IDLE_MS).unref();
  }

  #drop(): KernelConnection | undefined {
    this.acquire();
    const connection = this.#connection;
    this.#connection = undefined;
    if (connection !== undefined) this.#onClosed();
    return connection;
  }

  async close(): Promise<void> {
    // What its gateway replays on a websocket that is just being opened would be lost with it.
    this.#resuming?.leave.abort();
    const connected = this.#resuming?.connected.catch(() => undefined);
    if (connected !== undefined) await atMost(connected, OPENING_MS);
    await this.#drop()?.close();
  }
}
