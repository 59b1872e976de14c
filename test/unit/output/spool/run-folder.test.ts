import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { RunFolder } from '../../../../src/output/spool/run-folder.ts';

let dir = '';
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'run-folder-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const failures: unknown[] = [];
const open = (maxBytes = 1_000, keepsLeftovers = false) =>
  new RunFolder(join(dir, 'run-1'), maxBytes, keepsLeftovers, (error) => failures.push(error));

test('it is created for its first file, without leftovers of an earlier run of that name', async () => {
  await writeFile(join(dir, 'other'), '');
  const before = open();
  expect(existsSync(before.path)).toBe(false);
  await before.write('a.txt', 'a');
  const after = open();
  expect(await after.write('b.txt', 'b')).toBe(join(dir, 'run-1', '1-b.txt'));
  expect(await readdir(after.path)).toEqual(['1-b.txt']);
});

test('files and stream text share the room; released files free it, and are deleted by the next sweep', async () => {
  const folder = open();
  folder.countStream(300);
  const path = await folder.write('a.txt', 'x'.repeat(600));
  expect(folder.room).toBe(100);
  expect(await folder.write('b.txt', 'x'.repeat(101))).toBeUndefined();
  expect(folder.isFull).toBe(true);
  folder.release([path ?? '']);
  expect(folder.room).toBe(700);
  expect(existsSync(path ?? '')).toBe(true);
  await folder.sweep();
  expect(existsSync(path ?? '')).toBe(false);
});

test('there are a thousand files at most', async () => {
  const folder = open(1_000_000);
  for (let n = 0; n < 1_000; n += 1) expect(await folder.write('a', 'x')).toBeDefined();
  expect(folder.isFull).toBe(false);
  expect(await folder.write('a', 'x')).toBeUndefined();
  expect(folder.isFull).toBe(true);
});

test('joined texts follow each other, and count once', async () => {
  const folder = open();
  const [first, second] = [await folder.write('a.txt', 'one'), await folder.write('a.txt', 'two')];
  const moved = await folder.move(first ?? '', 'more.txt');
  const joined = await folder.move(second ?? '', 'more.txt', moved);
  expect(await readFile(joined?.path ?? '', 'utf8')).toBe('one\ntwo');
  expect(joined?.bytes).toBe(7);
  expect(folder.room).toBe(993);
});

test('after a crash it keeps named files, cut to their valid length, and deletes the rest', async () => {
  const before = open();
  const named = await before.write('a.txt', 'named');
  await before.write('b.txt', 'nobody names it');
  const growing = await before.move((await before.write('c.txt', 'long enough')) ?? '', 'more.txt');
  await writeFile(before.at('output.txt'), 'stream');
  const after = open(1_000, true);
  await after.recover([named ?? ''], [{ path: growing?.path ?? '', bytes: 4 }]);
  expect((await readdir(after.path)).toSorted()).toEqual(['1-a.txt', '4-more.txt', 'output.txt']);
  expect(await readFile(growing?.path ?? '', 'utf8')).toBe('long');
  expect(after.room).toBe(1_000 - 5 - 4);
  expect(await after.write('d.txt', 'd')).toBe(after.at('5-d.txt'));
});

test('a failing disk is reported', async () => {
  failures.length = 0;
  await writeFile(join(dir, 'run-1'), 'a file where the folder should be');
  expect(await open().write('a.txt', 'a')).toBeUndefined();
  expect(failures).toHaveLength(1);
});

test('a long text is written in pieces, and no pair of surrogates is cut', async () => {
  const text = `${'x'.repeat(999_999)}${'😄'.repeat(300_000)}é`;
  const path = await open(10_000_000).write('a.txt', text);
  expect((await readFile(path ?? '', 'utf8')) === text).toBe(true);
});
