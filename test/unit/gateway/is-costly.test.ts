import { expect, test, vi } from 'vitest';
import { isCostly } from '../../../src/gateway/event-loop.ts';

const MILLION = 1_000_000;

test.for<[string, string]>([
  ['texts', `[${'"a",'.repeat(330_000)}0]`],
  ['keys', `{${Array.from({ length: 65_000 }, (_, n) => `"${n}":1,`).join('')}"b":0}`],
  [
    'keys with blanks behind them',
    `{${Array.from({ length: 65_000 }, (_, n) => `"${n}" \n:1,`).join('')}"b":0}`,
  ],
  [
    'keys of their own in each object',
    `[${Array.from({ length: 65_000 }, (_, n) => `{"${n}":1},`).join('')}0]`,
  ],
  [
    'known keys in an order of their own in each object',
    `[${Array.from({ length: 65_000 }, (_, n) => `{"a${n % 251}":1,"b${n % 263}":1},`).join('')}0]`,
  ],
  [
    'keys behind an object that is alike',
    `[${Array.from({ length: 60_000 }, (_, n) => `{"x":{"y":1},"${n}":1},`).join('')}0]`,
  ],
  ['numbers beside a long text', `["${'x'.repeat(30 * MILLION)}",${'1,'.repeat(500_000)}0]`],
  ['alike objects', `[${'{"a":1},'.repeat(300_000)}0]`],
  ['arrays', `[${'[],'.repeat(MILLION)}0]`],
  ['objects', `[${'{},'.repeat(MILLION)}0]`],
  ['arrays in each other', '['.repeat(1.2 * MILLION)],
  ['numbers', `[${'1,'.repeat(1.7 * MILLION)}0]`],
  ['values behind a text of slices', `["${'roots\\":{'.repeat(MILLION)}\\\\",${'[],'.repeat(MILLION)}0]`],
  ['values behind a long text', `["${'x'.repeat(5_000)}",${'[],'.repeat(MILLION)}0]`],
  [
    'values behind a text that ends with a backslash',
    `["${'x'.repeat(5_000)}\\\\",${'[],'.repeat(MILLION)}0]`,
  ],
])('too many: %s', async ([, json]) => {
  expect(await isCostly(Buffer.from(json))).toBe(true);
});

test.for<[string, string]>([
  ['a long text', `["${'x'.repeat(3 * MILLION)}"]`],
  ['numbers and a text of any length', `["${'x'.repeat(60 * MILLION)}",${'1,'.repeat(250_000)}0]`],
  ['what looks like values in a text', `["${'[{,'.repeat(2 * MILLION)}"]`],
  ['quotes in a text', `["${'\\",'.repeat(2 * MILLION)}"]`],
  ['quotes far apart in a text', `["${`${'[{,'.repeat(700)}\\"`.repeat(1_000)}"]`],
  ['backslashes in a text', `["${'\\\\'.repeat(MILLION)}"]`],
  ['quotes in a text of slices', `["${'roots\\":{'.repeat(MILLION)}\\\\",0]`],
  ['a text that does not end', `["${'x'.repeat(MILLION)}`],
  ['numbers', `[${'1.25,'.repeat(1.4 * MILLION)}0]`],
  ['a chart of 50,000 rows', `[${'{"x": 1, "y": 2, "z": 3, "name": "a"},'.repeat(50_000)}0]`],
  ['a map of 300,000 points', `[${'[1.5,2.5],'.repeat(300_000)}0]`],
  ['lines of a program', `[${'"x = 1\\n",'.repeat(200_000)}0]`],
])('not too many: %s', async ([, json]) => {
  expect(await isCostly(Buffer.from(json))).toBe(false);
});

test.each([0, 1, 2, 999, 1_000, 1_001])(
  'the end of a text of escapes is found: %i backslashes, then quotes',
  async (backslashes) => {
    const text = '\\'.repeat(backslashes) + '"'.repeat(400_000);
    const json = (values: number): Buffer =>
      Buffer.from(JSON.stringify([text, ...Array<number>(values).fill(1)]));
    expect([await isCostly(json(50_000), 80_000), await isCostly(json(50_000), 90_000)]).toEqual([
      true,
      false,
    ]);
  },
);

test.for<[string, string]>([
  ['quotes', '"'.repeat(6 * MILLION)],
  ['backslashes behind other text', `${'x'.repeat(2_000)}${'\\'.repeat(6 * MILLION)}`],
])('a text of %s is weighed in slices, with a look at the clock between them', async ([, value]) => {
  const json = Buffer.from(JSON.stringify([value]));
  using clock = vi.spyOn(performance, 'now');
  await isCostly(json);
  expect(clock.mock.calls.length).toBeGreaterThan(10);
});

test.for([
  '\\',
  '\\'.repeat(999),
  '\\'.repeat(1_000),
  '\\'.repeat(1_001),
  '\\'.repeat(2_500_000),
  '"'.repeat(2_500_000),
  `${'\\'.repeat(1_500_001)}"`,
])('whatever escapes it is made of, a text ends at its own quote (case %$)', async (escapes) => {
  for (const before of ['', 'x', 'x'.repeat(1_999)]) {
    const value = `${before}${escapes}${'x'.repeat(300_000)}${escapes}${','.repeat(400)}`;
    const json = (numbers: number): Buffer => Buffer.from(JSON.stringify([value, ...Array(numbers).fill(1)]));
    expect([await isCostly(json(50), 1_000), await isCostly(json(300), 1_000)]).toEqual([false, true]);
  }
});
