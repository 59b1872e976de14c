import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { KernelOutput } from '../../../src/gateway/outputs.ts';
import type { Notebook } from '../../../src/notebooks/model.ts';
import { openNotebookTranscript } from '../../../src/notebooks/notebook-transcript.ts';
import { openTranscript } from '../../../src/output/run-transcript.ts';
import { SpoolBudget } from '../../../src/output/spool/spool.ts';
import type { Transcript } from '../../../src/output/transcript.ts';
import { temporaryFolder } from '../../contract/temporary-folder.ts';
import { show, stderr, stdout, update } from '../../support/kernel-outputs.ts';

const cell = (id: string, source: string) => ({ kind: 'code', id, metadata: {}, source }) as const;
const notebook: Notebook = {
  metadata: { toc: true },
  cells: [
    { kind: 'markdown', id: 'm', metadata: {}, source: '# Title\nwords' },
    cell('one', 'a\nb'),
    cell('empty', ''),
    cell('two', 'c'),
    cell('three', 'd'),
  ],
};

interface Opened {
  transcript: Transcript;
  dir: string;
  budget: SpoolBudget;
}

interface Options {
  dir?: string;
  budget?: SpoolBudget;
  recovered?: boolean;
  hasEnded?: boolean;
  maxOutputBytes?: number;
  cellsBegun?: number;
  readsConsoleBar?: boolean;
}

async function open(options: Options = {}): Promise<Opened> {
  const { dir = temporaryFolder(), budget = new SpoolBudget(1e9), maxOutputBytes = 1e9 } = options;
  const { recovered = false, hasEnded = false, cellsBegun = 0, readsConsoleBar = false } = options;
  const common = { maxOutputBytes, budget, recovered };
  const inner = await openTranscript({ dir, runId: 'run', readsConsoleBar, ...common });
  const transcript = await openNotebookTranscript(inner, {
    dir: join(dir, 'run.notebook'),
    filename: 'a-executed.ipynb',
    ...common,
    hasEnded,
    cellsBegun,
    notebook: async () => notebook,
    onFailure: () => undefined,
  });
  return { transcript, dir, budget };
}

interface Written {
  cells: {
    id: string;
    execution_count: number | null;
    outputs?: Record<string, unknown>[];
    source: string[];
  }[];
  [key: string]: unknown;
}

async function written(transcript: Transcript): Promise<Written> {
  await transcript.seal();
  const part = transcript.view().parts.at(-1);
  if (part?.kind !== 'attachment') throw new Error('no notebook');
  expect(part.filename).toBe('a-executed.ipynb');
  return JSON.parse(await readFile(part.path, 'utf8'));
}

const outputsOf = ({ cells }: Written, id: string) => cells.find((each) => each.id === id)?.outputs;
async function say(transcript: Transcript, block: number, ...outputs: KernelOutput[]): Promise<void> {
  transcript.startBlock('', block);
  for (const output of outputs) await transcript.add(output);
}

test('each cell has its outputs in order; cells that did not run are empty, everything else is unchanged', async () => {
  const { transcript } = await open();
  const data = {
    'text/plain': '1',
    'application/json': { a: [1] },
    'text/html': ['<b>', '</b>'],
    'x/odd': { b: 2 },
  };
  await say(
    transcript,
    0,
    { kind: 'counted', executionCount: 7 },
    stdout('one\n'),
    stdout('two\n'),
    stderr('warn\n'),
    stdout('three'),
    show('picture'),
    { kind: 'result', data, metadata: { isolated: true } },
  );
  await say(
    transcript,
    1,
    { kind: 'counted', executionCount: 8 },
    {
      kind: 'error',
      name: 'ValueError',
      value: 'no',
      traceback: ['\u001b[31mred\u001b[0m', 'x'],
    },
  );
  const file = await written(transcript);
  expect(file).toMatchObject({ nbformat: 4, nbformat_minor: 5, metadata: { toc: true } });
  expect(file.cells.map(({ id, execution_count: count }) => [id, count])).toEqual([
    ['m', undefined],
    ['one', 7],
    ['empty', null],
    ['two', 8],
    ['three', null],
  ]);
  expect(file.cells[0]).toEqual({
    cell_type: 'markdown',
    id: 'm',
    metadata: {},
    source: ['# Title\n', 'words'],
  });
  expect(outputsOf(file, 'one')).toEqual([
    { output_type: 'stream', name: 'stdout', text: 'one\ntwo\n' },
    { output_type: 'stream', name: 'stderr', text: 'warn\n' },
    { output_type: 'stream', name: 'stdout', text: 'three' },
    { output_type: 'display_data', data: { 'text/plain': 'picture' }, metadata: {} },
    {
      output_type: 'execute_result',
      data: { ...data, 'x/odd': '{"b":2}' },
      metadata: { isolated: true },
      execution_count: 7,
    },
  ]);
  expect(outputsOf(file, 'two')).toEqual([
    { output_type: 'error', ename: 'ValueError', evalue: 'no', traceback: ['\u001b[31mred\u001b[0m', 'x'] },
  ]);
  expect(outputsOf(file, 'empty')).toEqual([]);
  expect(outputsOf(file, 'three')).toEqual([]);
});

test('a display is replaced by its updates, also from a later cell, and a clear empties its own cell', async () => {
  const { transcript } = await open();
  await say(
    transcript,
    0,
    show('0 %', 'bar'),
    show('0 %', 'bar'),
    update('50 %', 'bar'),
    update('no', 'other'),
  );
  await say(
    transcript,
    1,
    stdout('gone'),
    { kind: 'clear', wait: true },
    stdout('here'),
    update('100 %', 'bar'),
  );
  await say(transcript, 2, show('gone'), stdout('gone'), { kind: 'clear', wait: false });
  const file = await written(transcript);
  const done = { output_type: 'display_data', data: { 'text/plain': '100 %' }, metadata: {} };
  expect(outputsOf(file, 'one')).toEqual([done, done]);
  expect(outputsOf(file, 'two')).toEqual([{ output_type: 'stream', name: 'stdout', text: 'here' }]);
  expect(outputsOf(file, 'three')).toEqual([]);
});

