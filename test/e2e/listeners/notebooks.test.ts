import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { SlackMessage } from '../../../playground/messages.ts';
import { notebookText } from '../../../src/notebooks/nbformat.ts';
import { readNotebook } from '../../../src/notebooks/read.ts';
import { provisioned } from '../../support/backends/provisioned.ts';
import { executeNotebook, validateNotebooks } from '../../support/validate-notebook.ts';
import { fence, type Rig, shown, useRealRig } from './listeners-rig.ts';

let rig: Rig;
useRealRig({ DEFAULT_LANGUAGE: 'python3' }, (started) => (rig = started));
const { python } = (await provisioned()).venv;

const words = (source: string, more = {}) => ({ cell_type: 'markdown', metadata: {}, source, ...more });
const code = (source: string, more = {}) => ({
  cell_type: 'code',
  metadata: {},
  execution_count: 99,
  outputs: [{ output_type: 'stream', name: 'stdout', text: 'from another day' }],
  source: source.split(/(?<=\n)/),
  ...more,
});
const ipynb = (name: string, cells: unknown[], more = {}) => ({
  name,
  content: JSON.stringify({ nbformat: 4, nbformat_minor: 4, metadata: { author: 'ana' }, cells, ...more }),
});

interface Written {
  metadata: unknown;
  cells: { cell_type: string; execution_count?: number | null; outputs?: unknown[]; source: string[] }[];
}

/** The executed notebook of this name, or another one than the first; its file is valid. */
async function executed(name: string, index = 0): Promise<Written> {
  const { bytes } = await rig.playground.waitFor(
    () => rig.playground.files.filter(({ file }) => file.name === name)[index],
  );
  await validateNotebooks(python, [bytes]);
  return JSON.parse(bytes.toString());
}

const drawing =
  'from IPython.display import display, HTML, clear_output\nh = display("0 %", display_id=True)\nh.update("100 %")\nHTML("<b>bold</b>")';

interface StreamOutput {
  name: string;
  text: string;
}

test('a posted notebook runs to the first cell that fails and comes back with its outputs, valid', async () => {
  const { playground } = rig;
  const cells = [
    words('# Title', { attachments: { 'a.png': { 'image/png': 'AAAA' } } }),
    code('import sys\nx = 20\nprint("out"); print("err", file=sys.stderr)\nx + 1'),
    code(''),
    code(drawing),
    code('%%bash\necho from bash'),
    code('int("known to fail")', { metadata: { tags: ['raises-exception'] } }),
    code('1/0'),
    code('print("never")'),
    { cell_type: 'raw', metadata: {}, source: 'raw' },
  ];
  const asked = playground.as('ana').upload('#data', ipynb('Report 1.ipynb', cells), '@sparkthread please');
  const answer = await rig.final('#data', asked.ts);
  expect(shown(answer)).toContain('Failed in cell 5 of 6; cell 6 did not run.');
  expect(shown(answer)).toContain('ZeroDivisionError');
  const notebook = await executed('Report 1-executed.ipynb');
  // The file names the kernel that it ran on where it named none, as papermill needs it.
  const kernelspec = { name: 'python3', display_name: 'python3', language: 'python' };
  expect(notebook.metadata).toEqual({ author: 'ana', kernelspec, language_info: { name: 'python' } });
  expect(notebook.cells.map((cell) => [cell.cell_type, cell.execution_count])).toEqual([
    ['markdown', undefined],
    ['code', 1],
    ['code', null],
    ['code', 2],
    ['code', 3],
    ['code', 4],
    ['code', 5],
    ['code', null],
    ['raw', undefined],
  ]);
  expect(notebook.cells[0]).toMatchObject({ attachments: { 'a.png': { 'image/png': 'AAAA' } } });
  expect(notebook.cells.slice(1).map(({ outputs }) => outputs)).toMatchObject([
    [
      { output_type: 'stream', name: 'stdout', text: 'out\n' },
      { output_type: 'stream', name: 'stderr', text: 'err\n' },
      { output_type: 'execute_result', data: { 'text/plain': '21' }, execution_count: 1 },
    ],
    [],
    [
      { output_type: 'display_data', data: { 'text/plain': "'100 %'" } },
      { output_type: 'execute_result', data: { 'text/html': '<b>bold</b>' } },
    ],
    [{ output_type: 'stream', text: 'from bash\n' }],
    [{ output_type: 'error', ename: 'ValueError' }],
    [{ output_type: 'error', ename: 'ZeroDivisionError' }],
    [],
    undefined,
  ]);
});

