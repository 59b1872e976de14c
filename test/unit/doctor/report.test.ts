import { expect, test } from 'vitest';
import { startReport } from '../../../src/doctor/report.ts';

function written(check: (report: ReturnType<typeof startReport>) => void): string[] {
  const lines: string[] = [];
  check(startReport((text) => lines.push(...text.trimEnd().split('\n')), false));
  return lines;
}

test('the last line counts the checks, without notes and skipped checks', () => {
  const all = written((report) => {
    report.ok('slack', 'The token works.');
    report.note('A sentence.');
    report.skipped('store', 'Another process holds the SQLite file.');
    report.sum();
  });
  expect(all.at(-1)).toBe('0 of 1 checks failed.');
  const some = written((report) => {
    report.ok('slack', 'The token works.');
    report.failed('gateway', 'It gives no answer.', 'Start it.');
    report.failed('store', 'It gives no answer.');
    report.sum();
  });
  expect(some.slice(-4)).toEqual([
    'failed  gateway              It gives no answer.',
    '                             → Start it.',
    'failed  store                It gives no answer.',
    '2 of 3 checks failed.',
  ]);
});
