import { expect, test } from 'vitest';
import { silentLog } from '../../../src/log.ts';
import { startRetention } from '../../../src/runs/retention.ts';

test.each([
  { keepRunsMs: 1_000, runsBefore: 999_999_000 },
  { keepRunsMs: undefined, runsBefore: 0 },
])('runs are kept for $keepRunsMs ms, request keys for 7 days', async ({ keepRunsMs, runsBefore }) => {
  const purged = Promise.withResolvers<object>();
  const purge = async (before: object): Promise<string[]> => {
    purged.resolve(before);
    return [];
  };
  startRetention({ store: { purge }, keepRunsMs, log: silentLog, now: () => 1e9 }).close();
  expect(await purged.promise).toEqual({ runsBefore, requestsBefore: 1e9 - 7 * 24 * 3_600_000 });
});
