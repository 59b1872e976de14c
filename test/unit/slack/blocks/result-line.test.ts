import { expect, test } from 'vitest';
import { type OutputPart, wholeText } from '../../../../src/output/output-view.ts';
import { type RunOutcome, syntheticOutcome } from '../../../../src/runs/outcome.ts';
import { resultLine } from '../../../../src/slack/blocks/run-summary.ts';

const text = (source: 'result' | 'stdout', words: string): OutputPart => ({
  kind: 'text',
  source,
  text: wholeText(words),
  path: undefined,
});
const table: OutputPart = {
  kind: 'table',
  columns: ['a', 'b'],
  rows: [['1', '2']],
  totalRows: 1_200,
  totalColumns: undefined,
  note: undefined,
  sentRows: 1,
  text: wholeText('a b'),
  csvPath: undefined,
};
const image: OutputPart = { kind: 'image', mime: 'image/png', path: '/x.png', alt: 'Figure' };
const interrupted: OutputPart = {
  kind: 'error',
  headline: 'KeyboardInterrupt',
  userLine: undefined,
  cause: undefined,
  hint: undefined,
  traceback: wholeText(''),
  isFolded: false,
  path: undefined,
};

function lineOf(parts: readonly OutputPart[], outcome: Partial<RunOutcome> = {}): string {
  const output = { parts, textBytes: 0, spoolPath: undefined, limited: false, losses: [] };
  const phase = { kind: 'ended', outcome: { ...syntheticOutcome('ok', 'python3'), ...outcome } } as const;
  const who = { runId: 'r', requester: 'U1', kernelspec: 'python3' };
  return resultLine({ ...who, phase, output, notes: [], edition: 1, actions: [] });
}

test.each([
  ['the last result', [text('stdout', 'said\n'), text('result', '41'), text('result', '42')], '42'],
  ['the size of a table', [text('stdout', 'said\n'), table], '1,200 rows × 2 columns'],
  ['a picture behind what made it', [text('result', '[<Line2D>]'), image], 'Image'],
  ['the last line printed', [text('stdout', 'one\ntwo\n')], 'two'],
  ['nothing', [], ''],
])('%s', (_what, parts, line) => {
  expect(lineOf(parts)).toBe(line);
});

test('a stop that somebody asked for is not an error; an interrupt that nobody asked for is', () => {
  const parts = [text('stdout', 'at work\n'), interrupted];
  expect(lineOf(parts, { kind: 'interrupted', stoppedBy: 'U1' })).toBe('at work');
  expect(lineOf(parts, { kind: 'interrupted' })).toBe('KeyboardInterrupt');
});
