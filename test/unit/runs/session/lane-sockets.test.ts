import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { ConnectionEvent, KernelConnection } from '../../../../src/gateway/gateway.ts';
import { UNKNOWN_KERNEL_INFO } from '../../../../src/gateway/protocol/messages.ts';
import { newKernelRecord } from '../../../../src/runs/session/kernel-record.ts';
import { LaneSockets } from '../../../../src/runs/session/lane-sockets.ts';

const longerThanIdleMs = 60 * 60_000;
const lane = 'T1/C1';
const owner = { workspace: 'T1', channel: 'C1', lane, runner: 'U1', thread: '1.1' };

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** Sockets over a gateway of which only the life of connections matters. */
function openSockets(opened: Promise<void> = Promise.resolve()) {
  const closed: string[] = [];
  const disconnected: string[] = [];
  let say: (event: ConnectionEvent) => void = () => undefined;
  const nothingRuns = () => {
    throw new Error('no code is run here');
  };
  const connectionTo = (kernelId: string): KernelConnection => ({
    kernelId,
    sessionId: '',
    kernelInfo: UNKNOWN_KERNEL_INFO,
    process: '',
    isThere: () => Promise.resolve(true),
    execute: nothingRuns,
    resume: nothingRuns,
    close: () => Promise.resolve(void closed.push(kernelId)),
  });
  const sockets = new LaneSockets({
    gateway: {
      connect: (kernelId, { onEvent = () => undefined }) => {
        say = onEvent;
        return opened.then(() => connectionTo(kernelId));
      },
    },
    onEvent: () => undefined,
    onDisconnected: (of) => disconnected.push(of),
  });
  return { sockets, closed, disconnected, say: (event: ConnectionEvent) => say(event) };
}

function kernel() {
  return newKernelRecord(owner, 'python3');
}

test('a socket that nobody uses is closed, one in use is not', async () => {
  const { sockets, closed, disconnected } = openSockets();
  const record = kernel();
  const connection = await sockets.connect(record, new AbortController().signal);
  await vi.advanceTimersByTimeAsync(longerThanIdleMs);
  expect(closed).toEqual([]);
  sockets.closeWhenIdle(lane);
  expect(sockets.take(record)).toBe(connection);
  await vi.advanceTimersByTimeAsync(longerThanIdleMs);
  expect(closed).toEqual([]);
  sockets.closeWhenIdle(lane);
  await vi.advanceTimersByTimeAsync(longerThanIdleMs);
  expect({ closed, disconnected }).toEqual({ closed: [record.kernelId], disconnected: [lane] });
  expect(sockets.isOpen(lane)).toBe(false);
});

test('the idle time of a kernel that is gone does not close the socket of the next one', async () => {
  const { sockets, closed, say } = openSockets();
  await sockets.connect(kernel(), new AbortController().signal);
  sockets.closeWhenIdle(lane);
  say({ kind: 'kernelGone', detail: 'culled' });
  expect(sockets.isOpen(lane)).toBe(false);
  await sockets.connect(kernel(), new AbortController().signal);
  await vi.advanceTimersByTimeAsync(longerThanIdleMs);
  expect(closed).toEqual([]);
});

test('a socket is given to its own kernel only', async () => {
  const { sockets } = openSockets();
  await sockets.connect(kernel(), new AbortController().signal);
  expect(sockets.take(kernel())).toBeUndefined();
});

test('a lane that is closed while its socket is being opened is closed once that is open', async () => {
  const opened = Promise.withResolvers<void>();
  const { sockets, closed } = openSockets(opened.promise);
  const record = kernel();
  const connecting = sockets.connect(record, new AbortController().signal);
  const closing = sockets.closeAll();
  opened.resolve();
  await connecting;
  await closing;
  expect(closed).toEqual([record.kernelId]);
  expect(sockets.isOpen(lane)).toBe(false);
});

test('a socket that does not open holds up no end', async () => {
  const { sockets } = openSockets(new Promise(() => undefined));
  void sockets.connect(kernel(), new AbortController().signal);
  const closing = sockets.closeAll();
  await vi.advanceTimersByTimeAsync(longerThanIdleMs);
  await closing;
});
