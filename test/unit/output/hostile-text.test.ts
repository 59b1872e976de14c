import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { KernelOutput } from '../../../src/gateway/outputs.ts';
import { readError } from '../../../src/output/errors/read-error.ts';
import { htmlTable, readHtmlTable } from '../../../src/output/mime/html-table.ts';
import { splitTextTables } from '../../../src/output/mime/spark-tables.ts';
import { openTranscript } from '../../../src/output/run-transcript.ts';
import { SPARK_TABLE_MIME } from '../../../src/spark/sql/python.ts';
import { display, stdout } from '../../support/kernel-outputs.ts';
import { longestTurnMs, shareOfLongestTurn } from '../../support/turns.ts';

/** Whatever a kernel sends, nobody else waits longer for a turn: one turn's work on this thread, others' not counted. */
const MOST_MS = 300;

let dir = '';
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'hostile-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const failure = (name: string, value: string, traceback: string[] = []): KernelOutput => ({
  kind: 'error',
  name,
  value,
  traceback,
});
const nested = (levels: number, innermost: unknown[] = []) => {
  let value = innermost;
  for (let level = 1; level < levels; level += 1) value = [value];
  return value;
};

const viewOf = (id: string) => ({ 'application/vnd.jupyter.widget-view+json': { model_id: id } });
/** Each holds the next one fifty times; the last is a word. */
const boxes = (depth: number): KernelOutput[] => [
  ...Array.from({ length: depth }, (_, n): KernelOutput => {
    const children = Array<string>(50).fill(`box ${n + 1}`);
    return { kind: 'widget', id: `box ${n}`, state: { model: 'VBoxModel', children } };
  }),
  { kind: 'widget', id: `box ${depth}`, state: { model: 'LabelModel', value: 'x' } },
  display(viewOf('box 0')),
];
const sqlResult = (columns: number, rows: number): string => {
  const row = JSON.stringify(Array(columns).fill('1'));
  return `{"columns":${row},"rows":[${`${row},`.repeat(rows)}${row}],"cut":false,"cutCells":false}`;
};

