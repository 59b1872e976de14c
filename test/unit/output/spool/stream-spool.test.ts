import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { RunFolder } from '../../../../src/output/spool/run-folder.ts';
import { StreamSpool } from '../../../../src/output/spool/stream-spool.ts';

let dir = '';
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'stream-spool-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const fail = (error: unknown) => expect.unreachable(String(error));
const open = (maxBytes: number) => {
  const folder = new RunFolder(join(dir, 'run-1'), maxBytes, true, fail);
  return { folder, spool: new StreamSpool(folder) };
};

test('surrogate pairs of one stream are joined over pieces; a lone half becomes U+FFFD', async () => {
  const { spool } = open(100);
  for (const [name, text] of [
    ['stdout', 'a\ud83d'],
    ['stdout', '\ude00b\ud83d'],
    ['stderr', 'c'],
    ['stderr', '\ud83d'],
  ] as const)
    await spool.write(name, text).written;
  await spool.close();
  expect(await readFile(spool.path ?? '', 'utf8')).toBe('a😀b\ufffdc\ufffd');
});

test('at the limit it is cut between two characters, and ends', async () => {
  const { spool } = open(4);
  expect(spool.write('stdout', 'ab').shown).toBe('ab');
  expect(spool.write('stdout', 'c😀').shown).toBe('c');
  expect(spool.write('stdout', 'd').shown).toBe('');
  expect(spool).toMatchObject({ isCut: true, keptBytes: 3, sentBytes: 8 });
  await spool.close();
  expect(await readFile(spool.path ?? '', 'utf8')).toBe('abc');
});

test('room that other files take is not available to the stream', async () => {
  const { folder, spool } = open(10);
  await folder.write('a.txt', 'x'.repeat(8));
  expect(spool.write('stdout', 'abc').shown).toBe('ab');
  await spool.close();
});

test('it continues after the text of an earlier process, and after it was closed', async () => {
  const first = open(10).spool;
  await first.write('stdout', 'abc').written;
  await first.close();
  const { folder, spool } = open(10);
  spool.recover(3, 'stdout');
  await spool.write('stdout', 'd').written;
  await spool.close();
  await spool.write('stdout', 'e').written;
  await spool.close();
  expect(await readFile(spool.path ?? '', 'utf8')).toBe('abcde');
  expect(folder.room).toBe(5);
});
