import { expect, test } from 'vitest';
import {
  shortWithoutColours,
  withoutColours,
  TerminalReader,
} from '../../../../src/output/terminal/terminal-reader.ts';
import { FoldedLine, WINDOW_CHARS } from '../../../../src/output/terminal/terminal-text.ts';

function actionsOf(pieces: readonly string[]): string[] {
  const done: string[] = [];
  const reader = new TerminalReader({
    text: (run) => done.push(run),
    newline: () => done.push('newline'),
    carriageReturn: () => done.push('return'),
    backspace: () => done.push('back'),
    up: (rows) => done.push(`up ${rows}`),
    down: (rows) => done.push(`down ${rows}`),
    moveBy: (columns) => done.push(`move ${columns}`),
    eraseLine: (part) => done.push(`erase ${part}`),
    eraseBelow: () => done.push('erase below'),
  });
  for (const piece of pieces) reader.read(piece);
  return done;
}

test('controls and sequences are told apart from text, even if pieces cut them', () => {
  const text = 'a\r\n\u001b[31mb\u001b[0m\b\u001b[2A\u001b[3D\u001b[K\u001b[J\u001b]0;title\u0007c';
  const actions = [
    'a',
    'return',
    'newline',
    'b',
    'back',
    'up 2',
    'move -3',
    'erase toEnd',
    'erase below',
    'c',
  ];
  expect(actionsOf([text])).toEqual(actions);
  expect(actionsOf(text.split(''))).toEqual(actions);
});

test('a control string that does not end is broken off', () => {
  expect(actionsOf([`\u001b]${'x'.repeat(5_000)}`]).join('').length).toBeLessThan(1_000);
});

test('colours are removed, line ends and backspaces stay', async () => {
  const written = '\u001b[1mbold\u001b[0m\r\n\u001b]8;;http://x\u001b\\link\b';
  expect(shortWithoutColours(written)).toBe('bold\r\nlink\b');
  expect(await withoutColours(written)).toBe('bold\r\nlink\b');
});

test('both ends of a very long line are kept', () => {
  const line = new FoldedLine();
  let column = 0;
  for (let n = 0; n < 100; n += 1) column = line.write(column, `${n}`.padStart(10_000, '.'));
  expect(line.length).toBe(1_000_000);
  expect(line.first(10_000)).toBe('0'.padStart(10_000, '.'));
  expect(line.last(WINDOW_CHARS).endsWith('99')).toBe(true);
  line.write(0, 'ab');
  expect(line.first(3)).toBe('ab.');
});
