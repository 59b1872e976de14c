import { expect, test } from 'vitest';
import { type ExportedRun, exportNotebook } from '../../../src/notebooks/export.ts';
import { notebookText } from '../../../src/notebooks/nbformat.ts';

const run = (more: Partial<ExportedRun>): ExportedRun => ({
  heading: '**ana** · 2026-03-02 08:00 UTC',
  kernelspec: 'python3',
  language: 'python',
  code: ['1'],
  begun: 1,
  executionCount: 1,
  hasFailed: false,
  outputs: [],
  ...more,
});

async function exported(...runs: ExportedRun[]) {
  const { notebook, ran } = exportNotebook('# Title', runs);
  let text = '';
  for await (const piece of notebookText(notebook, ran)) text += piece;
  const { cells, metadata } = JSON.parse(text);
  const shown = cells.map((cell: Record<string, unknown>) => {
    const { cell_type: type, source, execution_count: count, outputs, metadata: own } = cell;
    const lines = Array.isArray(source) ? source.join('') : source;
    return type === 'code' ? { code: lines, count, outputs, metadata: own } : { markdown: lines };
  });
  return { metadata, cells: shown };
}

test('a run is its heading, a cell for each block, and its output below the last that ran', async () => {
  const { metadata, cells } = await exported(
    run({
      code: ['a', 'b', 'c'],
      begun: 2,
      executionCount: 5,
      hasFailed: true,
      outputs: [
        { kind: 'stream', name: 'stderr', text: 'warned\n' },
        { kind: 'display', data: { 'image/png': 'AAAA', 'text/plain': 'a plot' } },
        { kind: 'note', words: 'a file is not in Slack any more' },
        { kind: 'error', name: 'KeyError', value: "'x'", traceback: ["KeyError: 'x'", 'line 1: x'] },
      ],
    }),
  );
  expect(metadata).toEqual({
    kernelspec: { name: 'python3', display_name: 'python3', language: 'python' },
    language_info: { name: 'python' },
  });
  expect(cells).toEqual([
    { markdown: '# Title' },
    { markdown: '**ana** · 2026-03-02 08:00 UTC' },
    { code: 'a', count: null, outputs: [], metadata: {} },
    {
      code: 'b',
      count: 5,
      metadata: { tags: ['raises-exception'] },
      outputs: [
        { output_type: 'stream', name: 'stderr', text: 'warned\n' },
        { output_type: 'display_data', data: { 'image/png': 'AAAA', 'text/plain': 'a plot' }, metadata: {} },
        { output_type: 'stream', name: 'stderr', text: '[Sparkthread: a file is not in Slack any more]\n' },
        { output_type: 'error', ename: 'KeyError', evalue: "'x'", traceback: ["KeyError: 'x'", 'line 1: x'] },
      ],
    },
    { code: 'c', count: null, outputs: [], metadata: {} },
  ]);
});

test('code for another kernel is text, and backticks do not end its fence', async () => {
  const { cells } = await exported(
    run({}),
    run({ code: ['2'] }),
    run({
      kernelspec: 'scala',
      language: 'scala',
      code: ['s"""```"""'],
      outputs: [{ kind: 'stream', name: 'stdout', text: 'out\n' }],
    }),
  );
  expect(cells.filter((cell: object) => 'code' in cell)).toHaveLength(2);
  expect(cells.at(-1)?.markdown).toBe(
    '**ana** · 2026-03-02 08:00 UTC\n\nIt ran on scala, which is not this notebook’s kernel.\n\n````scala\ns"""```"""\n````\n\n```\nout\n```',
  );
});

test('a run whose code is erased says so, and no run at all is still a notebook', async () => {
  const gone = await exported(run({ code: [] }));
  expect(gone.cells.at(-1)?.markdown).toContain('The code is no longer kept.');
  expect(await exported()).toEqual({ metadata: {}, cells: [{ markdown: '# Title' }] });
});

test('a text of very many backticks stays in its fence', async () => {
  const shown = run({
    kernelspec: 'ir',
    language: 'R',
    outputs: [{ kind: 'stream', name: 'stdout', text: '` '.repeat(400_000) + '````' }],
  });
  const { cells } = await exported(run({}), run({}), shown);
  expect(cells.at(-1).markdown).toContain('\n`````\n` ` ');
});

test.each([-1, 0, 1.5])('a kernel that says %s does not count', async (executionCount) => {
  const { cells } = await exported(run({ executionCount }));
  expect(cells.at(-1)).toMatchObject({ code: '1', count: null });
});
