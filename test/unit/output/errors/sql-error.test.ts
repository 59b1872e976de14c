import { expect, test } from 'vitest';
import { readError } from '../../../../src/output/errors/read-error.ts';

/** As Spark 4.3.0, 3.5 and 2.1 say it; the first line is our own code's, in the kernel. */
const notFound = `[TABLE_OR_VIEW_NOT_FOUND] The table or view \`nope\` cannot be found. Verify the spelling and correctness of the schema and catalog.
Search path: [\`system\`.\`builtin\`].
To tolerate the error on drop use DROP VIEW IF EXISTS or DROP TABLE IF EXISTS. SQLSTATE: 42P01; line 2 pos 7;
'Project [*]
+- 'Filter ('x = 1)
   +- 'UnresolvedRelation [nope], [], false
`;
const divided = `[DIVIDE_BY_ZERO] Division by zero. SQLSTATE: 22012
== SQL (line 1, position 8) ==
select 1/0
       ^^^
`;
const syntax = `
[PARSE_SYNTAX_ERROR] Syntax error at or near 'c'. SQLSTATE: 42601 (line 1, pos 11)

== SQL ==
select a b c
-----------^^^
from v
`;

function read(name: string, line: number, column: number, said: string, code: string) {
  const value = `In the SQL statement at line ${line}, column ${column}:\n${said}`;
  return readError({ name, value, traceback: [value] }, code);
}

test('an analysis error is shown as its sentence and the position in the typed text', () => {
  const code = 'select 1;\n\n  select *\n  from nope where x = 1';
  const { headline, userLine, traceback, isFolded, whole } = read('AnalysisException', 3, 3, notFound, code);
  expect(headline).toBe(
    'AnalysisException: [TABLE_OR_VIEW_NOT_FOUND] The table or view `nope` cannot be found. Verify the spelling and correctness of the schema and catalog.',
  );
  expect(userLine).toBe('line 4: from nope where x = 1\n             ^');
  expect(traceback).toMatch(/^Search path: .*\nTo tolerate the error on drop .* DROP TABLE IF EXISTS\.$/);
  expect(isFolded).toBe(true);
  expect(whole).toContain("'UnresolvedRelation");
});

test.each([
  [
    'a word that does not belong there',
    'ParseException',
    syntax,
    1,
    13,
    '  select 1; select a b c\nfrom v',
    "ParseException: [PARSE_SYNTAX_ERROR] Syntax error at or near 'c'.",
    'line 1: select 1; select a b c\n                             ^',
  ],
  [
    'a failure while it runs',
    'ArithmeticException',
    divided,
    2,
    1,
    '-- x\nselect 1/0',
    'ArithmeticException: [DIVIDE_BY_ZERO] Division by zero.',
    'line 2: select 1/0\n               ^',
  ],
  [
    'Spark 2.1',
    'AnalysisException',
    'Table or view not found: nope; line 1 pos 14',
    1,
    1,
    'select * from nope',
    'AnalysisException: Table or view not found: nope',
    'line 1: select * from nope\n                      ^',
  ],
  [
    'Spark 2.1 that cannot parse',
    'ParseException',
    "\nmismatched input 'selec' expecting {'('}(line 1, pos 0)\n\n== SQL ==\nselec 1\n^^^\n",
    1,
    1,
    'selec 1',
    "ParseException: mismatched input 'selec' expecting {'('}",
    'line 1: selec 1\n        ^',
  ],
  [
    'Scala, with the class',
    'java.lang.RuntimeException',
    'org.apache.spark.sql.catalyst.ExtendedAnalysisException: no such column; line 1 pos 7',
    1,
    1,
    'select x',
    'AnalysisException: no such column',
    'line 1: select x\n               ^',
  ],
  [
    'no place',
    'AnalysisException',
    'There is no database `x`',
    2,
    1,
    'select 1;\nuse x',
    'AnalysisException: There is no database `x`',
    'line 2: use x',
  ],
  [
    'a sentence without a suggestion, which ends with a blank',
    'AnalysisException',
    "[UNRESOLVED_COLUMN.WITHOUT_SUGGESTION] A column with name `w` cannot be resolved.  SQLSTATE: 42703; line 1 pos 7;\n'Project",
    1,
    1,
    'select w',
    'AnalysisException: [UNRESOLVED_COLUMN.WITHOUT_SUGGESTION] A column with name `w` cannot be resolved.',
    'line 1: select w\n               ^',
  ],
])('%s', (_, name, said, line, column, code, headline, userLine) => {
  const found = read(name, line, column, said, code);
  expect(found.headline).toBe(headline);
  expect(found.userLine).toBe(userLine);
  expect(found.traceback).not.toContain('== SQL');
});

test('in R the message follows R’s own words', () => {
  const value =
    'Error in eval(expr, envir, enclos): In the SQL statement at line 1, column 1:\norg.apache.spark.sql.AnalysisException: no table; line 1 pos 14\n';
  const { headline, userLine } = readError({ name: 'ERROR', value, traceback: [] }, 'select * from nope');
  expect([headline, userLine]).toEqual([
    'AnalysisException: no table',
    'line 1: select * from nope\n                      ^',
  ]);
});

test('of a long line the part around the position is shown, with the mark below it', () => {
  const code = `\tselect ${'a, '.repeat(500)}oops from t ${'where x '.repeat(500)}`;
  const at = code.indexOf('oops');
  const { userLine = '' } = read('AnalysisException', 1, 2, `no column; line 1 pos ${at - 1}`, code);
  const [line = '', mark = ''] = userLine.split('\n');
  expect(line.length).toBeLessThan(120);
  expect(line.slice(mark.length - 1)).toMatch(/^oops from t/);
});

test.each([
  ['a place that is not there', 'no column; line 9 pos 99'],
  ['a place beyond its line', 'no column; line 1 pos 99'],
  ['no words at all', ''],
])('%s is told with the statement', (_, said) => {
  expect(read('AnalysisException', 1, 1, said, 'select x').userLine).toBe('line 1: select x');
});

test('a failed job of the statement is shown by its cause', () => {
  const value =
    'An error occurred while calling o48.collectToPython.\n: org.apache.spark.SparkException: Job aborted due to stage failure: Task 0 in stage 1.0 failed 1 times, most recent failure: Lost task 0.0 in stage 1.0 (TID 1) (host executor driver): java.lang.OutOfMemoryError: Java heap space\n\tat x.y(Z.java:1)\n';
  expect(read('Py4JJavaError', 1, 1, value, 'select x').headline).toBe(
    'java.lang.OutOfMemoryError: Java heap space (in a Spark task)',
  );
});
