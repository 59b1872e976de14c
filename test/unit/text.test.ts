import { expect, test } from 'vitest';
import { renderDuration, renderElapsed } from '../../src/text.ts';

const [second, minute, hour] = [1_000, 60_000, 3_600_000];

test.each([
  [0, '0.01 s'],
  [50, '0.05 s'],
  [3_240, '3.2 s'],
  [9_960, '10 s'],
  [125 * second, '2 min 5 s'],
])('%i ms took %s', (ms, words) => {
  expect(renderDuration(ms)).toBe(words);
});

test.each([
  [0, '0 s'],
  [40 * second, '40 s'],
  [12 * minute, '12 min'],
  [90 * second, '1 min 30 s'],
  [3 * hour + 7 * minute, '3 h 7 min'],
  [12 * hour, '12 h'],
  [48 * hour, '2 d'],
  [51 * hour, '2 d 3 h'],
])('%i ms are %s on a clock', (ms, words) => {
  expect(renderElapsed(ms)).toBe(words);
});
