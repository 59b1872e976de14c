import { setTimeout as wait } from 'node:timers/promises';
import type {
  ConnectionEvent,
  Gateway,
  KernelConnection,
  ExecutionCheckpoint,
} from '../../gateway/gateway.ts';
import type { KernelRecord } from './kernel-record.ts';

/** A websocket that nobody used for this long is closed, so that the gateway's own culling works. */
const IDLE_SOCKET_MS = 3 * 60_000;
/** So long a socket that is just being opened is waited for, so that it can be closed in order. */
const OPENING_MS = 1_500;

export interface LaneSocketsOptions {
  gateway: Pick<Gateway, 'connect'>;
  onEvent: (lane: string, event: ConnectionEvent) => void;
  /** The lane's socket is closed: nothing of ours is connected to its kernel any more. */
  onDisconnected: (lane: string) => void;
}

/** The one websocket of each lane: opened for its first run, kept while it is used, closed when idle. */
export class LaneSockets {
  readonly #options: LaneSocketsOptions;
  readonly #open = new Map<string, { connection: KernelConnection; idle: NodeJS.Timeout | undefined }>();

  readonly #opening = new Map<string, Promise<KernelConnection>>();

  constructor(options: LaneSocketsOptions) {
    this.#options = options;
  }

  /** Rejects with `GatewayError`. Gives a closed connection where the lane was closed meanwhile. */
  async connect(
    record: KernelRecord,
    signal: AbortSignal,
    checkpoint?: ExecutionCheckpoint,
  ): Promise<KernelConnection> {
    const opening = this.#connect(record, signal, checkpoint);
    this.#opening.set(record.lane, opening);
    try {
      return await opening;
    } finally {
      if (this.#opening.get(record.lane) === opening) this.#opening.delete(record.lane);
    }
  }

  async #connect(
    record: KernelRecord,
    signal: AbortSignal,
    checkpoint?: ExecutionCheckpoint,
  ): Promise<KernelConnection> {
    const { gateway, onEvent } = this.#options;
    const { kernelId, sessionId } = record;
    const connection = await gateway.connect(kernelId, {
      sessionId,
      signal,
      checkpoint,
      onEvent: (event) => {
        if (event.kind === 'kernelGone') this.#drop(record.lane);
        onEvent(record.lane, event);
      },
    });
    this.#open.set(record.lane, { connection, idle: undefined });
    return connection;
  }

  isOpen(lane: string): boolean {
    return this.#open.has(lane);
  }

  /** The open connection to that kernel, which is not closed for idleness until {@link closeWhenIdle}. */
  take({ lane, kernelId }: KernelRecord): KernelConnection | undefined {
    const open = this.#open.get(lane);
    if (open?.connection.kernelId !== kernelId) return undefined;
    clearTimeout(open.idle);
    return open.connection;
  }

  closeWhenIdle(lane: string): void {
    const open = this.#open.get(lane);
    if (open === undefined) return;
    clearTimeout(open.idle);
    open.idle = setTimeout(() => void this.close(lane), IDLE_SOCKET_MS).unref();
  }

  async close(lane: string): Promise<void> {
    // What its gateway replays on it is read, and would be lost with it.
    const opening = this.#opening.get(lane)?.catch(() => undefined);
    if (opening !== undefined) await Promise.race([opening, wait(OPENING_MS, undefined, { ref: false })]);
    const connection = this.#drop(lane);
    if (connection === undefined) return;
    await connection.close();
    this.#options.onDisconnected(lane);
  }

  #drop(lane: string): KernelConnection | undefined {
    const open = this.#open.get(lane);
    clearTimeout(open?.idle);
    this.#open.delete(lane);
    return open?.connection;
  }

  async closeAll(): Promise<void> {
    const lanes = new Set([...this.#open.keys(), ...this.#opening.keys()]);
    await Promise.all([...lanes].map((lane) => this.close(lane)));
  }
}
