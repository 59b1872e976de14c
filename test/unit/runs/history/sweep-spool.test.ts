import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { sweepSpool } from '../../../../src/runs/history/sweep-spool.ts';

test('what is left goes; what another process begins meanwhile, or still writes to, stays', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'sparkthread-sweep-'));
  await mkdir(join(dir, 'posted'));
  await mkdir(join(dir, 'unfinished'));
  await mkdir(join(dir, 'late'));
  await sweepSpool(dir, {
    async readUnposted() {
      await mkdir(join(dir, 'begun'));
      return [{ id: 'unfinished' }];
    },
    isStillWritten: async (runId) => runId === 'late',
  });
  expect((await readdir(dir)).toSorted()).toEqual(['begun', 'late', 'unfinished']);
  await rm(dir, { recursive: true });
});
