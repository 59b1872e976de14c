import { afterEach, expect, test, vi } from 'vitest';
import type {
  ConnectionEvent,
  ConnectOptions,
  KernelConnection,
} from '../../../../../src/gateway/gateway.ts';
import { newKernelRecord } from '../../../../../src/runs/session/kernel/launch-kernel.ts';
import {
  createSessionSocket,
  type SessionSocket,
} from '../../../../../src/runs/session/kernel/session-socket.ts';

const IDLE_MS = 3 * 60_000;
const record = newKernelRecord(
  { workspace: 'T1', channel: 'C1', queue: 'T1/C1', requester: 'U1' },
  'python3',
);
const signal = new AbortController().signal;

interface Scene {
  socket: SessionSocket;
  closed: () => number;
  told: string[];
  say: (event: ConnectionEvent) => void;
  /** Holds the next connection until it is called. */
  hold: () => () => void;
}

function scene(): Scene {
  vi.useFakeTimers();
  let closes = 0;
  let opening = Promise.resolve();
  let say: ConnectOptions['onEvent'];
  const told: string[] = [];
  const connect = async (kernelId: string, options: ConnectOptions): Promise<KernelConnection> => {
    say = options.onEvent;
    await Promise.race([opening, untilLeft(options.leave)]);
    const close = async (): Promise<void> => void (closes += 1);
    return { kernelId, sessionId: options.sessionId, close } as unknown as KernelConnection;
  };
  const socket = createSessionSocket(
    { connect },
    ({ kind }) => told.push(kind),
    () => told.push('closed'),
  );
  return {
    socket,
    closed: () => closes,
    told,
    say: (event) => say?.(event),
    hold() {
      const { promise, resolve } = Promise.withResolvers<void>();
      opening = promise;
      return resolve;
    },
  };
}

/** The client gives the connection, closed, when it is left. */
function untilLeft(leave: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => leave?.addEventListener('abort', () => resolve()));
}

afterEach(() => void vi.useRealTimers());

test('D7: an unused websocket is closed, whatever happened to the run', async () => {
  const { socket, closed, told } = scene();
  socket.acquire();
  await socket.connect(record, signal);
  await vi.advanceTimersByTimeAsync(10 * IDLE_MS);
  expect(closed()).toBe(0);
  socket.release();
  await vi.advanceTimersByTimeAsync(IDLE_MS);
  expect(closed()).toBe(1);
  expect(socket.connection).toBeUndefined();
  expect(told).toEqual(['closed']);
});

test('D13: late output keeps the websocket open', async () => {
  const { socket, closed, say } = scene();
  await socket.connect(record, signal);
  socket.release();
  for (let n = 0; n < 5; n += 1) {
    await vi.advanceTimersByTimeAsync(IDLE_MS - 1);
    say({ kind: 'lateOutput', msgId: 'm', output: { kind: 'stream', name: 'stdout', text: 'x' } });
  }
  expect(closed()).toBe(0);
  await vi.advanceTimersByTimeAsync(IDLE_MS);
  expect(closed()).toBe(1);
});

test('a kernel that is gone while idle leaves no websocket and no timer', async () => {
  const { socket, told, say } = scene();
  await socket.connect(record, signal);
  socket.release();
  say({ kind: 'kernelGone', detail: 'culled' });
  expect(socket.connection).toBeUndefined();
  expect(told).toEqual(['closed', 'kernelGone']);
  expect(vi.getTimerCount()).toBe(0);
});

test('a websocket that is being opened for a run to be resumed is closed properly', async () => {
  const { socket, closed, hold } = scene();
  hold();
  const connecting = socket.reconnect(record, signal, undefined);
  await socket.close();
  expect((await connecting).kernelId).toBe(record.kernelId);
  expect(closed()).toBe(1);
  expect(socket.connection).toBeUndefined();
});
