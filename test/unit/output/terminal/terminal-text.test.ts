import { expect, test } from 'vitest';
import { FoldedText } from '../../../../src/output/terminal/terminal-text.ts';

test.each([
  ['a\rb', 'b'],
  ['abc\rX', 'Xbc'],
  ['one\r\ntwo\r\n', 'one\ntwo\n'],
  ['ab\b\bX', 'Xb'],
  ['\b\b!', '!'],
  ['  0%|    |\r 50%|##  |\r100%|####|\n', '100%|####|\n'],
  ['\u001b[31mred\u001b[0m plain', 'red plain'],
  ['long text\r\u001b[Kend', 'end'],
  ['abc\u001b[2K', ''],
  ['abc\u001b[1Kd', '   d'],
  ['abcd\u001b[2D\u001b[1K', '   d'],
  ['outer 1\ninner 1\u001b[A\router 2\ninner 2', 'outer 2\ninner 2'],
  ['one\ntwo\nthree\u001b[2A\rONE\u001b[2B\rTHREE', 'ONE\ntwo\nTHREE'],
  ['a\u001b[9B\rb', 'b'],
  ['spin 1\u001b[1G\u001b[0Kspin 2', 'spin 2'],
  ['abc\u001b[2DX\u001b[2CY', 'aXc Y'],
  ['one\ntwo\u001b[FONE\u001b[ETWO', 'ONE\nTWO'],
  ['one\ntwo\nthree\u001b[2A\r\u001b[Jdone', 'done'],
  ['kept\u001b[H\u001b[2J too', 'kept too'],
  ['\u001b]0;window title\u0007shown', 'shown'],
  ['\u001b]8;;http://x\u001b\\link\u001b]8;;\u001b\\', 'link'],
  ['nul\u0000 bell\u0007 del\u007f', 'nul bell del'],
  [
    'Stra\u00c3\u009fe 12 \u00c3\u009bows \u0090 he said \u00e2\u0080\u009dyes\u0098',
    'Stra\u00c3e 12 \u00c3ows  he said \u00e2yes',
  ],
  ['tab\tstays', 'tab\tstays'],
  ['\ud83d', '\ufffd'],
  [
    '[Stage 0:>  (0 + 2) / 4]\r[Stage 0:==>(2 + 2) / 4]\r                         \rdone',
    'done                     ',
  ],
])('%j is shown as %j', (written, shown) => {
  const folded = new FoldedText();
  folded.write(written);
  expect(folded.view()).toEqual({ head: shown, tail: '', hiddenLines: 0, hiddenChars: 0 });
});

test('a control string that never ends does not swallow the rest', () => {
  const folded = new FoldedText();
  folded.write(`\u001b]${'x'.repeat(5000)}\nafter`);
  expect(folded.view().head).toContain('\nafter');
});

test('ten megabytes on one line keep their start and end', () => {
  const folded = new FoldedText();
  const line = `start${'x'.repeat(10_000_000)}end`;
  folded.write(line);
  const view = folded.view();
  expect(view.head.startsWith('startxxx')).toBe(true);
  expect(view.tail.endsWith('xxxend')).toBe(true);
  expect(view.head.length + view.hiddenChars + view.tail.length).toBe(line.length);
});

test('a progress bar of any length costs one line', () => {
  const folded = new FoldedText();
  for (let step = 0; step <= 100_000; step += 1) folded.write(`\r${step} of 100000`);
  expect(folded.view()).toEqual({ head: '100000 of 100000', tail: '', hiddenLines: 0, hiddenChars: 0 });
});

test('after a very long line was erased, the next text starts at the end, however it is split', () => {
  const whole = new FoldedText();
  whole.write(`${'y'.repeat(70_000)}\u001b[2Kabc`);
  const pieces = new FoldedText();
  for (const piece of ['y'.repeat(70_000), '\u001b[2K', 'a', 'bc']) pieces.write(piece);
  expect(whole.view().head).toBe('abc');
  expect(pieces.view()).toEqual(whole.view());
});
