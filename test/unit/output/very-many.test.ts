import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { KernelOutput } from '../../../src/gateway/outputs.ts';
import { openTranscript } from '../../../src/output/run-transcript.ts';
import { display } from '../../support/kernel-outputs.ts';

let dir = '';
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'very-many-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const open = (recovered = false) =>
  openTranscript({ dir, runId: 'run-1', maxOutputBytes: 100_000_000, recovered });
const picture = (n: number): KernelOutput =>
  display({ 'image/png': Buffer.from(`\u0089PNG\r\n\u001a\n${n}`, 'latin1').toString('base64') });

test('of very many data frames the first are tables, the rest is text, complete in the file of results', async () => {
  const transcript = await open();
  for (let n = 0; n < 30; n += 1) {
    const html = `<table><tr><th>a</th></tr><tr><td>${n}</td></tr></table>`;
    await transcript.add(display({ 'text/html': html, 'text/plain': `   a\n0  ${n}` }));
  }
  await transcript.seal();
  const { parts } = transcript.view();
  expect(parts.map(({ kind }) => kind)).toEqual([...Array(10).fill('table'), ...Array(20).fill('text')]);
  const last = parts.at(-1);
  const whole = await readFile(last?.kind === 'text' ? (last.path ?? '') : '', 'utf8');
  expect(whole).toBe(Array.from({ length: 30 }, (_, n) => `   a\n0  ${n}`).join('\n'));
});

test('of very many printed tables the first are tables, the rest stays as it was printed', async () => {
  const transcript = await open();
  const table = (n: number) => `before ${n}\n+---+\n|  a|\n+---+\n|${String(n).padStart(3)}|\n+---+\n\n`;
  for (let n = 0; n < 12; n += 1) await transcript.add({ kind: 'stream', name: 'stdout', text: table(n) });
  await transcript.seal();
  const { parts } = transcript.view();
  expect(parts.filter(({ kind }) => kind === 'table')).toHaveLength(10);
  const last = parts.at(-1);
  expect(last?.kind === 'text' && last.text.head).toBe(`${table(10)}${table(11)}`.trimEnd());
});

test('late output does not leave another table each time', async () => {
  const transcript = await open();
  await transcript.add({ kind: 'stream', name: 'stdout', text: '+---+\n|  a|\n+---+\n|  1|\n+---+\n' });
  for (let n = 0; n < 20; n += 1) {
    await transcript.add({ kind: 'stream', name: 'stdout', text: `late ${n}\n` });
    await transcript.seal();
  }
  const tables = (await readdir(join(dir, 'run-1'))).filter((name) => name.endsWith('.csv'));
  expect(tables.length).toBeLessThanOrEqual(2);
  const table = transcript.view().parts.find(({ kind }) => kind === 'table');
  expect(table?.kind === 'table' && existsSync(table.csvPath ?? '')).toBe(true);
});

test('pictures that are no longer shown are kept in one archive, even after a crash, and removed by a clear', async () => {
  const first = await open();
  for (let n = 0; n < 130; n += 1) await first.add(picture(n));
  await first.seal();
  const transcript = await open(true);
  await transcript.add(picture(130));
  await transcript.seal();
  const [loss] = transcript.view().losses;
  expect(loss).toMatchObject({ kind: 'tooMany', parts: 31 });
  const archive = loss?.kind === 'tooMany' ? loss.archive : undefined;
  const held = readArchive(await readFile(archive ?? ''));
  expect([...held.keys()]).toEqual(Array.from({ length: 31 }, (_, n) => `${n + 51}-image.png`));
  expect(held.get('51-image.png')?.toString('latin1').slice(8)).toBe('50');
  for (let n = 131; n < 140; n += 1) {
    await transcript.add(picture(n));
    await transcript.seal();
  }
  expect((await readdir(join(dir, 'run-1'))).filter((name) => name.endsWith('.zip')).length).toBeLessThan(4);
  await transcript.add({ kind: 'clear', wait: false });
  await transcript.seal();
  expect(transcript.view().losses).toEqual([]);
  expect((await readdir(join(dir, 'run-1'))).filter((name) => name.endsWith('.png'))).toEqual([]);
});

test('what a dead process left can be posted as it is: its files are there', async () => {
  const first = await open();
  for (let n = 0; n < 130; n += 1) await first.add(display({ 'text/plain': `value ${n}` }));
  for (let n = 0; n < 130; n += 1) await first.add(picture(n));
  await first.seal();
  const transcript = await open(true);
  await transcript.add({ kind: 'reconnected', fromMs: 1, toMs: 2 });
  const { parts, losses } = transcript.view();
  const paths = parts.flatMap((part) => ('path' in part ? (part.path ?? []) : []));
  expect(paths).toHaveLength(100);
  const tooMany = losses.find((loss) => loss.kind === 'tooMany');
  expect(tooMany).toMatchObject({ path: expect.any(String), archive: expect.any(String) });
  for (const path of [...paths, tooMany?.path ?? '', tooMany?.archive ?? ''])
    expect(existsSync(path)).toBe(true);
});

/** The files of a zip archive, found by its directory and checked. */
function readArchive(archive: Buffer): Map<string, Buffer> {
  const end = archive.length - 22;
  expect(archive.readUInt32LE(end)).toBe(0x06054b50);
  const files = new Map<string, Buffer>();
  let at = archive.readUInt32LE(end + 16);
  for (let n = archive.readUInt16LE(end + 10); n > 0; n -= 1) {
    expect(archive.readUInt32LE(at)).toBe(0x02014b50);
    const [size, nameBytes] = [archive.readUInt32LE(at + 24), archive.readUInt16LE(at + 28)];
    const name = archive.subarray(at + 46, at + 46 + nameBytes).toString();
    const local = archive.readUInt32LE(at + 42);
    expect(archive.readUInt32LE(local)).toBe(0x04034b50);
    const start = local + 30 + archive.readUInt16LE(local + 26) + archive.readUInt16LE(local + 28);
    const content = archive.subarray(start, start + size);
    expect(crc32(content)).toBe(archive.readUInt32LE(at + 16));
    files.set(name, content);
    at += 46 + nameBytes + archive.readUInt16LE(at + 30) + archive.readUInt16LE(at + 32);
  }
  expect(at).toBe(end);
  return files;
}
