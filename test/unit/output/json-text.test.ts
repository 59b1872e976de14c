import { expect, test } from 'vitest';
import { jsonPieces, jsonText } from '../../../src/output/mime/json-text.ts';

test('what is short is indented', async () => {
  expect(await jsonText({ a: [1, 'x'] })).toBe('{\n  "a": [\n    1,\n    "x"\n  ]\n}');
  expect(await jsonText([])).toBe('[]');
});

test('what is nested deeply is written as it came, and what cannot be written is undefined', async () => {
  const nested = (levels: number): unknown => JSON.parse(`${'['.repeat(levels)}${']'.repeat(levels)}`);
  expect(await jsonText(nested(200))).toBe(`${'['.repeat(200)}${']'.repeat(200)}`);
  expect(await jsonText(nested(50_000))).toBeUndefined();
  expect(await jsonText([nested(50_000), 'x'.repeat(400_000)])).toBeUndefined();
});

test.each<[string, unknown]>([
  ['a text', '"\\\n\u0001é😄'.repeat(100_000)],
  ['a text that is cut between the halves of pairs', `x${'😄'.repeat(400_000)}`],
  ['numbers', Array.from({ length: 200_000 }, (_, n) => n / 7)],
  ['an object', Object.fromEntries(Array.from({ length: 50_000 }, (_, n) => [`key ${n}\n`, { n, of: [] }]))],
  ['one long value among short ones', [1, null, { a: 'x'.repeat(700_000), b: [] }, true, 'y', {}]],
])('%s that is long comes whole, in pieces with time for others between them', async (_, value) => {
  const pieces = await jsonPieces(value);
  expect(pieces.join('')).toBe(JSON.stringify(value));
  expect(await jsonText(value)).toBe(JSON.stringify(value));
  // Six characters may stand for one.
  expect(Math.max(...pieces.map(({ length }) => length))).toBeLessThan(310_000);
});
