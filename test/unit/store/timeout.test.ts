import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { withinMs } from '../../../src/store/timeout.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test('work that ends in time ends as it does, and leaves no timer', async () => {
  expect(await withinMs(Promise.resolve(7), 1_000)).toBe(7);
  await expect(withinMs(Promise.reject(new Error('mine')), 1_000)).rejects.toThrow('mine');
  expect(vi.getTimerCount()).toBe(0);
});

test('work that does not end is called silent at its time, not before', async () => {
  const never = Promise.withResolvers<void>();
  let ended: unknown;
  const bounded = withinMs(never.promise, 2_000, 'Redis at localhost:6379').catch(
    (error: unknown) => (ended = error),
  );
  await vi.advanceTimersByTimeAsync(1_999);
  expect(ended).toBeUndefined();
  await vi.advanceTimersByTimeAsync(1);
  await bounded;
  expect(ended).toMatchObject({
    name: 'StoreError',
    code: 'silent',
    message: 'Redis at localhost:6379 gave no answer within 2000 ms.',
  });
});

test('a failure after the time is nobody’s unhandled rejection', async () => {
  const late = Promise.withResolvers<void>();
  const bounded = expect(withinMs(late.promise, 10)).rejects.toMatchObject({ code: 'silent' });
  await vi.advanceTimersByTimeAsync(10);
  await bounded;
  late.reject(new Error('too late'));
  await vi.advanceTimersByTimeAsync(10);
});
