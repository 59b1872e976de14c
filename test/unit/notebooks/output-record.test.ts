import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { recordedOutputs } from '../../../src/notebooks/write.ts';
import { OutputRecord } from '../../../src/notebooks/output-record.ts';
import { SpoolBudget } from '../../../src/output/spool/spool-budget.ts';
import { temporaryFolder } from '../../contract/temporary-folder.ts';

const open = (dir: string, recovered = false): Promise<OutputRecord> =>
  OutputRecord.open({ dir, maxBytes: 1e9, budget: new SpoolBudget(1e9), recovered });

test('steps that count no more are left out, and what stands is the same for the next process', async () => {
  const dir = join(temporaryFolder(), 'run.notebook');
  const record = await open(dir);
  record.begin(0);
  await record.add({ kind: 'counted', executionCount: 3 });
  await record.add({ kind: 'stream', name: 'stderr', text: 'remains ' });
  record.begin(1);
  for (let n = 0; n < 40_000; n += 1) {
    await record.add({ kind: 'clear', wait: true });
    await record.add({ kind: 'stream', name: 'stdout', text: `${n} ` });
    if (n % 1_000 === 0) await record.disk.flush();
  }
  await record.add({ kind: 'stream', name: 'stdout', text: 'and more' });
  await record.close();
  const steps = (await readFile(join(dir, 'steps.ndjson'), 'utf8')).split('\n');
  expect(steps.length).toBeLessThan(50_000);
  const next = await open(dir, true);
  expect(next.cell(0)).toEqual(record.cell(0));
  expect(next.cell(1)?.outputs).toEqual(record.cell(1)?.outputs);
  const { from = 0, to } =
    next.cell(1)?.outputs.map((output) => ('from' in output ? output : undefined))[0] ?? {};
  const text = await readFile(next.disk.streamsPath);
  expect(text.subarray(from, to).toString()).toBe('39999 and more');
});

test('a display that is updated faster than the disk writes leaves one file', async () => {
  const dir = join(temporaryFolder(), 'run.notebook');
  const record = await open(dir);
  record.begin(0);
  const shown = { data: { 'text/plain': 'x' }, metadata: {}, displayId: 'd' };
  await record.add({ kind: 'display', ...shown });
  for (let n = 0; n < 5_000; n += 1) void record.add({ kind: 'updateDisplay', ...shown });
  await record.close();
  expect((await readdir(dir)).filter((name) => name.endsWith('.json'))).toHaveLength(1);
  const [output] = (await open(dir, true)).cell(0)?.outputs ?? [];
  expect(output).toEqual({ kind: 'file', file: 5_001, id: 'd' });
});

test('a disk that refuses ends the record without an error', async () => {
  const folder = temporaryFolder();
  await writeFile(join(folder, 'file'), '');
  const record = await open(join(folder, 'file', 'below'));
  record.begin(0);
  await record.add({ kind: 'stream', name: 'stdout', text: 'x' });
  await record.disk.flush();
  expect(record.loss).toBe('disk');
  await record.remove();
});

test('a text of any length waits for the disk, and is written in small pieces', async () => {
  const record = await open(join(temporaryFolder(), 'run.notebook'));
  record.begin(0);
  const text = `${'0123456789'.repeat(100)}\n`.repeat(500);
  for (let n = 0; n < 40; n += 1) {
    await record.add({ kind: 'stream', name: 'stdout', text });
    expect(record.disk.pendingBytes).toBeLessThan(1_000_000 + text.length);
  }
  await record.close();
  const cell = record.cell(0);
  let length = 0;
  for (const output of cell === undefined ? [] : recordedOutputs(cell, record.disk))
    for await (const piece of output) {
      length += piece.length;
      expect(piece.length).toBeLessThan(200_000);
    }
  expect(length).toBeGreaterThan(40 * text.length);
});

test('an output that is nested too deeply is said in its place', async () => {
  const record = await open(join(temporaryFolder(), 'run.notebook'));
  record.begin(0);
  const deep: unknown = JSON.parse(`${'['.repeat(20_000)}${']'.repeat(20_000)}`);
  await record.add({ kind: 'display', data: { 'application/json': deep }, metadata: {} });
  await record.add({ kind: 'display', data: { 'text/plain': 'x' }, metadata: { deep } });
  await record.add({ kind: 'display', data: { 'text/plain': 'behind' }, metadata: {} });
  await record.close();
  const cell = record.cell(0) ?? expect.fail('no cell');
  const written: string[] = [];
  for (const output of recordedOutputs(cell, record.disk))
    for await (const piece of output) written.push(piece);
  expect(written).toMatchObject(
    [/nested too deeply/, /nested too deeply/, /behind/].map((each) => expect.stringMatching(each)),
  );
});

test('a long output is written and read in pieces, whatever it is made of', async () => {
  const record = await open(join(temporaryFolder(), 'run.notebook'));
  record.begin(0);
  const [text, half] = ['€'.repeat(1e6), '\ud800'.repeat(1e6)];
  const data = {
    'application/json': { half, list: Array(1e5).fill(1) },
    'text/plain': text,
    'text/x': [1, text],
  };
  let longest = 0;
  const { stringify } = JSON;
  const spy = vi.spyOn(JSON, 'stringify').mockImplementation((value: unknown) => {
    const json = stringify(value);
    longest = Math.max(longest, json.length);
    return json;
  });
  const display = record.add({ kind: 'display', data, metadata: {} });
  // What comes meanwhile stays behind it.
  record.begin(1);
  const behind = record.add({ kind: 'stream', name: 'stdout', text: 'behind' });
  await Promise.all([display, behind, record.close()]);
  spy.mockRestore();
  // Half of a pair is six characters then.
  expect(longest).toBeLessThan(2_000_000);
  const pieces: string[] = [];
  for (const output of recordedOutputs(record.cell(0) ?? expect.fail('no cell'), record.disk))
    for await (const piece of output) pieces.push(piece);
  expect(Math.max(...pieces.map(({ length }) => length))).toBeLessThan(200_000);
  const { half: ended, list } = data['application/json'];
  const kept = {
    ...data,
    'application/json': { half: ended.toWellFormed(), list },
    'text/x': stringify([1, text]),
  };
  const whole = { output_type: 'display_data', data: kept, metadata: {} };
  // A difference of megabytes would be printed.
  expect(pieces.join('') === stringify(whole)).toBe(true);
  expect(record.cell(1)?.outputs).toHaveLength(1);
});
