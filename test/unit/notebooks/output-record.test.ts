import { readdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { recordedOutputs } from '../../../src/notebooks/nbformat.ts';
import { OutputRecord } from '../../../src/notebooks/output-record.ts';
import { SpoolBudget } from '../../../src/output/spool/spool.ts';
import { SPARK_TABLE_MIME } from '../../../src/spark/sql/python.ts';
import { temporaryFolder } from '../../contract/temporary-folder.ts';

const open = (dir: string, recovered = false): Promise<OutputRecord> =>
  OutputRecord.open({ dir, maxOutputBytes: 1e9, budget: new SpoolBudget(1e9), recovered });

/** What a cell's outputs are in the file, in the pieces in which they are written. */
async function piecesOf(record: OutputRecord, number: number): Promise<string[]> {
  const pieces: string[] = [];
  for (const output of recordedOutputs(record.cell(number) ?? expect.fail('no cell'), record.streamsPath))
    for await (const piece of output) pieces.push(piece);
  return pieces;
}

/** The texts of its streams, where it has said nothing else. */
async function textsOf(record: OutputRecord, number: number): Promise<unknown[]> {
  const cell = record.cell(number) ?? expect.fail('no cell');
  const texts: unknown[] = [];
  for (const output of recordedOutputs(cell, record.streamsPath)) {
    let json = '';
    for await (const piece of output) json += piece;
    texts.push(JSON.parse(json).text);
  }
  return texts;
}

test('the next process has the same outputs, in no more room', async () => {
  const dir = join(temporaryFolder(), 'run.notebook');
  const record = await open(dir);
  record.begin(0);
  await record.add({ kind: 'counted', executionCount: 3 });
  await record.add({ kind: 'stream', name: 'stderr', text: 'remains ' });
  record.begin(1);
  for (let n = 0; n < 2_000; n += 1) {
    await record.add({ kind: 'clear', wait: true });
    await record.add({ kind: 'stream', name: 'stdout', text: `${n} ` });
  }
  await record.add({ kind: 'stream', name: 'stdout', text: 'and more' });
  await record.close();
  expect((await readFile(join(dir, 'parts.json'), 'utf8')).length).toBeLessThan(1_000);
  const next = await open(dir, true);
  expect([next.cell(0), next.cell(1)]).toEqual([record.cell(0), record.cell(1)]);
  expect(await textsOf(next, 1)).toEqual(['1999 and more']);
});

test('a killed process leaves its cells separate: the current cell is written before its output', async () => {
  const dir = join(temporaryFolder(), 'run.notebook');
  const record = await open(dir);
  for (const number of [0, 1]) {
    record.begin(number);
    await record.add({ kind: 'counted', executionCount: number + 1 });
    await record.add({ kind: 'stream', name: 'stdout', text: `cell ${number}` });
  }
  // Nothing is closed: this process is no more.
  const next = await open(dir, true);
  expect([next.cell(0)?.count, next.cell(1)?.count]).toEqual([1, 2]);
  expect([await textsOf(next, 0), await textsOf(next, 1)]).toEqual([['cell 0'], ['cell 1']]);
});

test('text that was not written before a crash is in no cell, and later text only in its own', async () => {
  const dir = join(temporaryFolder(), 'run.notebook');
  const record = await open(dir);
  record.begin(0);
  await record.add({ kind: 'stream', name: 'stdout', text: 'kept, lost' });
  record.begin(1);
  await record.add({ kind: 'stream', name: 'stdout', text: 'lost too' });
  await record.close();
  await truncate(join(dir, 'output.txt'), 5);
  const next = await open(dir, true);
  await next.add({ kind: 'stream', name: 'stderr', text: 'after the crash' });
  await next.close();
  expect(await textsOf(next, 0)).toEqual(['kept,']);
  expect(await textsOf(next, 1)).toEqual(['after the crash']);
});

test('replaced output makes room', async () => {
  const dir = join(temporaryFolder(), 'run.notebook');
  const record = await OutputRecord.open({ dir, maxOutputBytes: 1_000, recovered: false });
  record.begin(0);
  await record.add({ kind: 'display', data: { 'text/plain': 'x'.repeat(500) }, metadata: {} });
  await record.add({ kind: 'clear', wait: true });
  for (const text of ['a', 'b', 'c'])
    await record.add({ kind: 'stream', name: 'stdout', text: text.repeat(300) });
  expect(record.loss).toBeUndefined();
  expect(await textsOf(record, 0)).toEqual(['a'.repeat(300) + 'b'.repeat(300) + 'c'.repeat(300)]);
});

test('a display that is updated often leaves one file', async () => {
  const dir = join(temporaryFolder(), 'run.notebook');
  const record = await open(dir);
  const shown = { data: { 'text/plain': 'x' }, metadata: {}, displayId: 'd' };
  for (const number of [0, 1]) {
    record.begin(number);
    await record.add({ kind: 'display', ...shown });
  }
  for (let n = 0; n < 500; n += 1) void record.add({ kind: 'updateDisplay', ...shown });
  await record.add({ kind: 'clear', wait: false });
  await record.close();
  expect((await readdir(dir)).filter((name) => name.endsWith('output.json'))).toEqual(['502-output.json']);
  const next = await open(dir, true);
  expect(next.cell(0)?.outputs).toEqual([
    { kind: 'file', path: join(dir, '502-output.json'), displayId: 'd' },
  ]);
  expect(next.cell(1)?.outputs).toEqual([]);
});

test('a failing disk ends the record without an error', async () => {
  const folder = temporaryFolder();
  await writeFile(join(folder, 'file'), '');
  const record = await open(join(folder, 'file', 'below'));
  record.begin(0);
  await record.add({ kind: 'stream', name: 'stdout', text: 'x' });
  await record.close();
  expect(record.loss).toBe('diskFull');
  await record.remove();
});

test('a text of any length is written in small pieces', async () => {
  const record = await open(join(temporaryFolder(), 'run.notebook'));
  record.begin(0);
  const text = `${'0123456789'.repeat(100)}\n`.repeat(500);
  for (let n = 0; n < 40; n += 1) await record.add({ kind: 'stream', name: 'stdout', text });
  await record.close();
  const pieces = await piecesOf(record, 0);
  expect(Math.max(...pieces.map(({ length }) => length))).toBeLessThan(200_000);
  expect(pieces.join('').length).toBeGreaterThan(40 * text.length);
});

test('a note replaces an output that is nested too deeply', async () => {
  const record = await open(join(temporaryFolder(), 'run.notebook'));
  record.begin(0);
  const deep: unknown = JSON.parse(`${'['.repeat(20_000)}${']'.repeat(20_000)}`);
  await record.add({ kind: 'display', data: { 'application/json': deep }, metadata: {} });
  await record.add({ kind: 'display', data: { 'text/plain': 'x' }, metadata: { deep } });
  await record.add({ kind: 'display', data: { 'text/plain': 'behind' }, metadata: {} });
  await record.close();
  expect(await piecesOf(record, 0)).toMatchObject(
    [/nested too deeply/, /nested too deeply/, /behind/].map((each) => expect.stringMatching(each)),
  );
});

test('a long output is written and read in pieces, whatever it consists of', async () => {
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
  const pieces = await piecesOf(record, 0);
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

test('a clear within an Output widget leaves what was printed outside of it', async () => {
  const record = await open(join(temporaryFolder(), 'run.notebook'));
  record.begin(0);
  await record.add({ kind: 'stream', name: 'stdout', text: 'KEEP' });
  await record.add({ kind: 'widget', id: 'w', state: { isCapturing: true } });
  await record.add({ kind: 'stream', name: 'stdout', text: 'one' });
  await record.add({ kind: 'clear', wait: true });
  await record.add({ kind: 'stream', name: 'stdout', text: 'two' });
  await record.add({ kind: 'widget', id: 'w', state: { isCapturing: false } });
  await record.add({ kind: 'stream', name: 'stdout', text: 'after' });
  expect(await textsOf(record, 0)).toEqual(['KEEP', 'two', 'after']);
  await record.add({ kind: 'clear', wait: false });
  expect(await textsOf(record, 0)).toEqual([]);
});

test('a widget is its last state in words: a notebook without a kernel cannot draw it', async () => {
  const record = await open(join(temporaryFolder(), 'run.notebook'));
  const view = { 'text/plain': '0%', 'application/vnd.jupyter.widget-view+json': { model_id: 'w' } };
  record.begin(0);
  await record.add({ kind: 'widget', id: 'w', state: { model: 'FloatProgressModel', value: 0, max: 8 } });
  await record.add({ kind: 'display', data: view, metadata: {} });
  for (let value = 1; value <= 8; value += 1) await record.add({ kind: 'widget', id: 'w', state: { value } });
  await record.close();
  const [written = ''] = await piecesOf(record, 0);
  expect(JSON.parse(written).data).toEqual({ 'text/plain': `|${'█'.repeat(20)}|` });
});

test('a table of SQL or of a DataFrame is in the file as every reader of notebooks shows it', async () => {
  const record = await open(join(temporaryFolder(), 'run.notebook'));
  const table = { columns: ['a', 'b<c>'], rows: [['1', 'x & y']], cut: true, cutCells: false };
  const plan = { ...table, columns: ['plan'], rows: [['== Plan ==\n+- Scan']], cut: false };
  const shown = [table, plan].map(async (sent, number) => {
    record.begin(number);
    const data = { [SPARK_TABLE_MIME]: JSON.stringify(sent), 'text/plain': '1 rows' };
    await record.add({ kind: 'display', data, metadata: {} });
    return JSON.parse((await piecesOf(record, number)).join('')).data;
  });
  expect(await Promise.all(shown)).toEqual([
    {
      'text/html':
        '<table>\n<tr><th>a</th><th>b&lt;c&gt;</th></tr>\n<tr><td>1</td><td>x &amp; y</td></tr>\n</table>\n<p>first 1 row</p>',
      'text/plain': 'a  b<c>\n1  x & y',
    },
    { 'text/plain': '== Plan ==\n+- Scan' },
  ]);
});