const monsters: [string, () => KernelOutput[]][] = [
  ['blanks in a message', () => [failure('E', `a${' '.repeat(199_990)}b`)]],
  ['line breaks in a message', () => [failure('E', `a${'\n'.repeat(199_990)}b`)]],
  ['a name of 30 MB', () => [failure('N'.repeat(30_000_000), 'v')]],
  ['a name of 30 MB in pieces', () => [failure('a.'.repeat(15_000_000), 'v')]],
  ['a message of 30 MB', () => [failure('E', 'ab '.repeat(10_000_000), ['x'.repeat(30_000_000)])]],
  [
    'a message that its traceback nearly has, again and again',
    () => [failure('E', `${'a'.repeat(150_000)}b`, ['a'.repeat(20_000_000)])],
  ],
  [
    'an R call with 50,000 blanks',
    () => [failure('ERROR', 'Error in f(): no', [`Traceback:\n1. stop("${' '.repeat(50_000)}")\n2. g()`])],
  ],
  [
    'an R call that says its line again and again',
    () => [failure('ERROR', 'no', [`Traceback:\n1. f()\n2. ${' # at line 1 of file <text>'.repeat(4_000)}`])],
  ],
  [
    'blanks in a line of the JVM',
    () => [failure('java.lang.E', 'x', [`\n${' '.repeat(90_000)}x\n`.repeat(9)])],
  ],
  [
    'tracebacks of Spark within each other',
    () => [failure('Py4JJavaError', `x\n${'  Traceback (most recent call last):\n'.repeat(20_000)}`)],
  ],
  [
    'plans and causes without end',
    () => [failure('org.apache.spark.E', 'Job aborted due to stage failure: (TID 1) ('.repeat(20_000))],
  ],
  [
    'frames without code and very many listings',
    () => [
      failure('E', 'x', [
        '  File "<stdin>", line 3, in f\n'.repeat(1_000) + `Cell In[1], line 9\n${' 1 x\n'.repeat(15_000)}`,
      ]),
    ],
  ],
  [
    'links that do not end',
    () => [failure('E', '\u001b]8;;'.repeat(2_000_000), ['\u001b]'.repeat(9_000_000)])],
  ],
  [
    'prompts of 20 kB with colours',
    () => Array.from({ length: 50 }, () => stdout(`\r\u001b[32m${'>'.repeat(20_000)}\u001b[0m `)),
  ],
  ['32 MB in one line', () => [stdout('x'.repeat(32_000_000))]],
  [
    'a bar that goes back for each character',
    () => [stdout(`${'x'.repeat(60_000)}${'\b.'.repeat(300_000)}`)],
  ],
  [
    'a result that goes back for each character',
    () => [display({ 'text/plain': `${'x'.repeat(60_000)}${'\b.'.repeat(300_000)}` })],
  ],
  [
    'two streams in turns',
    () =>
      Array.from({ length: 20_000 }, (_, n) => ({
        kind: 'stream',
        name: n % 2 ? 'stdout' : 'stderr',
        text: 'x\n',
      })),
  ],
  ['JSON of 5,000 levels', () => [display({ 'application/json': nested(5_000) })]],
  ['JSON of 20,000 levels', () => [display({ 'application/json': nested(20_000) })]],
  [
    'JSON of 3,000 levels that is wide within',
    () => [display({ 'application/json': nested(3_000, Array<number>(30_000).fill(1)) })],
  ],
  [
    'a chart of 3,400,000 numbers',
    () => [display({ 'application/vnd.vega.v5+json': { values: Array<number>(3.4e6).fill(1.25) } })],
  ],
  ['a vendor’s JSON of 5,000 levels', () => [display({ 'application/vnd.x.v1+json': { a: nested(5_000) } })]],
  ['mime types of 10 MB', () => [display({ [`application/${'a.+'.repeat(3_000_000)}`]: 'x' })]],
  ['an object of 30 MB', () => [display({ 'text/plain': `<${'a'.repeat(30_000_000)}` })]],
  [
    'a table of a million cells',
    () => [display({ 'text/html': `<table>${`<tr>${'<td>'.repeat(1_000)}</tr>`.repeat(1_000)}</table>` })],
  ],
  [
    'a table of 300,000 cells',
    () => [display({ 'text/html': `<table>${`<tr>${'<td>1'.repeat(1_000)}</tr>`.repeat(300)}</table>` })],
  ],
  [
    'digits beside a table',
    () => [
      display({
        'text/html': `${'1'.repeat(900_000)}<table><tr><td>1</td></tr></table>${'1,'.repeat(400_000)}`,
      }),
    ],
  ],
  [
    'captions in a table',
    () => [display({ 'text/html': `<table>${'<caption>'.repeat(1_000)}<tr><td>1</td></tr></table>` })],
  ],
  ['boxes of boxes', () => boxes(9)],
  ['a SQL result of 600,000 rows', () => [display({ [SPARK_TABLE_MIME]: sqlResult(1, 600_000) })]],
  ['a SQL result of 100,000 columns', () => [display({ [SPARK_TABLE_MIME]: sqlResult(100_000, 1) })]],
  ['a Spark table of 2 MB', () => [stdout(`+-+\n|a|\n+-+\n${'|1|\n'.repeat(495_000)}+-+\n`)]],
  [
    'long cells that span 40,000 places each',
    () => [
      display({
        'text/html': `<table><tr>${`<td colspan=200 rowspan=200>${'x'.repeat(1_900)}`.repeat(12)}${'<tr><td>'.repeat(200)}</table>`,
      }),
    ],
  ],
  [
    'sixty tables of cells that are repeated in many places',
    () => {
      const cell = `<td colspan=5 rowspan=200>${'x'.repeat(990)}`;
      const html = `<table><tr>${cell.repeat(10)}${'<tr><td>'.repeat(199)}</table>`;
      return Array.from({ length: 60 }, () => display({ 'text/html': html }));
    },
  ],
  ['a table of one row', () => [display({ 'text/html': `<table><tr>${'<td>1'.repeat(390_000)}</table>` })]],
  [
    'sound that only begins, again and again',
    () => [display({ 'text/html': `<audio src="${'data:audio/'.repeat(2_700_000)}` })],
  ],
  ['html of 30 MB', () => [display({ 'text/html': '<p '.repeat(10_000_000) })]],
  [
    'a Bokeh script that ends again and again',
    () => [
      display({
        'application/javascript': '</script>'.repeat(3_300_000),
        'application/vnd.bokehjs_exec.v0+json': '',
      }),
    ],
  ],
  ['an svg of references', () => [display({ 'image/svg+xml': 'href='.repeat(900_000) })]],
];

test.each(monsters)('%s: other work is not held up', async (_, make) => {
  const outputs = make();
  const transcript = await openTranscript({ dir, runId: 'run-1', maxOutputBytes: 100_000_000 });
  const longest = await longestTurnMs(async () => {
    for (const output of outputs) {
      await transcript.add(output);
      transcript.view();
    }
    await transcript.seal();
  });
  expect(longest).toBeLessThan(MOST_MS);
  for (const part of transcript.view().parts)
    if (part.kind === 'error') expect(part.headline.length).toBeLessThan(500);
});

test('a table that breaks off is read once, not again from each border', async () => {
  const begun = process.threadCpuUsage();
  expect(await splitTextTables(`${'+-+\n|a|\n'.repeat(100_000)}|b`)).toHaveLength(1);
  const blank = `+-+\n|a|\n+-+\n|1|\n+-+\na${'\n'.repeat(500_000)}b`;
  expect(await splitTextTables(blank)).toHaveLength(2);
  expect(process.threadCpuUsage(begun).user / 1_000).toBeLessThan(MOST_MS);
});

