import { expect, test } from 'vitest';
import { jsonPieces, jsonText } from '../../../../src/output/mime/json-text.ts';

test('short JSON is indented', async () => {
  expect(await jsonText({ a: [1, 'x'] })).toBe('{\n  "a": [\n    1,\n    "x"\n  ]\n}');
  expect(await jsonText([])).toBe('[]');
});

const within = (levels: number, json: string): unknown =>
  JSON.parse(`${'['.repeat(levels)}${json}${']'.repeat(levels)}`);

test('JSON that would be long with indentation is not indented', async () => {
  expect(await jsonText(within(200, '1'))).toContain(`\n${'  '.repeat(200)}1\n`);
  const numbers = within(90, Array(30_000).fill(1).join());
  expect(await jsonText(numbers)).toBe(JSON.stringify(numbers));
  expect(await jsonText(within(600, '1'))).toBe(`${'['.repeat(600)}1${']'.repeat(600)}`);
});

test.each([1, 30_000])('%d values in more levels than readers take are not written', async (count) => {
  const values = Array(count).fill('"x"').join();
  expect(await jsonText(within(900, values))).toBe(JSON.stringify(within(900, values)));
  for (const levels of [901, 3_000, 50_000]) {
    expect(await jsonText(within(levels, values))).toBeUndefined();
    await expect(jsonPieces(within(levels, values))).rejects.toThrow(RangeError);
  }
  expect(await jsonText([within(50_000, values), 'x'.repeat(400_000)])).toBeUndefined();
  expect(await jsonText(['x'.repeat(400_000), within(50_000, values)])).toBeUndefined();
});

test.each<[string, unknown]>([
  ['a text', '"\\\n\u0001é😄'.repeat(100_000)],
  ['a text that is cut between the halves of pairs', `x${'😄'.repeat(400_000)}`],
  ['numbers', Array.from({ length: 200_000 }, (_, n) => n / 7)],
  ['an object', Object.fromEntries(Array.from({ length: 50_000 }, (_, n) => [`key ${n}\n`, { n, of: [] }]))],
  ['a key', { ['😄'.repeat(400_000)]: 1 }],
  ['what is deep', within(800, Array(60_000).fill('[{}]').join())],
  ['one long value among short ones', [1, null, { a: 'x'.repeat(700_000), b: [] }, true, 'y', {}]],
])('%s that is long comes whole, in pieces with time for others between them', async (_, value) => {
  const pieces = await jsonPieces(value);
  expect(pieces.join('')).toBe(JSON.stringify(value));
  expect(await jsonText(value)).toBe(JSON.stringify(value));
  // Six characters may stand for one.
  expect(Math.max(...pieces.map(({ length }) => length))).toBeLessThan(310_000);
});

test('undefined values are left out of a long value too, and null in a list', async () => {
  const value = { a: undefined, b: 'x'.repeat(100_000), c: [undefined, 1] };
  expect((await jsonPieces(value)).join('')).toBe(JSON.stringify(value));
});
