import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { silentLog } from '../../../src/log.ts';
import { startRetention, sweepSpool } from '../../../src/runs/retention.ts';

test('output of runs that are posted is deleted, that of others stays', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'sparkthread-sweep-'));
  await mkdir(join(dir, 'posted'));
  await mkdir(join(dir, 'unfinished'));
  await sweepSpool(dir, new Set(['unfinished']));
  expect(await readdir(dir)).toEqual(['unfinished']);
  await rm(dir, { recursive: true });
});

test('a folder that is not there has nothing to delete', async () => {
  await expect(sweepSpool(join(tmpdir(), 'sparkthread-no-such-folder'), new Set())).resolves.toBeUndefined();
});

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
