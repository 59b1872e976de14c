import { describe, expect, test } from 'vitest';
import { isTimeZone, Plan, readTiming } from '../../../../src/saved/schedules/timing.ts';

test.each([
  ['weekdays 8:00', 'weekdays 8:00', '0 8 * * 1-5'],
  ['Weekdays at 08:05', 'weekdays 8:05', '5 8 * * 1-5'],
  ['every weekday at 8', 'weekdays 8:00', '0 8 * * 1-5'],
  ['mondays at 17', 'mondays 17:00', '0 17 * * 1'],
  ['weekends 23.59', 'weekends 23:59', '59 23 * * 0,6'],
  ['daily 7:30', 'daily 7:30', '30 7 * * *'],
  ['every day 7:30', 'daily 7:30', '30 7 * * *'],
  ['daily 12 am', 'daily 0:00', '0 0 * * *'],
  ['daily 12:30pm', 'daily 12:30', '30 12 * * *'],
  ['daily 8pm', 'daily 20:00', '0 20 * * *'],
  ['mondays 9:00', 'mondays 9:00', '0 9 * * 1'],
  ['monday 9:00', 'mondays 9:00', '0 9 * * 1'],
  ['every friday 9:00', 'fridays 9:00', '0 9 * * 5'],
  ['mon, thu 9:00', 'mondays, thursdays 9:00', '0 9 * * 1,4'],
  ['tuesdays and sundays 9:00', 'tuesdays, sundays 9:00', '0 9 * * 2,0'],
  ['hourly', 'hourly', '0 * * * *'],
  ['every hour', 'hourly', '0 * * * *'],
  ['every 60 min', 'hourly', '0 * * * *'],
  ['every 30 min', 'every 30 min', '*/30 * * * *'],
  ['every 5 minutes', 'every 5 min', '*/5 * * * *'],
  ['every 15min', 'every 15 min', '*/15 * * * *'],
  ['every 2 hours', 'every 2 hours', '0 */2 * * *'],
  ['"0 8 * * 1-5"', '"0 8 * * 1-5"', '0 8 * * 1-5'],
  ["'*/10  9-17 * * MON-FRI'", '"*/10 9-17 * * MON-FRI"', '*/10 9-17 * * MON-FRI'],
  ['"0 0 L * *"', '"0 0 L * *"', '0 0 L * *'],
])('%j is %j', (typed, words, cron) => {
  expect(readTiming(typed)).toEqual({ timing: { words, cron }, rest: '' });
  expect(readTiming(`${typed} n=5`)?.rest.trim()).toBe('n=5');
});

test.each(['', 'tomorrow', 'n=5', '8:00', 'blue 8:00', 'weekdays', 'weekdaysx 8:00', 'every', 'every 5'])(
  '%j begins with no timing',
  (typed) => {
    expect(readTiming(typed)).toBeUndefined();
  },
);

test.each([
  ['weekdays 8', 'Give the time as'],
  ['weekdays at 25', 'Give the time as'],
  ['weekdays 24:00', 'Give the time as'],
  ['daily 8:60', 'Give the time as'],
  ['daily 13pm', 'Give the time as'],
  ['daily 0 am', 'Give the time as'],
  ['every 7 min', 'Every how many min'],
  ['every 90 min', 'Every how many min'],
  ['every 5 hours', 'Every how many hours'],
  ['"8 o clock"', 'not a cron line'],
  ['"* * * * * *"', 'not a cron line'],
  ['"61 * * * *"', 'not a cron line'],
  ['""', 'not a cron line'],
])('%j is refused', (typed, sentence) => {
  expect(() => readTiming(typed)).toThrow(sentence);
});

const at = (iso: string): number => Date.parse(iso);
const iso = (times: readonly number[]): string[] =>
  times.map((ms) => new Date(ms).toISOString().slice(0, 16));

/** Europe/Berlin: 2026-03-29 2:00 → 3:00; 2026-10-25 3:00 → 2:00. */
describe('both changes of summer time', () => {
  test('the same time of the clock, one hour apart in UTC', () => {
    const plan = new Plan({ cron: '0 8 * * *' }, 'Europe/Berlin');
    expect(iso(plan.nextTimes(at('2026-03-28T00:00Z'), 3))).toEqual([
      '2026-03-28T07:00',
      '2026-03-29T06:00',
      '2026-03-30T06:00',
    ]);
    expect(iso(plan.nextTimes(at('2026-10-24T00:00Z'), 3))).toEqual([
      '2026-10-24T06:00',
      '2026-10-25T07:00',
      '2026-10-26T07:00',
    ]);
  });

  test('a time that the clock leaves out in spring comes right after it, once', () => {
    expect(
      iso(new Plan({ cron: '30 2 * * *' }, 'Europe/Berlin').nextTimes(at('2026-03-28T00:00Z'), 3)),
    ).toEqual(['2026-03-28T01:30', '2026-03-29T01:00', '2026-03-30T00:30']);
  });

  test('a time that occurs twice in autumn counts once, also one of several', () => {
    expect(
      iso(new Plan({ cron: '30 2 * * *' }, 'Europe/Berlin').nextTimes(at('2026-10-24T10:00Z'), 2)),
    ).toEqual(['2026-10-25T00:30', '2026-10-26T01:30']);
    expect(
      iso(new Plan({ cron: '30 2,14 * * *' }, 'Europe/Berlin').nextTimes(at('2026-10-24T20:00Z'), 2)),
    ).toEqual(['2026-10-25T00:30', '2026-10-25T13:30']);
  });

  test.each([
    ['2026-03-29T00:00Z', '0 * * * *', 60],
    ['2026-10-24T22:00Z', '0 * * * *', 60],
    ['2026-03-29T00:00Z', '*/30 * * * *', 30],
    ['2026-10-24T22:00Z', '*/30 * * * *', 30],
  ])('from %s, %s comes every %i min without a gap or a repetition', (from, cron, minutes) => {
    const times = new Plan({ cron }, 'Europe/Berlin').nextTimes(at(from), 12);
    expect(times).toEqual(Array.from({ length: 12 }, (_, step) => at(from) + (step + 1) * minutes * 60_000));
  });
});

test('a date that never comes has no planned minute', () => {
  expect(new Plan({ cron: '0 0 30 2 *' }, 'UTC').next(0)).toBeUndefined();
});

test('time zones are those that this machine knows', () => {
  expect(['Europe/Berlin', 'UTC', 'Asia/Kathmandu'].every(isTimeZone)).toBe(true);
  expect([undefined, '', 'Mars/Olympus'].some(isTimeZone)).toBe(false);
});
