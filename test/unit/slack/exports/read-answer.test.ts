import { expect, test } from 'vitest';
import { type OutputPart, wholeText } from '../../../../src/output/output-view.ts';
import type { RunView } from '../../../../src/runs/run-view.ts';
import { renderTable } from '../../../../src/slack/blocks/run/output/table.ts';
import { renderRunMessage } from '../../../../src/slack/blocks/run/run-message.ts';
import { readAnswerParts, readTable } from '../../../../src/slack/exports/read-answer.ts';

const text = (source: 'stdout' | 'stderr' | 'result', shown: string): OutputPart => ({
  kind: 'text',
  source,
  text: wholeText(shown),
  path: undefined,
});
const image = (path: string): OutputPart => ({ kind: 'image', mime: 'image/png', path, alt: '' });
const table = {
  kind: 'table',
  columns: ['', 'a', 'b<c'],
  rows: [
    ['0', '1', 'x & y'],
    ['1', '20', ''],
  ],
  sentRows: 2,
  totalRows: 2,
  totalColumns: 2,
  note: undefined,
  csvPath: undefined,
  text: wholeText('   a b<c'),
} satisfies OutputPart;

function answer(parts: readonly OutputPart[], more: Partial<RunView> = {}): unknown {
  const outcome = { durationMs: 1, kernelspec: 'python3', variablesLost: false, possibleGap: false };
  const view: RunView = {
    runId: 'r',
    requester: 'U1',
    kernelspec: 'python3',
    phase: { kind: 'ended', outcome: { kind: 'ok', ...outcome } },
    output: { parts, textBytes: 0, spoolPath: '/s', limited: false, losses: [] },
    notes: ['The kernel was restarted; variables are gone.'],
    edition: 1,
    actions: ['runAgain'],
    ...more,
  };
  return renderRunMessage(view, 0).message.blocks;
}

test('the outputs of an answer are read back in order and with their kinds, without the bot’s own words', () => {
  const parts = [
    text('stdout', 'one\ntwo'),
    text('stderr', 'warned'),
    text('result', '42'),
    image('/a.png'),
    image('/b.png'),
    table,
  ];
  expect(readAnswerParts(answer(parts), false)).toEqual([
    { kind: 'text', name: 'stdout', text: 'one\ntwo' },
    { kind: 'text', name: 'stderr', text: 'warned' },
    { kind: 'text', name: 'stdout', text: '42' },
    { kind: 'images', count: 2 },
    { kind: 'table' },
  ]);
});

test('hidden lines have a note, and the text after them is of the same stream', () => {
  const long = Array.from({ length: 3_000 }, (_, n) => `line ${n}`).join('\n');
  const cut = {
    head: long.slice(0, 4_000),
    tail: long.slice(-4_000),
    hiddenLines: 2_000,
    hiddenChars: 20_000,
  };
  const parts: OutputPart[] = [
    { kind: 'text', source: 'stderr', text: cut, path: undefined },
    text('stdout', 'end'),
  ];
  const read = readAnswerParts(answer(parts), false);
  expect(read.map((part) => [part.kind, 'name' in part ? part.name : part.kind])).toEqual([
    ['text', 'stderr'],
    ['hidden', 'hidden'],
    ['text', 'stderr'],
    ['text', 'stdout'],
  ]);
});

test('outputs that are not shown leave a note at their place, and the text after it is of its own stream', () => {
  const parts: OutputPart[] = [
    text('stderr', 'warn'),
    { kind: 'gap', outputs: 1_020 },
    text('stdout', 'end'),
  ];
  expect(readAnswerParts(answer(parts), false)).toEqual([
    { kind: 'text', name: 'stderr', text: 'warn' },
    { kind: 'hidden', words: '… 1,020 outputs hidden …' },
    { kind: 'text', name: 'stdout', text: 'end' },
  ]);
});

test('who ran it again, and the code, are not output', () => {
  const origin = { kind: 'again', blocks: ['print(1)'] } as const;
  expect(readAnswerParts(answer([text('stdout', '1')], { origin }), true)).toEqual([
    { kind: 'text', name: 'stdout', text: '1' },
  ]);
});

test.each(['data_table', 'table'] as const)('a %s is read as HTML and as plain text', async (form) => {
  const { blocks } = renderTable(table, form);
  expect(await readTable(blocks)).toEqual({
    kind: 'display',
    data: {
      'text/html':
        '<table>\n<tr><th></th><th>a</th><th>b&lt;c</th></tr>\n<tr><td>0</td><td>1</td><td>x &amp; y</td></tr>\n<tr><td>1</td><td>20</td><td></td></tr>\n</table>',
      'text/plain': '    a    b<c\n0   1  x & y\n1  20       ',
    },
  });
  expect(await readTable(renderTable(table, 'text').blocks)).toBeUndefined();
});

test.each([
  undefined,
  'x',
  [],
  [{ type: 'rich_text' }],
  [{ type: 'rich_text', elements: [{ type: 4 }] }],
  [{ type: 'table', rows: 3 }],
])('blocks that are invalid (%j) show nothing', async (blocks) => {
  expect(readAnswerParts(blocks, true)).toEqual([]);
  expect(await readTable(blocks)).toBeUndefined();
});