test('a plot that is redrawn for hours counts as one, on the disk too', async () => {
  const { transcript, budget } = await open({ maxOutputBytes: 30_000 });
  await say(transcript, 0, show('start', 'plot'));
  for (let n = 0; n < 300; n += 1) await transcript.add(update('x'.repeat(10_000), 'plot'));
  const file = await written(transcript);
  expect(outputsOf(file, 'one')).toMatchObject([{ data: { 'text/plain': 'x'.repeat(10_000) } }]);
  expect(budget.usedBytes).toBeLessThan(60_000);
  await transcript.remove();
  expect(budget.usedBytes).toBe(0);
});

test('the output of a killed process is there for the next one, and a note replaces a lost part', async () => {
  const before = await open();
  await say(before.transcript, 0, { kind: 'counted', executionCount: 1 }, show('old', 'd'), stdout('first '));
  await say(before.transcript, 1, stdout('sec'), stderr('warned'), stdout('ond'));
  await before.transcript.seal();
  const { dir } = before;
  const { transcript } = await open({ dir, recovered: true, cellsBegun: 1 });
  await say(
    transcript,
    1,
    { kind: 'reconnected', fromMs: 0, toMs: 1_000 },
    stdout('after'),
    update('new', 'd'),
    { kind: 'counted', executionCount: 2 },
  );
  const file = await written(transcript);
  expect(file.cells[1]?.execution_count).toBe(1);
  expect(outputsOf(file, 'one')).toMatchObject([{ data: { 'text/plain': 'new' } }, { text: 'first ' }]);
  expect(outputsOf(file, 'two')).toEqual([
    { output_type: 'stream', name: 'stdout', text: 'sec' },
    { output_type: 'stream', name: 'stderr', text: 'warned' },
    { output_type: 'stream', name: 'stdout', text: 'ond' },
    {
      output_type: 'stream',
      name: 'stderr',
      text: '[Sparkthread: output may be missing between 1970-01-01T00:00:00.000Z and 1970-01-01T00:00:01.000Z]\n',
    },
    { output_type: 'stream', name: 'stdout', text: 'after' },
  ]);
});

test('the end of a run that another machine saw is a notebook that says so', async () => {
  const { transcript } = await open({ recovered: true, hasEnded: true, cellsBegun: 2 });
  const file = await written(transcript);
  expect(outputsOf(file, 'one')).toMatchObject([
    { text: expect.stringContaining('is lost with the process') },
  ]);
  expect(outputsOf(file, 'two')).toMatchObject([
    { text: expect.stringContaining('is lost with the process') },
  ]);
  expect(outputsOf(file, 'three')).toEqual([]);
});

test('MAX_OUTPUT cuts, and the cell says so', async () => {
  const { transcript } = await open({ maxOutputBytes: 1_000 });
  await say(transcript, 0, stdout('x'.repeat(900)), stdout('y'.repeat(200)), stdout('z'));
  expect(transcript.view().limited).toBe(true);
  expect(outputsOf(await written(transcript), 'one')).toEqual([
    { output_type: 'stream', name: 'stdout', text: 'x'.repeat(900) + 'y'.repeat(100) },
    { output_type: 'stream', name: 'stderr', text: expect.stringContaining('the output reached its limit') },
  ]);
});

test('without room under SPOOL_LIMIT there is no file, and the answer says that output is not kept', async () => {
  const { transcript, dir, budget } = await open({ budget: new SpoolBudget(2_500) });
  await say(transcript, 0, stdout('x'.repeat(1_000)));
  await transcript.seal();
  const { parts, losses } = transcript.view();
  expect(parts.filter(({ kind }) => kind === 'attachment')).toEqual([]);
  expect(losses).toEqual([{ kind: 'spoolFull' }]);
  await transcript.remove();
  expect(budget.usedBytes).toBe(0);
  expect(existsSync(join(dir, 'run.notebook'))).toBe(false);
});

test('what Spark’s console bar has shown is in the view of the finished notebook too', async () => {
  const { transcript } = await open({ readsConsoleBar: true });
  transcript.startBlock('a', 0);
  await transcript.add(stderr('\r[Stage 0:==>    (3 + 2) / 8]'));
  await transcript.seal();
  expect(transcript.view()).toMatchObject({
    parts: [{ kind: 'attachment' }],
    console: { tasks: 8, doneTasks: 3 },
  });
});

test('an end that the kernel does not report is noted in the cell', async () => {
  const { transcript } = await open();
  await say(transcript, 0, stdout('begun\n'));
  transcript.noteEnd?.('kernelDied');
  expect(outputsOf(await written(transcript), 'one')).toMatchObject([
    { text: 'begun\n' },
    { name: 'stderr', text: '[Sparkthread: the kernel’s process ended here]\n' },
  ]);
});

test('half a surrogate pair and a text in pieces stay readable, and the halves are joined', async () => {
  const { transcript } = await open();
  await say(
    transcript,
    0,
    stdout('a\ud83d'),
    stdout('\ude00 "quoted" \\ud83d \u2028'),
    show('\ud83d and 😀 \\ud83d'),
  );
  expect(outputsOf(await written(transcript), 'one')).toMatchObject([
    { text: 'a😀 "quoted" \\ud83d \u2028' },
    { data: { 'text/plain': '\ufffd and 😀 \\ud83d' } },
  ]);
});
