import type { ConnectionEvent, ConnectOptions, Gateway, KernelConnection } from '../../../gateway/gateway.ts';
import type { ExecutionCheckpoint } from '../../../gateway/outputs.ts';
import { atMost } from '../../../waits.ts';
import type { KernelRecord } from './kernel-record.ts';

/** A websocket that was not used for this long is closed, so that the gateway's own culling works. */
const IDLE_MS = 3 * 60_000;

/** How long to wait for a websocket that is being opened, so that it can be closed properly. */
const OPENING_MS = 1_000;

/** The websocket of a session. It is opened for a run and closed after it was idle for a while. */
export class SessionSocket {
  readonly #gateway: Pick<Gateway, 'connect'>;
  readonly #onEvent: (event: ConnectionEvent, kernelId: string) => void;
  readonly #onClosed: () => void;
  #connection: KernelConnection | undefined;
  /** The connection that is being opened for a run of an earlier process. */
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

  /** Connects for a run to be resumed. If it is closed meanwhile, it resolves with a closed connection that has the replay. */
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
    // Without a websocket the gateway would buffer the session's output without limit.
    if (event.kind === 'lateOutput') this.#idle?.refresh();
    this.#onEvent(event, kernelId);
  }

  /** Keeps the websocket open until {@link release}. */
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
    // A connection that is being opened may already have the replay, which must not be lost.
    this.#resuming?.leave.abort();
    const connected = this.#resuming?.connected.catch(() => undefined);
    if (connected !== undefined) await atMost(connected, OPENING_MS);
    await this.#drop()?.close();
  }
}
