import type { ConnectionEvent, ConnectOptions, Gateway, KernelConnection } from '../../../gateway/gateway.ts';
import type { ExecutionCheckpoint } from '../../../gateway/outputs.ts';
import { atMost } from '../../../waits.ts';
import type { KernelRecord } from './kernel-record.ts';

/** A websocket that was not used for this long is closed, so that the gateway's own culling works. */
const IDLE_MS = 3 * 60_000;

/** How long to wait for a websocket that is being opened, so that it can be closed properly. */
const OPENING_MS = 1_000;

/** The websocket of a session. It is opened for a run and closed after it was idle for a while. */
export function createSessionSocket(
  gateway: Pick<Gateway, 'connect'>,
  onEvent: (event: ConnectionEvent, kernelId: string) => void,
  onClosed: () => void,
) {
  let connection: KernelConnection | undefined;
  /** The connection that is being opened for a run of an earlier process. */
  let resuming: { leave: AbortController; connected: Promise<unknown> } | undefined;
  let idle: NodeJS.Timeout | undefined;
  const open = async (kernelId: string, options: ConnectOptions): Promise<KernelConnection> => {
    const toKernel = { ...options, onEvent: (event: ConnectionEvent) => take(event, kernelId) };
    connection = await gateway.connect(kernelId, toKernel);
    return connection;
  };
  const take = (event: ConnectionEvent, kernelId: string): void => {
    if (event.kind === 'kernelGone' && connection?.kernelId === kernelId) drop();
    // Without a websocket the gateway would buffer the session's output without limit.
    if (event.kind === 'lateOutput') idle?.refresh();
    onEvent(event, kernelId);
  };
  /** Keeps the websocket open until {@link release}. */
  const acquire = (): void => {
    clearTimeout(idle);
    idle = undefined;
  };
  const drop = (): KernelConnection | undefined => {
    acquire();
    const dropped = connection;
    connection = undefined;
    if (dropped !== undefined) onClosed();
    return dropped;
  };
  const close = async (): Promise<void> => {
    // A connection that is being opened may already have the replay, which must not be lost.
    resuming?.leave.abort();
    const connected = resuming?.connected.catch(() => undefined);
    if (connected !== undefined) await atMost(connected, OPENING_MS);
    await drop()?.close();
  };
  return {
    get connection(): KernelConnection | undefined {
      return connection;
    },
    /** Rejects with `GatewayError`. */
    async connect({ kernelId, sessionId }: KernelRecord, signal: AbortSignal): Promise<KernelConnection> {
      return await open(kernelId, { sessionId, signal });
    },
    /** Connects for a run to be resumed. If it is closed meanwhile, it resolves with a closed connection that has the replay. */
    async reconnect(
      { kernelId, sessionId }: KernelRecord,
      signal: AbortSignal,
      checkpoint: ExecutionCheckpoint | undefined,
    ): Promise<KernelConnection> {
      const leave = new AbortController();
      const connected = open(kernelId, { sessionId, signal, leave: leave.signal, checkpoint });
      const mine = { leave, connected };
      resuming = mine;
      try {
        return await connected;
      } finally {
        if (resuming === mine) resuming = undefined;
      }
    },
    acquire,
    release(): void {
      clearTimeout(idle);
      idle = setTimeout(() => void close(), IDLE_MS).unref();
    },
    close,
  };
}

export type SessionSocket = ReturnType<typeof createSessionSocket>;
