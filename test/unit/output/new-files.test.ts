import { readdirSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openTranscript } from '../../../src/output/run-transcript.ts';
import { NewFiles } from '../../../src/output/spool/new-files.ts';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'sparkthread-spares-'));
});
afterEach(async () => await rm(dir, { recursive: true }));

test('an empty file takes the name of a new one, and never that of one that is there', async () => {
  const files = new NewFiles(dir, true);
  files.begin(join(dir, 'none'));
  files.prepare();
  expect((await readdir(dir)).toSorted()).toEqual(['spare-1', 'spare-2']);
  await writeFile(join(dir, 'kept'), 'text');
  files.begin(join(dir, 'kept'));
  expect(await readFile(join(dir, 'kept'), 'utf8')).toBe('text');
  const { ino } = await stat(join(dir, 'spare-2'));
  files.begin(join(dir, 'new'));
  expect((await stat(join(dir, 'new'))).ino).toBe(ino);
  files.begin(join(dir, 'other'));
  files.begin(join(dir, 'third'));
  expect((await readdir(dir)).toSorted()).toEqual(['kept', 'new', 'other']);
});

test('a disk that refuses says so with the first file, not before', async () => {
  await writeFile(join(dir, 'file'), '');
  const files = new NewFiles(join(dir, 'file', 'run'), false);
  files.prepare();
  expect(() => files.begin(join(dir, 'file', 'run', 'new'))).toThrow('ENOTDIR');
});

test('what a short run says is in files that were there before; a recovery drops those that are left', async () => {
  const transcript = await openTranscript({ dir, runId: 'run', maxOutputBytes: 1_000_000 });
  transcript.startBlock('1+1', 0);
  expect(readdirSync(dir)).toEqual([]);
  await nextTurn();
  const folder = join(dir, 'run');
  const inodes = async () =>
    await Promise.all((await readdir(folder)).map(async (name) => (await stat(join(folder, name))).ino));
  const before = await inodes();
  expect(before).toHaveLength(2);
  await transcript.add({ kind: 'result', data: { 'text/plain': '2' }, metadata: {} });
  await transcript.seal();
  expect(new Set(await inodes())).toEqual(new Set(before));
  expect((await readdir(folder)).toSorted()).toEqual(['1-results.txt', 'parts.json']);

  const silent = await openTranscript({ dir, runId: 'silent', maxOutputBytes: 1_000_000 });
  silent.startBlock('pass', 0);
  await nextTurn();
  await silent.add({ kind: 'stream', name: 'stdout', text: 'a' });
  const again = await openTranscript({ dir, runId: 'silent', maxOutputBytes: 1_000_000, recovered: true });
  expect(again.view().textBytes).toBe(1);
  expect(await readdir(join(dir, 'silent'))).not.toContain('spare-1');
});
