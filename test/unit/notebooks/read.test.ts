import { expect, test } from 'vitest';
import { UserError } from '../../../src/errors.ts';
import { cellsToRun } from '../../../src/notebooks/model.ts';
import { readNotebook } from '../../../src/notebooks/read.ts';
import { shareOfLongestTurn } from '../../support/turns.ts';

const read = (given: unknown) => readNotebook(JSON.stringify(given), 'a.ipynb');
const code = (source: unknown, more = {}) => ({
  cell_type: 'code',
  metadata: {},
  source,
  outputs: [],
  ...more,
});
const v4 = (cells: unknown[], more = {}) => ({
  nbformat: 4,
  nbformat_minor: 2,
  metadata: {},
  cells,
  ...more,
});

test('code cells run in order, except empty ones and those with the tag skip-execution', async () => {
  const { notebook } = await read(
    v4([
      { cell_type: 'markdown', metadata: {}, source: ['# Title\n', 'words'] },
      code(['a = 1\r\n', 'a']),
      code('  \n'),
      code('%%bash\nls'),
      code('no', { metadata: { tags: ['skip-execution'] } }),
      { cell_type: 'raw', metadata: {}, source: 'raw' },
    ]),
  );
  expect(cellsToRun(notebook).map(({ source }) => source)).toEqual(['a = 1\na', '%%bash\nls']);
  expect(notebook.cells.map(({ kind, source }) => [kind, source])).toEqual([
    ['markdown', '# Title\nwords'],
    ['code', 'a = 1\na'],
    ['code', '  \n'],
    ['code', '%%bash\nls'],
    ['code', 'no'],
    ['raw', 'raw'],
  ]);
});

test('cells keep their ids; missing, duplicate or invalid ones are replaced', async () => {
  const given = ['a-1', 'a-1', 'not an id', undefined, 'b_2', 'x'.repeat(65), 7];
  const { notebook } = await read(v4(given.map((id) => code('1', { id }))));
  const ids = notebook.cells.map(({ id }) => id);
  expect(ids[0]).toBe('a-1');
  expect(ids[4]).toBe('b_2');
  expect(new Set(ids).size).toBe(ids.length);
  for (const id of ids) expect(id).toMatch(/^[\w-]{1,64}$/);
});

test('version 3: `input` is the source, a heading is markdown, and the default language is Python', async () => {
  const { notebook, language } = await read({
    nbformat: 3,
    nbformat_minor: 0,
    metadata: { name: 'old', signature: 's' },
    worksheets: [
      {
        cells: [
          { cell_type: 'heading', level: 2, metadata: {}, source: ['Old\n', 'title'] },
          { cell_type: 'html', metadata: {}, source: '<b>x</b>' },
          {
            cell_type: 'code',
            input: ['print 1\n', 'print 2'],
            language: 'python',
            outputs: [],
            collapsed: 'no',
          },
        ],
        metadata: {},
      },
      { cells: [{ cell_type: 'code', input: '3', metadata: {}, outputs: [] }] },
    ],
  });
  expect(notebook.cells.map(({ kind, source }) => [kind, source])).toEqual([
    ['markdown', '## Old title'],
    ['markdown', '<b>x</b>'],
    ['code', 'print 1\nprint 2'],
    ['code', '3'],
  ]);
  expect(language).toEqual({ kernelspec: undefined, language: 'python', version: undefined });
});

test('the language is read, whatever else the metadata has', async () => {
  const kernelspec = { name: 'python2-spark21', display_name: 'Python 2', language: 'python' };
  const both = { kernelspec, language_info: { name: 'python', version: '2.7.18' } };
  expect((await read(v4([code('1')], { metadata: both }))).language).toEqual({
    kernelspec: 'python2-spark21',
    language: 'python',
    version: '2.7.18',
  });
  const odd = { kernelspec: [], language_info: { name: 7 } };
  expect((await read(v4([code('1')], { metadata: odd }))).language).toEqual({
    kernelspec: undefined,
    language: undefined,
    version: undefined,
  });
});

test('invalid metadata is removed, everything else stays', async () => {
  const { notebook } = await read(
    v4(
      [
        code('1', {
          metadata: { tags: ['a,b'], collapsed: 1, scrolled: 'auto', name: '', mine: { deep: [1] } },
        }),
        code('2', { metadata: { name: 'two\nlines' } }),
        code('3', { metadata: { name: 'one line' } }),
      ],
      {
        metadata: {
          kernelspec: { name: 'x' },
          language_info: {},
          orig_nbformat: 3,
          title: 4,
          authors: {},
          toc: { a: 1 },
        },
      },
    ),
  );
  expect(notebook.metadata).toEqual({ toc: { a: 1 } });
  expect(notebook.cells.map(({ metadata }) => metadata)).toEqual([
    { scrolled: 'auto', mine: { deep: [1] } },
    {},
    { name: 'one line' },
  ]);
});

test('the state of widgets goes with the outputs that showed it, however large it is', async () => {
  const { notebook } = await read(
    v4([code('1')], { metadata: { widgets: { state: 'x'.repeat(4_000_000) }, toc: {} } }),
  );
  expect(notebook.metadata).toEqual({ toc: {} });
});

test('when a cell ran before goes with what it said then', async () => {
  const execution = { 'iopub.execute_input': '2024-01-01T00:00:00.000000Z' };
  const { notebook } = await read(v4([code('1', { metadata: { execution, mine: 1 } })]));
  expect(notebook.cells[0]?.metadata).toEqual({ mine: 1 });
});

