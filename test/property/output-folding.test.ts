import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { FoldedText, WINDOW_CHARS } from '../../src/output/terminal/terminal-text.ts';

const pieces = fc.array(
  fc.oneof(
    fc.string({ unit: 'binary', maxLength: 12 }),
    fc.constantFrom(
      '\r',
      '\b',
      '\n',
      '\r\n',
      '\t',
      '\u001b[31m',
      '\u001b[0m',
      '\u001b[2K',
      '\u001b[K',
      '\u001b[1A',
      '\u001b[2A',
      '\u001b[B',
      '\u001b[3C',
      '\u001b[2D',
      '\u001b[5G',
      '\u001b[J',
    ),
    fc.constantFrom(
      '\u001b]0;title\u0007',
      '\u001b]8;;http://x\u001b\\',
      '\u009b1;2m',
      '\u001b',
      '\u001b[',
      '\u001b(B',
      '\u001bPq\u009c',
    ),
    fc.constantFrom('😀', '\ud83d', '\ude00', '\u0000', '\u200b', '\u202e', 'ab cd', '#'.repeat(90)),
    fc.constantFrom('x'.repeat(5000), 'line\n'.repeat(90), 'y'.repeat(70_000)),
  ),
  { maxLength: 40 },
);

test('a stream looks the same however it is cut into chunks', () => {
  fc.assert(
    fc.property(pieces, fc.array(fc.integer({ min: 0, max: 5000 }), { maxLength: 30 }), (parts, cuts) => {
      const text = parts.join('');
      const whole = fold([text]);
      expect(fold(parts)).toEqual(whole);
      expect(fold(cutAt(text, cuts))).toEqual(whole);
      if (text.length < 2000) expect(fold(text.split(''))).toEqual(whole);
    }),
    { numRuns: 400 },
  );
});

test('plain text of any length is its head, a counted gap and its tail', () => {
  const lines = fc.array(fc.string({ unit: fc.constantFrom('a', 'b', ' ', 'é', '\n'), maxLength: 400 }), {
    maxLength: 200,
  });
  fc.assert(
    fc.property(lines, fc.integer({ min: 0, max: 3 }), (parts, repeat) => {
      const text = parts.join('\n').repeat(10 ** Math.min(repeat, 2));
      const folded = new FoldedText();
      folded.write(text);
      const view = folded.view();
      expect(text.startsWith(view.head)).toBe(true);
      expect(text.endsWith(view.tail)).toBe(true);
      expect(view.head.length + view.hiddenChars + view.tail.length).toBe(text.length);
      const hidden = text.slice(view.head.length, text.length - view.tail.length);
      expect(view.hiddenLines).toBe(hidden.split('\n').length - 1);
      if (text.length <= 2 * WINDOW_CHARS) expect(view.hiddenChars).toBe(0);
    }),
    { numRuns: 100 },
  );
});

function fold(parts: readonly string[]) {
  const folded = new FoldedText();
  for (const part of parts) folded.write(part);
  return folded.view();
}

function cutAt(text: string, lengths: readonly number[]): string[] {
  const parts: string[] = [];
  let at = 0;
  for (const length of lengths) {
    parts.push(text.slice(at, at + length));
    at += length;
  }
  return [...parts, text.slice(at)];
}
