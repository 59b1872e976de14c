import { pino } from 'pino';
import { afterEach, expect, test, vi } from 'vitest';
import { silentLog } from '../../../../src/log.ts';
import { LatestWriter, retryStore } from '../../../../src/runs/session/store-writes.ts';
import { silent } from '../../../support/store-faults.ts';

const signal = new AbortController().signal;

afterEach(() => void vi.useRealTimers());

interface Scene {
  writer: LatestWriter;
  writes: { value: number; end: PromiseWithResolvers<boolean> }[];
  set: (value: number) => void;
}

function scene(): Scene {
  let value = 0;
  const writes: Scene['writes'] = [];
  const writer = new LatestWriter(
    () => {
      const end = Promise.withResolvers<boolean>();
      writes.push({ value, end });
      return end.promise;
    },
    signal,
    silentLog,
  );
  return {
    writer,
    writes,
    set: (next) => {
      value = next;
    },
  };
}

test('changes that come while a write is under way are one write together, after it', async () => {
  const { writer, writes, set } = scene();
  set(1);
  const first = writer.save();
  set(2);
  const second = writer.save();
  set(3);
  const third = writer.save();
  expect(writes.map(({ value }) => value)).toEqual([1]);
  writes[0]!.end.resolve(true);
  expect(await first).toBe(true);
  await expect.poll(() => writes).toHaveLength(2);
  expect(writes.map(({ value }) => value)).toEqual([1, 3]);
  writes[1]!.end.resolve(false);
  expect(await Promise.all([second, third])).toEqual([false, false]);
});

test('a failed write rejects for its callers, and the next one is tried', async () => {
  const { writer, writes } = scene();
  const failed = writer.save();
  const next = writer.save();
  writes[0]!.end.reject(new Error('away'));
  await expect(failed).rejects.toThrow('away');
  writes[1]!.end.resolve(true);
  expect(await next).toBe(true);
});

test('a change that nobody waits for is written soon, and at once when `idle` is read', async () => {
  const { writer, writes } = scene();
  void writer.saveSoon();
  void writer.saveSoon();
  expect(writes).toEqual([]);
  const { idle } = writer;
  expect(writes).toHaveLength(1);
  writes[0]!.end.resolve(true);
  await idle;
  await writer.idle;
  expect(writes).toHaveLength(1);
});

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

test('an outage is one line every 30 s, however many writes wait', async () => {
  vi.useFakeTimers();
  const lines: string[] = [];
  const log = pino({}, { write: (line: string) => void lines.push(line) });
  const ending = new AbortController();
  const waiting = Array.from({ length: 200 }, () =>
    retryStore(() => Promise.reject(silent()), ending.signal, log).catch(() => undefined),
  );
  await vi.advanceTimersByTimeAsync(29_000);
  expect(lines).toHaveLength(1);
  await vi.advanceTimersByTimeAsync(2_000);
  expect(lines).toHaveLength(2);
  ending.abort();
  await Promise.all(waiting);
});

test('an error that is no StoreError is thrown at once', async () => {
  await expect(retryStore(() => Promise.reject(new TypeError('a bug')), signal, silentLog)).rejects.toThrow(
    'a bug',
  );
});

test('once the signal is aborted the store’s failure is thrown', async () => {
  const ending = new AbortController();
  const result = retryStore(() => Promise.reject(silent()), ending.signal, silentLog);
  ending.abort();
  await expect(result).rejects.toThrow('no answer');
});