test('numbers that only Python writes into JSON are null', async () => {
  const source = String.raw`"x = 'NaN' # \"-Infinity\\\" NaN"`;
  const { notebook } = await readNotebook(
    `{"nbformat":4,"metadata":{"a":[NaN,-Infinity , Infinity]},"cells":[{"cell_type":"code","source":${source},"metadata":{},"outputs":[{"data":{"application/json":{"x":NaN}}}]}]}`,
    'a.ipynb',
  );
  expect(notebook.metadata).toEqual({ a: [null, null, null] });
  expect(notebook.cells[0]?.source).toBe(JSON.parse(source));
  for (const wrong of [
    '{"nbformat":NaN}',
    'NaN',
    '{"nbformat":4,"cells":[nan]}',
    '{"nbformat":4,"cells":-NaN',
  ])
    await expect(readNotebook(wrong, 'a.ipynb')).rejects.toThrow(UserError);
});

const deep = (levels: number): string => `${'['.repeat(levels)}${']'.repeat(levels)}`;

test.each([
  ['', 'it is empty'],
  ['{"cells": [', 'it is no JSON'],
  ['[]', 'it is not a notebook'],
  ['null', 'it is not a notebook'],
  ['{"cells": []}', 'it is not a notebook'],
  [JSON.stringify({ nbformat: 5, cells: [] }), 'is newer than 4'],
  [JSON.stringify({ nbformat: '4', cells: [] }), 'too old'],
  [JSON.stringify({ nbformat: 1, cells: [] }), 'too old'],
  [JSON.stringify(v4([], { cells: {} })), 'it has no cells'],
  [JSON.stringify({ nbformat: 3, worksheets: [null, 1] }), 'no code to run'],
  [JSON.stringify(v4([code('1'), 'x'])), 'its cell 2 is none'],
  [JSON.stringify(v4([code({ a: 1 })])), 'its cell 1 has no source'],
  [JSON.stringify(v4([code(['a', 1])])), 'its cell 1 has no source'],
  [JSON.stringify(v4([code(' ')])), 'no code to run'],
  [JSON.stringify(v4(Array.from({ length: 1_001 }, () => code('1')))), 'at most 1,000 run at once'],
  [JSON.stringify(v4(Array.from({ length: 10_001 }, () => code(' ')))), 'over 10,000 cells'],
  [JSON.stringify(v4([code('x'.repeat(4_000_001))])), 'over 4 MB'],
  [
    `{"nbformat":4,"metadata":{"a":${deep(200_000)}},"cells":[{"cell_type":"code","source":"1"}]}`,
    'nested too deeply',
  ],
  [
    `{"nbformat":4,"metadata":{},"cells":[{"cell_type":"markdown","source":"","attachments":{"a":{"x/y":${deep(200_000)}}}},{"cell_type":"code","source":"1"}]}`,
    'nested too deeply',
  ],
])('%.60s is refused with a sentence', async (text, words) => {
  await expect(readNotebook(text, 'a.ipynb')).rejects.toThrow(UserError);
  await expect(readNotebook(text, 'a.ipynb')).rejects.toThrow(words);
});

test('a long text that is no JSON is searched for such numbers in turns', async () => {
  const reading = () => readNotebook('-'.repeat(8_000_000), 'a.ipynb').catch(() => undefined);
  expect(await shareOfLongestTurn(reading)).toBeLessThan(0.5);
});

test('pictures in its text are dropped if it is too large with them, and the text says so', async () => {
  const attachments = { 'a.png': { 'image/png': 'A'.repeat(4_000_000) } };
  const { notebook } = await read(
    v4([
      { cell_type: 'markdown', metadata: {}, source: 'x', attachments },
      { cell_type: 'markdown', metadata: {}, source: 'y' },
      code('1'),
    ]),
  );
  const note = '[Sparkthread: the pictures of this cell are left out; the notebook is too large with them]';
  const markdown = { kind: 'markdown', id: expect.any(String), metadata: {} };
  expect(notebook.cells.slice(0, 2)).toEqual([
    { ...markdown, source: `x\n\n${note}\n` },
    { ...markdown, source: 'y' },
  ]);
  const small = { 'a.png': { 'image/png': ['A', 'B'], 'text/odd': { a: 1 } }, none: 4 };
  const kept = await read(
    v4([{ cell_type: 'markdown', metadata: {}, source: 'x', attachments: small }, code('1')]),
  );
  expect(kept.notebook.cells[0]).toMatchObject({
    attachments: { 'a.png': { 'image/png': ['A', 'B'], 'text/odd': '{"a":1}' } },
  });
});

test('a notebook of millions of values is refused before it is parsed; one of 300,000 lines is not', async () => {
  const printed = [
    { output_type: 'stream', name: 'stdout', text: Array.from({ length: 300_000 }, () => 'x') },
  ];
  expect((await read(v4([code('a', { outputs: printed })]))).notebook.cells).toHaveLength(1);
  const wide = JSON.stringify(v4([code('a')])).replace('{', `{"extra":[${'[],'.repeat(4_000_000)}0],`);
  const begun = process.threadCpuUsage();
  await expect(readNotebook(wide, 'a.ipynb')).rejects.toThrow('it has too many lines and values');
  expect(process.threadCpuUsage(begun).user / 1_000).toBeLessThan(400);
});

test('a cell of carriage returns gets as many line feeds, and one over the limit is refused before it is changed', async () => {
  const { notebook } = await read(v4([code('\r\n\r\r\na\n\r'.repeat(100_000)), code('\r')]));
  expect(notebook.cells[0]?.source).toBe('\n\n\na\n\n'.repeat(100_000));
  await expect(read(v4([code('1'), code('\r'.repeat(9_000_000))]))).rejects.toThrow('over 4 MB');
});