test('one cell of blanks is read in turns: none has half of the work', async () => {
  const html = `<table><tr><td>a${' \n'.repeat(950_000)}b</table>`;
  let cell: string | undefined;
  const share = await shareOfLongestTurn(async () => {
    cell = (await readHtmlTable(html))?.rows[0]?.[0];
  });
  expect(cell).toMatch(/^a\n+b$/);
  expect(share).toBeLessThan(1 / 2);
});

test('a table of megabytes is written as HTML in turns: none has half of the work', async () => {
  const cells = [['a'], ['&'.repeat(1_900_000)], ...Array.from({ length: 50_000 }, () => ['<'])];
  let html = '';
  const share = await shareOfLongestTurn(async () => {
    html = await htmlTable(cells);
  });
  expect(html.length).toBeGreaterThan(9_500_000);
  expect(share).toBeLessThan(1 / 2);
});

test('a message of megabytes is read at its ends, and costs about as much as a short one', () => {
  const cost = (chars: number): number => {
    const sent = { name: 'E', value: JSON.parse(JSON.stringify('x '.repeat(chars / 2))), traceback: [] };
    const begun = process.threadCpuUsage().user;
    for (let n = 0; n < 10; n += 1) readError(sent);
    return process.threadCpuUsage().user - begun;
  };
  cost(100_000);
  expect(cost(28_000_000)).toBeLessThan(20 * cost(100_000) + 20_000);
});

test('a picture of megabytes is written in turns: none has a third of the work', async () => {
  const transcript = await openTranscript({ dir, runId: 'run-1', maxOutputBytes: 100_000_000 });
  const row = `<tr>${`<td>${'€'.repeat(240)}`.repeat(10)}`;
  for (let n = 0; n < 100; n += 1)
    await transcript.add(display({ 'text/html': `<table>${row.repeat(20)}</table>` }));
  expect(await shareOfLongestTurn(() => transcript.seal())).toBeLessThan(1 / 3);
});

test('the size of a table is read at the ends of the text around it', async () => {
  const table = '<table><tr><th>a</th></tr><tr><td>1</td></tr></table>';
  const read = await readHtmlTable(`${'1'.repeat(300_000)}${table}<p>500 rows × 2 columns</p>`);
  expect(read?.totalRows).toBe(500);
});

test('the name of an error is cut before it is read', () => {
  const read = readError({ name: 'N'.repeat(10_000), value: 'v', traceback: [] });
  expect(read.headline.length).toBeLessThan(250);
  expect(read.whole).toContain('N'.repeat(10_000));
});

test('twenty thousand tiny pictures cost a thousand files at most', async () => {
  const transcript = await openTranscript({ dir, runId: 'run-1', maxOutputBytes: 100_000_000 });
  const picture = Buffer.from('\u0089PNG\r\n\u001a\n', 'latin1').toString('base64');
  for (let n = 0; n < 20_000; n += 1) await transcript.add(display({ 'image/png': picture }));
  expect((await readdir(join(dir, 'run-1'))).length).toBeLessThan(1_010);
  expect(transcript.view().limited).toBe(true);
  const longest = await longestTurnMs(() => transcript.seal());
  expect(longest).toBeLessThan(MOST_MS);
  expect(transcript.view().losses).toMatchObject([{ kind: 'tooMany', parts: 900 }]);
});

test('boxes that contain each other fifty times are shown in part; their content is shown where it is displayed alone', async () => {
  const transcript = await openTranscript({ dir, runId: 'run-1', maxOutputBytes: 1_000_000 });
  for (const output of [...boxes(9), display(viewOf('box 9'))]) await transcript.add(output);
  await transcript.add({ kind: 'widget', id: 'box 9', state: { value: 'y' } });
  await transcript.seal();
  const last = transcript.view().parts.at(-1);
  expect(last?.kind === 'text' ? last.text.head : '').toBe('y');
});

test.each([
  ['ERROR', 'Error in x: no', 'Traceback:\n1. x\n2. y'],
  ['Unknown Error', '<console>:1: error: no\n       x\n       ^', ''],
  ['SyntaxError', 'invalid character', '  Cell In[1], line 1\n    x\n    ^\nSyntaxError: invalid character'],
])('%s of a million lines of code: they are not gone through', (name, value, traceback) => {
  const sent = { name, value, traceback: [traceback] };
  expect(readError(sent, '\n'.repeat(1_000_000))).toEqual(readError(sent, undefined));
});

test('a table with too many columns is not shown as one', async () => {
  const table = (columns: number): string =>
    `<table><tr>${'<td>1'.repeat(columns)}<tr>${'<td>2'.repeat(columns)}</table>`;
  expect((await readHtmlTable(table(5_000)))?.columns).toHaveLength(5_000);
  expect(await readHtmlTable(table(5_100))).toBeUndefined();
});
