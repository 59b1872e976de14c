import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { splitStatements } from '../../../../src/spark/sql/split-statements.ts';

/** The same cases are put to tables.py, by test_tables.py. */
const cases = z
  .array(
    z.object({
      what: z.string(),
      sql: z.string(),
      found: z.array(z.tuple([z.string(), z.number(), z.number()])),
    }),
  )
  .parse(JSON.parse(readFileSync(new URL('./statements.json', import.meta.url), 'utf8')));

test.each(cases)('$what', ({ sql, found }) => {
  expect(splitStatements(sql).map(({ text, line, column }) => [text, line, column])).toEqual(found);
});

test('every character of a statement is as it was typed', () => {
  for (const { sql } of cases)
    for (const { text, line, column } of splitStatements(sql)) {
      const at =
        sql
          .split('\n')
          .slice(0, line - 1)
          .join('\n').length +
        (line > 1 ? 1 : 0) +
        column -
        1;
      expect(sql.slice(at, at + text.length)).toBe(text);
    }
});

test.each([
  ['quotes behind backslashes', "\\'".repeat(200_000)],
  ['statements', 'select 1;\n'.repeat(60_000)],
  ['comments that open', '/* '.repeat(200_000)],
  ['dollars', '$a$b'.repeat(150_000)],
])('600 kB of %s are read in one pass', (_, sql) => {
  expect(splitStatements(sql).length).toBeGreaterThan(0);
});

test('many statements on one line cost little more than each on a line of its own', () => {
  const costOf = (sql: string): number => {
    const begun = process.threadCpuUsage();
    splitStatements(sql);
    // Only the sum is exact: Linux divides it by samples.
    const { user, system } = process.threadCpuUsage(begun);
    return user + system;
  };
  const texts = ['a;\n', 'a; '].map((statement) => statement.repeat(250_000));
  const [lines = 0, oneLine = 0] = texts.map(costOf);
  expect(oneLine).toBeLessThan(3 * lines);
});

test('after 30,000 statements the rest is one, of which Spark complains', () => {
  const found = splitStatements('a;'.repeat(40_000));
  expect(found).toHaveLength(30_000);
  expect(found.at(-1)).toEqual({ text: 'a;'.repeat(10_001), line: 1, column: 59_999 });
});
