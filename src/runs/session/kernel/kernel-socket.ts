import { setTimeout as delay } from 'node:timers/promises';
import type {
  ConnectionEvent,
  ExecutionCheckpoint,
  Gateway,
  KernelConnection,
} from '../../../gateway/gateway.ts';
import type { KernelRecord } from './kernel-record.ts';

/** A websocket that nobody used for this long is closed, so that the gateway's own culling works. */
const IDLE_MS = 3 * 60_000;
/**
 * How long a websocket that is just being opened is waited for, so that it can be closed in order. A kernel at work counts
 * as there when it has not answered for 1 s and the gateway calls it busy.
 */
const OPENING_MS = 1_800;

/** The one websocket of a session: opened for its first run, open while it is used, closed when idle. */
export class KernelSocket {
  readonly #gateway: Pick<Gateway, 'connect'>;
  readonly #onEvent: (event: ConnectionEvent, kernelId: string) => void;
  readonly #onClosed: () => void;
  #connection: KernelConnection | undefined;
  #connecting: Promise<KernelConnection> | undefined;
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

  /** Rejects with `GatewayError`. Gives a closed connection where the websocket was closed meanwhile. */
  async connect(
    { kernelId, sessionId }: KernelRecord,
    signal: AbortSignal,
    checkpoint?: ExecutionCheckpoint,
  ): Promise<KernelConnection> {
    const connecting = this.#gateway.connect(kernelId, {
      sessionId,
      signal,
      ...(checkpoint === undefined ? {} : { checkpoint }),
      onEvent: (event) => this.#take(event, kernelId),
    });
    this.#connecting = connecting;
    try {
      this.#connection = await connecting;
      return this.#connection;
    } finally {
      if (this.#connecting === connecting) this.#connecting = undefined;
    }
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
    const connecting = this.#connecting?.catch(() => undefined);
    if (connecting !== undefined)
      await Promise.race([connecting, delay(OPENING_MS, undefined, { ref: false })]);
    await this.#drop()?.close();
  }
}
