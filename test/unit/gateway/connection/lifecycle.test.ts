import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createParts } from '../../../support/gateway-parts.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const idle = { id: 'k', name: 'python3', executionState: 'idle' };

/** Lifecycle of a kernel that has answered. */
function createReady(model: typeof idle | undefined = idle) {
  const parts = createParts({ model });
  const { lifecycle, socket } = parts;
  // Nothing can be read, so that no answer is waited for.
  socket.hold(true);
  const ready = lifecycle.waitUntilReady(new AbortController().signal);
  const untilReady = vi.advanceTimersByTimeAsync(60).then(() => ready);
  return { ...parts, untilReady };
}

test('Lifecycle: a new process means a death if the gateway says so, otherwise a restart; reported once', async () => {
  const dying = createReady();
  await dying.untilReady;
  dying.lifecycle.take('restarting', '');
  dying.lifecycle.take('starting', 'new');
  expect(dying.events).toContainEqual({ kind: 'replaced', as: 'kernelDied' });
  expect(dying.events.filter(({ kind }) => kind === 'replaced')).toHaveLength(1);
  expect(dying.lifecycle.state).toBe('replaced');
  dying.lifecycle.close();

  const restarted = createReady();
  await restarted.untilReady;
  restarted.lifecycle.take('starting', 'new');
  expect(restarted.events.at(-1)).toEqual({ kind: 'replaced', as: 'kernelRestarted' });
  restarted.lifecycle.close();
});

test('Lifecycle: the first starting of a kernel that this client started is not a restart', () => {
  const { lifecycle, events } = createParts({ isFresh: true });
  lifecycle.take('starting', 'new');
  expect(events).toEqual([]);
  expect(lifecycle.state).toBe('fresh');
});

test('Lifecycle: after a shutdown_reply nothing may end until it is known whether the kernel stays', async () => {
  const { lifecycle, events, untilReady } = createReady();
  await untilReady;
  lifecycle.take('leaving', '');
  expect(lifecycle.mayEnd).toBe(false);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(lifecycle.state).toBe('ready');
  expect(events.filter(({ kind }) => kind === 'mayEndChanged')).toHaveLength(2);
});

test('Lifecycle: after a thousand shutdown_replies the kernel is looked for once at a time', async () => {
  const { lifecycle, calls, untilReady } = createReady();
  await untilReady;
  for (let said = 0; said < 1_000; said += 1) lifecycle.take('leaving', '');
  await vi.advanceTimersByTimeAsync(1_000);
  expect(calls.findKernel).toBe(3);
  expect(lifecycle.state).toBe('ready');
});

test('Lifecycle: once the websocket is lost after a shutdown_reply, executions may end again', async () => {
  const { lifecycle, untilReady } = createReady();
  await untilReady;
  lifecycle.take('leaving', '');
  lifecycle.onLost();
  expect(lifecycle.mayEnd).toBe(true);
  lifecycle.close();
});

test('Lifecycle: a shutdown_reply for a restart counts as one even if the new process’s starting was lost', async () => {
  const { lifecycle, events, untilReady } = createReady();
  await untilReady;
  lifecycle.take('leavingToRestart', '');
  lifecycle.onLost();
  lifecycle.onReopened();
  expect(lifecycle.state).toBe('leavingToRestart');
  await lifecycle.waitUntilReady(new AbortController().signal);
  await vi.advanceTimersByTimeAsync(10_000);
  expect(events.filter(({ kind }) => kind === 'replaced')).toEqual([
    { kind: 'replaced', as: 'kernelRestarted' },
  ]);
  expect(lifecycle.state).toBe('ready');
  lifecycle.close();
});

test('Lifecycle: our own restart ends with its call; after a failure the kernel is asked anew', async () => {
  const { lifecycle, events, untilReady } = createReady();
  await untilReady;
  lifecycle.beginRestart();
  lifecycle.take('leavingToRestart', '');
  lifecycle.take('starting', 'new');
  expect(lifecycle.state).toBe('restarting');
  lifecycle.endRestart(false);
  expect(lifecycle.state).toBe('lost');
  lifecycle.beginRestart();
  lifecycle.endRestart(true);
  expect(events.at(-1)).toEqual({ kind: 'replaced', as: 'kernelRestarted', isOurs: true });
  lifecycle.close();
});

test('Lifecycle: a kernel that the gateway does not have is gone', async () => {
  const { lifecycle, events } = createParts();
  expect(await lifecycle.look()).toBe(false);
  expect(events).toEqual([{ kind: 'gone', detail: 'it was deleted or culled' }]);
});

test.each([
  [
    'a new process that never answers is gone, however many websockets the gateway closes meanwhile',
    true,
    'gone',
  ],
  ['an earlier process that does not answer any more may be at work', false, 'mute'],
] as const)('Lifecycle: %s', async (_, isReplaced, kind) => {
  const { lifecycle, events, socket, untilReady } = createReady();
  await untilReady;
  socket.hold(false);
  if (isReplaced) lifecycle.take('restarting', '');
  for (let closed = 0; closed < 2; closed += 1) {
    lifecycle.onLost();
    lifecycle.onReopened();
    await vi.advanceTimersByTimeAsync(15_000);
  }
  const detail = 'the kernel gives no answer for 20 s';
  expect(events.filter((event) => 'detail' in event)).toEqual([{ kind, detail }]);
  lifecycle.close();
});

test('Lifecycle: a new process is asked for the whole limit after a gateway that was away for longer than that', async () => {
  const { lifecycle, events, socket, untilReady } = createReady();
  await untilReady;
  socket.hold(false);
  lifecycle.take('restarting', '');
  lifecycle.onLost();
  await vi.advanceTimersByTimeAsync(25_000);
  lifecycle.onReopened();
  await vi.advanceTimersByTimeAsync(19_000);
  expect(events.filter(({ kind }) => kind === 'gone')).toEqual([]);
  await vi.advanceTimersByTimeAsync(2_000);
  expect(events.at(-1)).toMatchObject({ kind: 'gone' });
  lifecycle.close();
});
