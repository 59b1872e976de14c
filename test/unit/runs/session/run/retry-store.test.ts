import { afterEach, expect, test, vi } from 'vitest';
import { silentLog } from '../../../../../src/log.ts';
import { retryStore } from '../../../../../src/runs/session/run/retry-store.ts';
import { silent } from '../../../../support/store-faults.ts';

const signal = new AbortController().signal;

afterEach(() => void vi.useRealTimers());

test('a step is repeated until the store answers', async () => {
  vi.useFakeTimers();
  let tries = 0;
  const work = async (): Promise<string> => {
    tries += 1;
    if (tries < 3) throw silent();
    return 'done';
  };
  const result = retryStore(work, signal, silentLog);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(await result).toBe('done');
  expect(tries).toBe(3);
});

test('what is no failure of the store is thrown at once', async () => {
  await expect(retryStore(() => Promise.reject(new TypeError('a bug')), signal, silentLog)).rejects.toThrow(
    'a bug',
  );
});

test('once nobody waits any more the store’s failure is thrown', async () => {
  const ending = new AbortController();
  const result = retryStore(() => Promise.reject(silent()), ending.signal, silentLog);
  ending.abort();
  await expect(result).rejects.toThrow('no answer');
});
