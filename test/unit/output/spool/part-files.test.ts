import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { OutputModel } from '../../../../src/output/model/output-model.ts';
import { wholeText } from '../../../../src/output/output-view.ts';
import { FinalFiles } from '../../../../src/output/spool/final-files.ts';
import { PartFiles } from '../../../../src/output/spool/part-files.ts';
import { RunFolder } from '../../../../src/output/spool/run-folder.ts';
import { SPARK_TABLE_MIME } from '../../../../src/spark/sql/python.ts';

let dir = '';
let folder: RunFolder;
const fail = (error: unknown) => expect.unreachable(String(error));
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'part-files-'));
  folder = new RunFolder(join(dir, 'run-1'), 1_000_000, false, fail);
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const names = (paths: readonly string[]) => paths.map((path) => basename(path));

test('a text is kept whole and without colours, and names the file that all texts are joined in', async () => {
  const made = await new PartFiles(folder).addText('pager', `\u001b[1mhelp\u001b[0m ${'x'.repeat(30_000)}`);
  expect(made.parts).toMatchObject([{ kind: 'text', source: 'pager', path: folder.at('results.txt') }]);
  expect(names(made.texts)).toEqual(['1-results.txt']);
  expect(await readFile(made.texts[0] ?? '', 'utf8')).toBe(`help ${'x'.repeat(30_000)}`);
});

test('R’s help is kept without the underlines of a printer', async () => {
  const made = await new PartFiles(folder).addText('pager', '_\bM_\be_\ba_\bn\n\n  _x');
  expect(await readFile(made.texts[0] ?? '', 'utf8')).toBe('Mean\n\n  _x');
});

test('a data frame has its text and its CSV, a picture its bytes', async () => {
  const html = '<table><tr><th>a</th></tr><tr><td>1</td></tr></table>';
  const frame = await new PartFiles(folder).addBundle(
    { 'text/html': html, 'text/plain': ' a\n 1' },
    'result',
  );
  expect([names(frame.texts), names(frame.files)]).toEqual([['1-results.txt'], ['2-table.csv']]);
  const png = Buffer.from('\u0089PNG\r\n\u001a\n', 'latin1').toString('base64');
  const plot = await new PartFiles(folder).addBundle({ 'image/png': png }, 'result');
  expect([names(plot.texts), names(plot.files)]).toEqual([[], ['3-image.png']]);
});

test('without room a text is shown without a file, and a picture not at all', async () => {
  const full = new RunFolder(join(dir, 'run-2'), 1, false, fail);
  const made = await new PartFiles(full).addBundle({ 'text/plain': 'long' }, 'result');
  expect(made.parts).toEqual([{ kind: 'text', source: 'result', text: wholeText('long'), path: undefined }]);
  const png = Buffer.from('\u0089PNG\r\n\u001a\n', 'latin1').toString('base64');
  expect((await new PartFiles(full).addBundle({ 'image/png': png }, 'result')).parts).toEqual([]);
});

async function show(model: OutputModel, text: string): Promise<void> {
  const { parts, texts, files } = await new PartFiles(folder).addText('result', text);
  model.show({ parts, texts, files }, undefined, '');
}

test('a single text is its own file at the end; several are joined, under another name when they change', async () => {
  const model = new OutputModel();
  const final = new FinalFiles(folder);
  const pathNow = async () => {
    const [part] = await final.make(model, undefined);
    return part?.kind === 'text' ? (part.path ?? '') : '';
  };
  await show(model, 'one');
  expect(basename(await pathNow())).toBe('1-results.txt');
  await show(model, 'two');
  const joined = await pathNow();
  expect([basename(joined), await readFile(joined, 'utf8')]).toEqual(['results.txt', 'one\ntwo']);
  expect(await pathNow()).toBe(joined);
  await show(model, 'three');
  const later = await pathNow();
  expect([basename(later), await readFile(later, 'utf8')]).toEqual(['results.1.txt', 'one\ntwo\nthree']);
  expect(await readFile(joined, 'utf8')).toBe('one\ntwo');
});

test('long texts in columns that Slack does not show cost no rows', async () => {
  const row = [...Array<string>(20).fill('1'), ...Array<string>(30).fill('x'.repeat(500))];
  const sent = {
    columns: row.map((_, n) => `n${n}`),
    rows: Array.from({ length: 200 }, () => row),
    cut: false,
    cutCells: false,
  };
  const made = await new PartFiles(folder).addBundle({ [SPARK_TABLE_MIME]: JSON.stringify(sent) }, 'result');
  const [table] = made.parts;
  expect(table?.kind === 'table' ? table.rows.length : 0).toBe(200);
});

test('a CSV quotes what has a comma, a quote or a line end, and has all columns; memory has the first of them', async () => {
  const cells = ['1,5', 'a "b"', 'c\nd', 'e\rf', ' g ', '', ...Array.from({ length: 94 }, (_, n) => `${n}`)];
  const sent = { columns: cells.map((_, n) => `n${n}`), rows: [cells], cut: false, cutCells: false };
  const made = await new PartFiles(folder).addBundle({ [SPARK_TABLE_MIME]: JSON.stringify(sent) }, 'result');
  const [table] = made.parts;
  if (table?.kind !== 'table') return expect.unreachable('no table');
  expect([table.columns.length, table.rows[0]?.length]).toEqual([100, 20]);
  expect(table.text.head).toMatch(/… 50 more columns …$/);
  const [, ...lines] = (await readFile(table.csvPath ?? '', 'utf8')).split('\n');
  expect(lines.join('\n')).toMatch(/^"1,5","a ""b""","c\nd","e\rf", g ,,0,1,.*,93\n$/);
});
