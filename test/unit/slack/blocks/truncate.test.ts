import { expect, test } from 'vitest';
import { wholeText } from '../../../../src/output/output-view.ts';
import { cutText, roomOf } from '../../../../src/slack/blocks/truncate.ts';

test('a message of many texts is rendered in several sizes for less than it takes to split its lines three times', () => {
  const texts = Array.from({ length: 140 }, () => wholeText('a b\n'.repeat(9_600)));
  const costOf = (work: (text: ReturnType<typeof wholeText>) => unknown): number => {
    const begun = process.threadCpuUsage();
    for (const text of texts) work(text);
    return process.threadCpuUsage(begun).user;
  };
  const listed = costOf(({ head }) => head.split('\n'));
  const drawn = [100, 200, 300, 400].map((room) =>
    costOf((text) => [roomOf(text), cutText(text, room, 0.5)]),
  );
  expect(drawn.reduce((sum, each) => sum + each, 0)).toBeLessThan(3 * listed);
});