test('Edit and run of a notebook gives it back with the edited cells, which may fail as before', async () => {
  const { playground } = rig;
  playground.addChannel('edited');
  const ana = playground.as('ana');
  const cells = [
    words('# Title'),
    code('n = 1'),
    code('int("known to fail")', { metadata: { tags: ['raises-exception'] } }),
    code('print(n)'),
  ];
  const asked = ana.upload('#edited', ipynb('edited.ipynb', cells), '@sparkthread');
  const answer = await rig.final('#edited', asked.ts);
  await ana.press(answer, 'run:editAndRun');
  const modal = await playground.waitFor(() => ana.modal);
  await ana.submit(modal, { code0: 'n = 2' });
  const second = await rig.final('#edited', asked.ts, ({ ts }) => ts !== answer.ts);
  expect(shown(second)).toContain('ran an edited version');
  const notebook = await executed('edited-executed.ipynb', 1);
  expect(notebook.cells.map(({ source, outputs }) => [source.join(''), outputs])).toMatchObject([
    ['# Title', undefined],
    ['n = 2', []],
    ['int("known to fail")', [{ output_type: 'error', ename: 'ValueError' }]],
    ['print(n)', [{ output_type: 'stream', text: '2\n' }]],
  ]);
});

test('when the bot is killed while a cell runs, the other cells run once, and the notebook has all outputs', async () => {
  const { playground, bot } = rig;
  const sign = join(bot.folder, 'sign');
  const wait = `import os, time\nprint("begun", flush=True)\nwhile not os.path.exists(${JSON.stringify(sign)}): time.sleep(0.05)\nprint("ended")`;
  playground.addChannel('killed');
  const posted = ipynb('k.ipynb', [code('print("first")'), code(wait), code('print("third")')]);
  const asked = playground.as('ana').upload('#killed', posted, '@sparkthread');
  const isBegun = (reply: SlackMessage): boolean => shown(reply).includes('begun');
  const live = await playground.waitForReply('#killed', asked.ts, isBegun);
  expect(shown(live)).toContain('cell 2 of 3');
  await bot.kill();
  await bot.restart();
  await writeFile(sign, '');
  const answer = await rig.final('#killed', asked.ts);
  expect(shown(answer)).toContain('Done');
  const { cells } = await executed('k-executed.ipynb');
  expect(cells.map(({ execution_count: count }) => count)).toEqual([1, 2, 3]);
  // What the successor reads is a piece of its own.
  const pieces = cells.map(({ outputs = [] }) => outputs.map((output) => Object(output) as StreamOutput));
  const said = (name: string) =>
    pieces.map((all) => all.flatMap((piece) => (piece.name === name ? piece.text : [])).join(''));
  expect(said('stdout')).toEqual(['first\n', 'begun\nended\n', 'third\n']);
  // Apart from that only what the answer says too: with some gateways it cannot be known whether output is missing.
  for (const note of said('stderr').filter((text) => text !== ''))
    expect(note).toContain('output may be missing');
});

test('a notebook that cannot be run, or is not the only file, is refused privately', async () => {
  const { playground } = rig;
  const ben = playground.as('ben');
  const seen = playground.ephemerals('ben').length;
  ben.upload('#data', { name: 'broken.ipynb', content: '{"cells": [' }, '@sparkthread');
  const told = await playground.waitFor(() => playground.ephemerals('ben')[seen]);
  expect(told.text).toContain('The notebook broken.ipynb cannot be run: it is no JSON. Nothing ran.');
  ben.upload(
    '#data',
    ipynb('cobol.ipynb', [code('1')], { metadata: { language_info: { name: 'cobol' } } }),
    '@sparkthread',
  );
  const other = await playground.waitFor(() => playground.ephemerals('ben')[seen + 1]);
  expect(other.text).toContain('cobol');
});

