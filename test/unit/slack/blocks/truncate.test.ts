import { expect, test } from 'vitest';
import { wholeText } from '../../../../src/output/output-view.ts';
import { cutText, roomOf } from '../../../../src/slack/blocks/truncate.ts';

test('a message of many texts is rendered in several sizes for less than it takes to split its lines three times', () => {
  const texts = Array.from({ length: 140 }, () => wholeText('a b\n'.repeat(9_600)));
  const costOf = (work: (text: ReturnType<typeof wholeText>) => unknown): number => {
    const begun = process.threadCpuUsage();
    for (const text of texts) work(text);
    // Only the sum is exact: Linux divides it by samples.
    const { user, system } = process.threadCpuUsage(begun);
    return user + system;
  };
  const listed = costOf(({ head }) => head.split('\n'));
  const drawn = [100, 200, 300, 400].map((room) =>
    costOf((text) => [roomOf(text), cutText(text, room, 0.5)]),
  );
  expect(drawn.reduce((sum, each) => sum + each, 0)).toBeLessThan(3 * listed);
});

test('little room shows whole lines, if they are short, not the middle of a word', () => {
  const lines = (count: number) => Array.from({ length: count }, (_, at) => `cell ${at + 10}`).join('\n');
  for (const room of [2, 10, 16]) {
    const cut = { head: 'cell 10', tail: 'cell 17', hiddenLines: 6, hiddenChars: 49 };
    expect(cutText(wholeText(`${lines(8)}\n`), room, 0.5)).toEqual(cut);
  }
  expect(cutText(wholeText(lines(2)), 10, 0.5)).toEqual(wholeText('cell 10\ncell 11'));
  const long = cutText(wholeText('x'.repeat(1_000)), 10, 0.5);
  expect([long.head.length, long.tail.length]).toEqual([5, 5]);
});
