import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, rmdir, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openTranscript } from '../../../../src/output/run-transcript.ts';
import { roomOnDisk, SpoolBudget, SpoolFullError, sweepSpool } from '../../../../src/output/spool/spool.ts';
import type { Transcript } from '../../../../src/output/transcript.ts';

let dir = '';
let failures: unknown[] = [];
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'spool-budget-'));
  failures = [];
});
afterEach(() => rm(dir, { recursive: true, force: true }));

async function open(runId: string, budget: SpoolBudget, recovered = false): Promise<Transcript> {
  const onDiskFailure = (error: unknown): void => void failures.push(error);
  return await openTranscript({ dir, runId, maxOutputBytes: 1_000_000, budget, recovered, onDiskFailure });
}

const print = async (transcript: Transcript, text: string): Promise<void> =>
  await transcript.add({ kind: 'stream', name: 'stdout', text });

async function bytesIn(folder: string): Promise<number> {
  const names = await readdir(folder);
  const sizes = await Promise.all(names.map(async (name) => (await stat(join(folder, name))).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** The stream text of a run as it is on the disk. */
const spooled = async (transcript: Transcript): Promise<string> =>
  await readFile(transcript.view().spoolPath ?? '', 'utf8');

test('output over the limit of all runs is shown but not stored, and reported; no run is stopped', async () => {
  const budget = new SpoolBudget(100);
  const [first, second] = [await open('run-1', budget), await open('run-2', budget)];
  await print(first, 'a'.repeat(70));
  await print(second, 'b'.repeat(70));
  await print(second, 'end');
  await second.seal();
  expect(await spooled(second)).toBe('b'.repeat(30));
  expect(JSON.stringify(second.view().parts)).toContain('bend');
  expect(second.view()).toMatchObject({ limited: false, losses: [{ kind: 'spoolFull' }] });
  expect(first.view().losses).toEqual([]);
  expect(failures).toEqual([new SpoolFullError()]);
});

test('output leaves room on the disk for the store, whatever the limit is', async () => {
  const disk: { budget?: SpoolBudget } = {};
  disk.budget = new SpoolBudget(Infinity, async () => 1_000 - (disk.budget?.usedBytes ?? 0));
  const transcript = await open('run-1', disk.budget);
  await print(transcript, 'a'.repeat(400));
  await print(transcript, 'b'.repeat(5_000));
  await transcript.seal();
  expect(await spooled(transcript)).toBe(`${'a'.repeat(400)}${'b'.repeat(600)}`);
  expect(transcript.view()).toMatchObject({ limited: false, losses: [{ kind: 'spoolFull' }] });
});

test('a disk that gives no answer holds up no output', async () => {
  const budget = new SpoolBudget(1_000, () => new Promise(() => undefined));
  const transcript = await open('run-1', budget);
  await print(transcript, 'a'.repeat(400));
  await transcript.seal();
  expect(await spooled(transcript)).toBe('a'.repeat(400));
});

test('a disk that does not say how much is free has room', async () => {
  expect(await roomOnDisk('/proc')).toBe(Infinity);
  expect(await roomOnDisk(join(dir, 'none'))).toBe(Infinity);
});

test('the limit never splits a character', async () => {
  const transcript = await open('run-1', new SpoolBudget(5));
  await print(transcript, 'äää');
  await transcript.seal();
  expect(await spooled(transcript)).toBe('ää');
});

test('a picture without room is not stored, and that is reported', async () => {
  const transcript = await open('run-1', new SpoolBudget(100));
  const png = Buffer.concat([Buffer.from('89504e470d0a1a0a', 'hex'), Buffer.alloc(300, 1)]).toString(
    'base64',
  );
  await transcript.add({ kind: 'display', data: { 'image/png': png }, metadata: {} });
  await transcript.seal();
  expect(transcript.view()).toMatchObject({ limited: false, losses: [{ kind: 'spoolFull' }] });
});

test('the room of a file that could not be written is freed, and it is tried again later', async () => {
  const budget = new SpoolBudget(10_000_000);
  const transcript = await open('run-1', budget);
  for (let n = 0; n < 20; n += 1)
    await transcript.add({ kind: 'display', data: { 'text/plain': `o${n}\n`.repeat(5_000) }, metadata: {} });
  const path = join(dir, 'run-1', 'results.txt');
  await mkdir(path);
  await transcript.seal();
  expect(failures).toMatchObject([{ code: 'EISDIR' }]);
  await rmdir(path);
  expect(budget.usedBytes).toBe(await bytesIn(join(dir, 'run-1')));
  await print(transcript, 'late');
  await transcript.seal();
  expect(await readdir(join(dir, 'run-1'))).toContain('results.txt');
});

test('the snapshot counts, and after a crash as well', async () => {
  const budget = new SpoolBudget(10_000_000);
  const transcript = await open('run-1', budget);
  await transcript.add({ kind: 'display', data: { 'text/plain': 'x'.repeat(10_000) }, metadata: {} });
  await transcript.seal();
  const onDisk = await bytesIn(join(dir, 'run-1'));
  expect(onDisk).toBeGreaterThan(10_000);
  expect(budget.usedBytes).toBe(onDisk);
  const later = new SpoolBudget(10_000_000);
  await open('run-1', later, true);
  expect(later.usedBytes).toBe(onDisk);
});

test('all bytes of a run are freed when its output is removed', async () => {
  const budget = new SpoolBudget(10_000_000);
  const transcript = await open('run-1', budget);
  const long = (start: string): string => `${start}\n`.repeat(5_000);
  for (let n = 0; n < 250; n += 1)
    await transcript.add({
      kind: 'display',
      data: { 'text/plain': long(`n${n}`).slice(0, 2_000) },
      metadata: {},
      displayId: 'd',
    });
  for (let n = 0; n < 20; n += 1)
    await transcript.add({ kind: 'display', data: { 'text/plain': long(`o${n}`) }, metadata: {} });
  await print(transcript, long('printed'));
  await transcript.seal();
  await print(transcript, 'late');
  await transcript.seal();
  const files = await readdir(join(dir, 'run-1'));
  expect(files).toContain('results.txt');
  expect(budget.usedBytes).toBeGreaterThan(100_000);
  await transcript.remove();
  expect(budget.usedBytes).toBe(0);
  expect(await readdir(dir)).toEqual([]);
});

test('files of an earlier process count from the start', async () => {
  const before = await open('run-1', new SpoolBudget(1_000));
  await print(before, 'x'.repeat(90));
  await before.seal();
  const budget = new SpoolBudget(100);
  await open('run-1', budget, true);
  expect(budget.usedBytes).toBe(90);
});

test('posted output makes room for others, the oldest first, and only as much as they need', async () => {
  const budget = new SpoolBudget(300);
  const posted = await Promise.all(['run-1', 'run-2', 'run-3'].map((runId) => open(runId, budget)));
  const removals: Promise<void>[] = [];
  for (const transcript of posted) {
    await print(transcript, 'x'.repeat(90));
    await transcript.seal();
    transcript.offer(() => void removals.push(transcript.remove()));
  }
  const next = await open('run-4', budget);
  await print(next, 'y'.repeat(200));
  await Promise.all(removals);
  expect(removals).toHaveLength(2);
  expect(['run-1', 'run-2', 'run-3'].map((runId) => existsSync(join(dir, runId)))).toEqual([
    false,
    false,
    true,
  ]);
  expect(next.view().losses).toEqual([]);
  expect(budget.usedBytes).toBe(290);
  await posted[2]?.remove();
  expect(budget.usedBytes).toBe(200);
});

test('the output of posted runs is deleted, that of others stays', async () => {
  await mkdir(join(dir, 'posted'));
  await mkdir(join(dir, 'unfinished'));
  await sweepSpool(dir, new Set(['unfinished']));
  expect(await readdir(dir)).toEqual(['unfinished']);
});

test('a missing folder has nothing to delete', async () => {
  await expect(sweepSpool(join(tmpdir(), 'sparkthread-no-such-folder'), new Set())).resolves.toBeUndefined();
});
