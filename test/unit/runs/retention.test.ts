import { expect, test, vi } from 'vitest';
import { silentLog } from '../../../src/log.ts';
import { startRetention } from '../../../src/runs/retention.ts';

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
    startRetention({ store: { purge }, keepRunsMs, log: silentLog }).close();
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
  startRetention({ store: { purge }, keepRunsMs: 1_000, log }).close();
  expect(await erased.promise).toMatchObject({ event: 'runs.erased', erased: 3 });
});
