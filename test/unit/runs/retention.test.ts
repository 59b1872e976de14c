import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, test, vi } from 'vitest';
import { StoreError } from '../../../src/errors.ts';
import { silentLog } from '../../../src/log.ts';
import { eraseOldRuns } from '../../../src/runs/retention.ts';

test.each([
  { keepRunsMs: 1_000, runsBefore: 999_999_000 },
  { keepRunsMs: undefined, runsBefore: 0 },
])('runs are kept for $keepRunsMs ms, request keys for 7 days', async ({ keepRunsMs, runsBefore }) => {
  const purged = Promise.withResolvers<object>();
  const purge = async (before: object) => {
    purged.resolve(before);
    return { ids: [], isPartial: false };
  };
  vi.useFakeTimers({ toFake: ['Date'], now: 1e9 });
  try {
    const closing = new AbortController();
    void eraseOldRuns({ purge }, keepRunsMs, closing.signal, silentLog);
    closing.abort();
    expect(await purged.promise).toEqual({ runsBefore, requestsBefore: 1e9 - 7 * 24 * 3_600_000 });
  } finally {
    vi.useRealTimers();
  }
});

test('further steps erase what one step leaves, until nothing is left', async () => {
  const erased = Promise.withResolvers<unknown>();
  const steps = [
    { ids: ['1', '2'], isPartial: true },
    { ids: [], isPartial: true },
    { ids: ['3'], isPartial: false },
  ];
  const purge = async () => steps.shift() ?? expect.unreachable('nothing was left');
  const log = { ...silentLog, info: (told: unknown) => erased.resolve(told) };
  const closing = new AbortController();
  void eraseOldRuns({ purge }, 1_000, closing.signal, log);
  expect(await erased.promise).toMatchObject({ event: 'runs.erased', erased: 3 });
  closing.abort();
});

test('a round that leaves or cannot erase something is followed by the next one in 10 minutes, else in a day', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  try {
    const answers = ['much', 'much', 'away', 'little'];
    const purge = async () => {
      const answer = answers.shift() ?? expect.unreachable('it is not time yet');
      if (answer === 'away') throw new StoreError('silent', 'the store is away');
      vi.advanceTimersByTime(600);
      return { ids: [], isPartial: answer === 'much' };
    };
    const closing = new AbortController();
    void eraseOldRuns({ purge }, 1_000, closing.signal, silentLog);
    for (const [left, afterMs] of [
      [2, 0],
      [1, 600_000],
      [0, 600_000],
      [0, 3_600_000],
    ] as const) {
      vi.advanceTimersByTime(afterMs);
      for (let turn = 0; turn < 5; turn += 1) await nextTurn();
      expect(answers).toHaveLength(left);
    }
    closing.abort();
    await nextTurn();
    expect(vi.getTimerCount()).toBe(0);
  } finally {
    vi.useRealTimers();
  }
});
