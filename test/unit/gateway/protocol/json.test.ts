import { expect, test } from 'vitest';
import { isCostly } from '../../../../src/gateway/protocol/json.ts';

const MILLION = 1_000_000;

test.for<[string, string]>([
  ['texts', `[${'"a",'.repeat(120_000)}0]`],
  ['keys', `{${'"a":1,'.repeat(120_000)}"b":0}`],
  ['arrays', `[${'[],'.repeat(MILLION)}0]`],
  ['objects', `[${'{},'.repeat(MILLION)}0]`],
  ['arrays in each other', '['.repeat(1.2 * MILLION)],
  ['numbers', `[${'1,'.repeat(3.6 * MILLION)}0]`],
  ['values behind a long text', `["${'x'.repeat(5_000)}",${'[],'.repeat(MILLION)}0]`],
  [
    'values behind a text that ends with a backslash',
    `["${'x'.repeat(5_000)}\\\\",${'[],'.repeat(MILLION)}0]`,
  ],
])('too many: %s', ([, json]) => {
  expect(isCostly(Buffer.from(json))).toBe(true);
});

test.for<[string, string]>([
  ['a long text', `["${'x'.repeat(3 * MILLION)}"]`],
  ['what looks like values in a text', `["${'[{,'.repeat(2 * MILLION)}"]`],
  ['quotes in a text', `["${'\\",'.repeat(2 * MILLION)}"]`],
  ['quotes far apart in a text', `["${`${'[{,'.repeat(700)}\\"`.repeat(1_000)}"]`],
  ['backslashes in a text', `["${'\\\\'.repeat(MILLION)}"]`],
  ['a text that does not end', `["${'x'.repeat(MILLION)}`],
  ['numbers', `[${'1.25,'.repeat(3 * MILLION)}0]`],
  ['a chart of 10,000 rows', `[${'{"x":1,"y":2,"z":3,"name":"a"},'.repeat(10_000)}0]`],
  ['a map of 500,000 points', `[${'[1.5,2.5],'.repeat(500_000)}0]`],
])('not too many: %s', ([, json]) => {
  expect(isCostly(Buffer.from(json))).toBe(false);
});

test.each([0, 1, 2, 999, 1_000, 1_001])(
  'the end of a text of escapes is found: %i backslashes, then quotes',
  (backslashes) => {
    const text = '\\'.repeat(backslashes) + '"'.repeat(400_000);
    // An array, two texts and a comma.
    const json = Buffer.from(JSON.stringify([text, 'x']));
    expect([isCostly(json, 63), isCostly(json, 64)]).toEqual([true, false]);
  },
);
