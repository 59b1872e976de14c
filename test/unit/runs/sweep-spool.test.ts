import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { sweepSpool } from '../../../src/runs/sweep-spool.ts';

test('what is left goes; what another process begins while the ledger is read stays', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'sparkthread-sweep-'));
  await mkdir(join(dir, 'posted'));
  await mkdir(join(dir, 'unfinished'));
  await sweepSpool(dir, async () => {
    await mkdir(join(dir, 'begun'));
    return [{ id: 'unfinished' }];
  });
  expect((await readdir(dir)).toSorted()).toEqual(['begun', 'unfinished']);
  await rm(dir, { recursive: true });
});
