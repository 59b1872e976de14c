import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { atMost, KeyedMutex, pause, withTimeout } from '../../src/waits.ts';
import { listen } from '../support/sockets.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test('work that ends in time ends as it does, and leaves no timer', async () => {
  expect(await withTimeout(Promise.resolve(7), 1_000)).toBe(7);
  await expect(withTimeout(Promise.reject(new Error('mine')), 1_000)).rejects.toThrow('mine');
  expect(vi.getTimerCount()).toBe(0);
});

test('work that does not end is called late at its time, not before', async () => {
  const never = Promise.withResolvers<void>();
  let ended: unknown;
  const bounded = withTimeout(never.promise, 2_000, () => new RangeError('silent')).catch(
    (error: unknown) => (ended = error),
  );
  await vi.advanceTimersByTimeAsync(1_999);
  expect(ended).toBeUndefined();
  await vi.advanceTimersByTimeAsync(1);
  await bounded;
  expect(ended).toEqual(new RangeError('silent'));
});

test.each([
  ['withTimeout', withTimeout],
  ['atMost', atMost],
])('%s: what came while this process stood still came in time', async (_, bounded) => {
  vi.useRealTimers();
  const server = createServer();
  const port = await listen(server);
  const asked = once(server, 'connection').then(([socket]) => socket.destroy());
  // The next turn begins with the timers.
  await nextTurn();
  const answer = bounded(
    asked.then(() => 'came'),
    1,
  );
  execFileSync(process.execPath, [
    '-e',
    `require('net').connect(${port}).on('connect', () => process.exit())`,
  ]);
  expect(await answer).toBe('came');
  server.close();
});

test('a failure after the timeout is no unhandled rejection', async () => {
  const late = Promise.withResolvers<void>();
  const bounded = expect(withTimeout(late.promise, 10)).rejects.toThrow('no answer within 10 ms');
  await vi.advanceTimersByTimeAsync(10);
  await bounded;
  late.reject(new Error('too late'));
  await vi.advanceTimersByTimeAsync(10);
});

test('a pause lasts as long as it should, or until its signal is aborted', async () => {
  const ending = new AbortController();
  let ended = 0;
  const count = (): void => void (ended += 1);
  void pause(1_000, ending.signal).then(count);
  void pause(5_000, ending.signal).then(count);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(ended).toBe(1);
  ending.abort();
  await vi.advanceTimersByTimeAsync(0);
  expect(ended).toBe(2);
  await pause(5_000, ending.signal);
  expect(vi.getTimerCount()).toBe(0);
});

test('the wait for work is limited', async () => {
  vi.useRealTimers();
  expect(await atMost(Promise.resolve(7), 60_000)).toBe(7);
  expect(await atMost(new Promise(() => undefined), 1)).toBeUndefined();
  await expect(atMost(Promise.reject(new Error('mine')), 60_000)).rejects.toThrow('mine');
});

test('work with one key runs one after the other, with other keys concurrently, also after a failure', async () => {
  const mutex = new KeyedMutex();
  const order: string[] = [];
  const gate = Promise.withResolvers<void>();
  const first = mutex.run('a', async () => {
    await gate.promise;
    order.push('a1');
    throw new Error('broke');
  });
  const second = mutex.run('a', async () => void order.push('a2'));
  await mutex.run('b', async () => void order.push('b'));
  gate.resolve();
  await expect(first).rejects.toThrow('broke');
  await second;
  expect(order).toEqual(['b', 'a1', 'a2']);
});
