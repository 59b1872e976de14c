import { expect, test } from 'vitest';
import { inject } from '../../../../src/saved/parameters/inject.ts';
import { readParameters } from '../../../../src/saved/parameters/values.ts';

function put(sql: string, typed: string): string {
  return inject([sql], readParameters(typed), 'sql').join('\n---\n');
}

test.each([
  ['select :n', 'n=5', 'select 5'],
  ['select * from t where d = :d and f', 'd="2026-01-31"', "select * from t where d = '2026-01-31' and f"],
  ['select :a,:b , :c', 'a=true b=null c=-1.5', 'select TRUE,NULL , -1.5'],
  ['select 3-:n, x', 'n=-5', 'select 3- -5, x'],
  ['where c in :c', 'c=["Bonn", "Ulm"]', "where c in ('Bonn', 'Ulm')"],
  ['where c IN :c', 'c=5', 'where c IN (5)'],
  ['where c in :c', 'c=[]', 'where c in (NULL)'],
  ['where array_contains(:c, x)', 'c=[1, 2]', 'where array_contains(array(1, 2), x)'],
  [
    "select ':n', `:n`, \":n\", 'it\\'s :n', 'a'':n' -- :n\n/* :n */, :n",
    'n=1',
    "select ':n', `:n`, \":n\", 'it\\'s :n', 'a'':n' -- :n\n/* :n */, 1",
  ],
  ['select /* a /* :n */ :n */ :n', 'n=1', 'select /* a /* :n */ :n */ 1'],
  ["select r'\\', $$:n$$, $t$:n$t$, :n", 'n=1', "select r'\\', $$:n$$, $t$:n$t$, 1"],
  ['where c in -- these\n :c', 'c=[1, 2]', 'where c in -- these\n (1, 2)'],
  ['select x::n, a:n, f():n, :n', 'n=1', 'select x::n, a:n, f():n, 1'],
  ['select :n', 'n="Zoë 😀"', "select 'Zoë 😀'"],
])('%s with %s', (sql, typed, written) => {
  expect(put(sql, typed)).toBe(written);
});

test.each([`"it's"`, String.raw`"\\' or 1=1 --"`, String.raw`'a\nb'`, `"\${env:HOME}"`])(
  'Spark reads the text %s as it was given, whatever its settings',
  (typed) => {
    const written = put('select :x', `x=${typed}`);
    expect(written).toMatch(/^select CAST\(X'[0-9A-F]+' AS STRING\)$/);
    const [parameter] = readParameters(`x=${typed}`);
    const hex = /X'(\w+)'/.exec(written)?.[1] ?? '';
    expect({ kind: 'text', text: Buffer.from(hex, 'hex').toString() }).toEqual(parameter?.value);
  },
);

test('each marker gets a value and each value has a marker, over all blocks', () => {
  expect(inject(['select :a', 'select :b'], readParameters('a=1 b=2'), 'sql')).toEqual([
    'select 1',
    'select 2',
  ]);
  expect(() => put('select :a, :b', 'a=1')).toThrow(':b gets no value');
  expect(() => put('select :a', 'a=1 c=2')).toThrow('no :c for the value');
  expect(() => inject(['select 1', 'select :a'], [], 'sql')).toThrow(
    ':a gets no value. Give all of them, as in a=5. Nothing ran.',
  );
  expect(inject(["select ':a' -- :a"], [], 'sql')).toEqual(["select ':a' -- :a"]);
});

test.each(["'", '"', '`', '/*', 'in ', "'\\"])('a megabyte of %j is read at once', (part) => {
  const sql = `:n ${part.repeat(1_000_000 / part.length)}`;
  expect(put(sql, 'n=1')).toBe(`1${sql.slice(2)}`);
});
