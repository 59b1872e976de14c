import { expect, test } from 'vitest';
import { readParameters } from '../../../../src/saved/parameters/values.ts';

const text = (value: string) => ({ kind: 'text', text: value });
const integer = (digits: string) => ({ kind: 'integer', digits });

test.each([
  ['5', integer('5')],
  ['-12', integer('-12')],
  ['0', integer('0')],
  ['123456789012345678901234567890', integer('123456789012345678901234567890')],
  ['1.50', { kind: 'decimal', digits: '1.50' }],
  ['-2.5e-3', { kind: 'decimal', digits: '-2.5e-3' }],
  ['1e3', { kind: 'decimal', digits: '1e3' }],
  ['true', { kind: 'boolean', isTrue: true }],
  ['False', { kind: 'boolean', isTrue: false }],
  ['null', { kind: 'null' }],
  ['None', { kind: 'null' }],
  ['"2026-01-31"', text('2026-01-31')],
  ["'it is'", text('it is')],
  ['""', text('')],
  [String.raw`"a \"b\" \\ \n"`, text('a "b" \\ \n')],
  [String.raw`"\d+\.csv"`, text(String.raw`\d+\.csv`)],
  ['"); import os; ("', text('); import os; (')],
  ['[]', { kind: 'list', items: [] }],
  [
    '[ 1 , "a b" ,[null] ]',
    { kind: 'list', items: [integer('1'), text('a b'), { kind: 'list', items: [{ kind: 'null' }] }] },
  ],
])('n=%s is read', (typed, value) => {
  expect(readParameters(`n=${typed}`)).toEqual([{ name: 'n', value }]);
});

test('several stand in their order, apart by blanks', () => {
  expect(readParameters(' b=1  a="x y"\tc.d=[1, 2] ').map(({ name }) => name)).toEqual(['b', 'a', 'c.d']);
  expect(readParameters('  ')).toEqual([]);
});

test.each([
  'n',
  'n=',
  'n =5',
  'n= 5',
  'n=abc',
  'n=2026-01-31',
  'n=007',
  'n=1.',
  'n=.5',
  'n=1_000',
  'n=5x',
  'n=1e999',
  'n="open',
  'n=\'a"',
  'n=[1, 2',
  'n=[1 2]',
  'n=[,]',
  'n=5,m=6',
  'n="a"m=6',
  'n={"a": 1}',
  'n=__import__("os")',
  'n=true()',
  '5=n',
  'a b=5',
  'n=[[[[[[1]]]]]]',
])('%j is refused with the form', (typed) => {
  expect(() => readParameters(typed)).toThrow(/quoted text and lists of these: .*Nothing ran\.$/);
});

test('a number that is too large is what does not fit', () => {
  expect(() => readParameters('a=1 n=1e400')).toThrow(/^“1e400” does not fit/);
});

test('a repeated name is refused', () => {
  expect(() => readParameters('n=1 n=2')).toThrow('“n” is given twice');
});

test('a long text of nothing but backslashes and brackets is refused at once', () => {
  expect(() => readParameters(`n="${'\\'.repeat(40_001)}`)).toThrow('does not fit');
  expect(() => readParameters(`n=${'['.repeat(40_000)}`)).toThrow('does not fit');
});