test('notebooks that are written from odd ones are valid for nbformat', async () => {
  const odd = [
    {
      metadata: {
        kernelspec: { name: 1 },
        language_info: { name: 'x', codemirror_mode: 3 },
        authors: 1,
        title: [],
      },
    },
    {
      cells: [
        code('1', {
          id: 'a',
          metadata: { tags: ['a', 'a'], collapsed: 'x', execution: { a: 1 }, jupyter: [] },
        }),
      ],
    },
    {
      cells: [
        code('1', { id: 'a' }),
        code('2', { id: 'a' }),
        { cell_type: 'new', metadata: 4, source: ['x'], odd: 1 },
        code('3'),
      ],
    },
    {
      cells: [
        words('x', { attachments: { a: { 'image/png': [1], 'application/json': { b: 1 } }, b: 3 } }),
        code('\ud800'),
      ],
    },
    { nbformat: 3, worksheets: [{ cells: [{ cell_type: 'code', input: '1', prompt_number: 'x' }] }] },
  ];
  const texts = odd.map((more) =>
    JSON.stringify({ nbformat: 4, nbformat_minor: 0, metadata: {}, cells: [code('1')], ...more }),
  );
  const written = texts.map(async (given) => {
    const { notebook } = await readNotebook(given, 'odd.ipynb');
    let text = '';
    for await (const piece of notebookText(notebook, () => ({ count: 1, outputs: [] }))) text += piece;
    return text;
  });
  await validateNotebooks(python, await Promise.all(written));
});

const red =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg==';

test('an exported thread is a notebook that Jupyter opens and runs; today’s runs come by direct message', async () => {
  const { playground } = rig;
  playground.addChannel('export', { members: ['ana', 'ben', 'sparkthread'] });
  const codes = [
    'import sys\nx = 20\nprint("out"); print("err", file=sys.stderr)\nx + 1',
    `import base64\nfrom IPython.display import display, Image\ndisplay(Image(data=base64.b64decode("${red}")))`,
    'import pandas as pd\npd.DataFrame({"a": [x, 2], "b": ["p", "q"]})',
    'unknown',
    'print("line\\n" * 3000)',
  ];
  const root = playground.as('ana').post('#export', fence(codes[0] ?? '', '@sparkthread '));
  await rig.final('#export', root.ts);
  for (const source of codes.slice(1)) {
    const asked = playground.as('ana').post('#export', fence(source), { thread: root.ts });
    const run = (reply: SlackMessage): boolean => Number(reply.ts) > Number(asked.ts);
    await rig.final('#export', root.ts, run);
  }
  // Tables and files follow the answer.
  await playground.waitFor(() => playground.files.find(({ file }) => file.name === 'output.txt'));
  await playground.waitForQuiet();
  playground.as('ben').post('#export', '!export', { thread: root.ts });
  const told = await playground.waitForEphemeral('ben', ({ text }) => text.startsWith('A notebook'));
  expect(told.text).toBe(
    'A notebook of 5 runs is being written; it comes into this thread. If the bot restarts before that, ask again.',
  );
  const isExport = ({ file }: { file: { name?: string | null } }): boolean =>
    /^thread-.*\.ipynb$/.test(file.name ?? '');
  const { bytes } = await playground.waitFor(() => playground.files.find(isExport));
  await validateNotebooks(python, [bytes]);
  const { cells }: Written = JSON.parse(bytes.toString());
  const ran = cells.filter(({ cell_type: type }) => type === 'code');
  expect(ran.map(({ source }) => source.join(''))).toEqual(codes);
  expect(ran.map(({ outputs }) => outputs)).toMatchObject([
    [
      { name: 'stdout', text: 'out\n' },
      { name: 'stderr', text: 'err\n' },
      { name: 'stdout', text: '21\n' },
    ],
    [{ output_type: 'display_data', data: { 'image/png': red } }],
    [{ output_type: 'display_data', data: { 'text/html': expect.stringContaining('<th>a</th>') } }],
    [{ output_type: 'error', ename: 'NameError' }],
    [{ name: 'stdout', text: `${'line\n'.repeat(3_000)}\n` }],
  ]);
  const { kernelspecsFolder } = await provisioned();
  const environment = { PATH: process.env['PATH'], HOME: rig.bot.folder, JUPYTER_PATH: kernelspecsFolder };
  const again: Written = JSON.parse(await executeNotebook(python, bytes, 'python3', environment));
  const results = again.cells.filter(({ cell_type: type }) => type === 'code').map(({ outputs }) => outputs);
  expect(results[0]).toMatchObject([{ text: 'out\n' }, { text: 'err\n' }, { data: { 'text/plain': '21' } }]);
  expect(results[3]).toMatchObject([{ output_type: 'error', ename: 'NameError' }]);

  const seen = playground.files.length;
  await playground.as('ana').slash('#export', '/spark export today');
  const sent = await playground.waitFor(() => playground.files[seen]);
  expect(sent.file.name).toMatch(/^export-.*\.ipynb$/);
  await validateNotebooks(python, [sent.bytes]);
  expect(Object.keys({ ...sent.file.shares?.private })[0]).toMatch(/^D/);
});
