import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { readError } from '../../../../src/runs/output/errors/read-error.ts';

const fixtures = new URL('../../../fixtures/outputs/errors/', import.meta.url);
const recorded = z.object({
  code: z.string(),
  outputs: z.array(
    z.object({
      kind: z.string(),
      name: z.string().optional(),
      value: z.string().optional(),
      traceback: z.array(z.string()).optional(),
    }),
  ),
});

function readFixture(name: string) {
  const { code, outputs } = recorded.parse(
    JSON.parse(readFileSync(new URL(`${name}.json`, fixtures), 'utf8')),
  );
  const error = outputs.find((output) => output.kind === 'error');
  if (error === undefined) throw new Error(`${name} holds no error`);
  return readError(
    { name: error.name ?? '', value: error.value ?? '', traceback: error.traceback ?? [] },
    code,
  );
}

/** fixture → what the headline names, and the user's own line (or undefined where the kernel tells nothing of it). */
const expected: Record<string, [cause: string, line: string | undefined]> = {
  'python-zero-division': ['ZeroDivisionError: division by zero', 'line 3: x / y'],
  'python-name-error': ["name 'totl' is not defined", 'line 2: print(totl)'],
  'python-syntax-error': ["SyntaxError: expected ':'", 'line 2: for i in range(3)'],
  'python-indentation': ['IndentationError: expected an indented block', 'line 2: return 1'],
  'python-curly-quotes': ["SyntaxError: invalid character '“'", 'line 2: print(“hello”)'],
  'python-missing-module': ["No module named 'not_installed_pkg'", 'line 2: import not_installed_pkg.sub'],
  'python-import-name': ["cannot import name 'squareroot'", 'line 1: from math import squareroot'],
  'python-key-error': ["KeyError: 'b'", "line 2: row['b']"],
  'python-type-error': [
    'TypeError: unsupported operand',
    "line 2, in add: return a + b (called from line 4: add(1, 'x'))",
  ],
  'python-attribute-error': ["has no attribute 'colums'", 'line 3: df.colums'],
  'python-pandas-key-error': ["KeyError: 'b'", "line 4: df['b'].sum()"],
  'python-value-error': ["invalid literal for int() with base 10: '12x'", "line 1: int('12x')"],
  'python-file-not-found': [
    "No such file or directory: '/data/none.csv'",
    'line 2, in load: return open(path).read()',
  ],
  'python-input': ['StdinNotImplementedError', "line 1: name = input('Who? ')"],
  'python-no-sc': ["name 'sc' is not defined", 'line 2: sc.parallelize(range(n)).count()'],
  'python-assertion': ['AssertionError: no rows', "line 2: assert rows, 'no rows'"],
  'python-chained': [
    'RuntimeError: could not divide',
    "line 4: raise RuntimeError('could not divide') from e",
  ],
  'python-recursion': ['RecursionError', 'line 4, in f: return f(n + 1) (called from line 5'],
  'python-system-exit': ['SystemExit: 3', undefined],
  'python-custom-multiline': ['Bad: first line second line third line', 'line 3: raise Bad('],
  'python-print2': ["Missing parentheses in call to 'print'", 'line 2: print x'],
  'python-json': ['JSONDecodeError: Expecting value', 'line 2: json.loads('],
  'python-empty-message': ['ValueError', 'line 2: raise ValueError'],
  'python-bare-assert': ['AssertionError', 'line 2: assert x == 3'],
  'python2-zero-division': ['ZeroDivisionError: integer division or modulo by zero', 'line 4'],
  'python2-spark-java': ['Input path does not exist: file:/data/none.txt', 'line 2'],
  'pyspark4-lambda-zero-division': [
    'ZeroDivisionError: division by zero (in a Spark task)',
    'line 2, in <lambda>: bad = data.map',
  ],
  'pyspark35-lambda-zero-division': [
    'ZeroDivisionError: division by zero (in a Spark task)',
    'line 2, in <lambda>: bad = data.map',
  ],
  'pyspark4-udf-error': [
    'ValueError: invalid literal for int()',
    "line 4, in f: return int('a' + str(x)) (called from line 6",
  ],
  'pyspark35-udf-error': [
    'ValueError: invalid literal for int()',
    "line 4, in f: return int('a' + str(x)) (called from line 6",
  ],
  'pyspark4-no-column': ['name `nope` cannot be resolved', "line 2: df.select('nope').show()"],
  'pyspark35-no-column': ['name `nope` cannot be resolved', "line 2: df.select('nope').show()"],
  'pyspark4-no-table': ['The table or view `no_such_table` cannot be found', 'line 1: spark.sql('],
  'pyspark4-sql-parse': ["Syntax error at or near 'selec'", "line 1: spark.sql('selec 1').show()"],
  'pyspark4-no-path': ['Path does not exist: file:/data/none.parquet', 'line 1: df = spark.read.parquet('],
  'pyspark4-jvm-arith': ['Division by zero', "line 2: spark.sql('select 1/0').show()"],
  'pyspark4-pickle': ["cannot pickle '_thread.lock' object", 'line 3: sc.parallelize([1])'],
  'pyspark4-context-in-task': ['CONTEXT_ONLY_VALID_ON_DRIVER', 'line 1: sc.parallelize([1])'],
  'pyspark35-jvm-direct': ['For input string: "x"', "line 1: sc._jvm.java.lang.Integer.parseInt('x')"],
  'scala-arith': ['java.lang.ArithmeticException: / by zero', undefined],
  'scala-not-found': ['not found: value totl', 'line 2: println(totl)'],
  'scala-type-mismatch': ['type mismatch', 'line 1: val n: Int = "a"'],
  'scala-task-failure': ['java.lang.ArithmeticException: / by zero (in a Spark task)', undefined],
  'scala-no-table': [
    'The table or view `no_such_table` cannot be found',
    'line 1: spark.sql("select * from no_such_table").show()',
  ],
  'scala-missing-import': ['object nosuch is not a member of package org', 'line 1: import org.nosuch.Thing'],
  'scala-curly-quotes': ['illegal character', 'line 1: println(“hello”)'],
  'scala-bad-magic': ['Magic nosuch does not exist!', 'line 1: %%nosuch x'],
  'r-object-missing': ["object 'y' not found", 'line 2: print(y)'],
  'r-stop': ['too big: 3', 'line 2: stop("too big: ", n) (called from line 5: f(3))'],
  'r-syntax': ['unexpected symbol', 'line 2: y'],
  'r-missing-package': ['there is no package called ‘notapackage’', 'line 1: library(notapackage)'],
  'r-non-numeric': ['non-numeric argument to binary operator', 'line 1: 1 + "a"'],
  'r-subscript': ['subscript out of bounds', 'line 2: x[[3]]'],
  'r-no-function': ['could not find function "nosuchfun"', 'line 1: nosuchfun(1)'],
  'r-file-missing': ['cannot open the connection', 'line 1: read.csv('],
  'r-custom-call': ['non-numeric argument to mathematical function', 'line 2: g(1)'],
};

test.each(Object.entries(expected))(
  '%s: the first 300 characters name cause and line',
  (name, [cause, line]) => {
    const read = readFixture(name);
    expect(read.headline).toContain(cause);
    const first = `${read.headline}\n${read.userLine ?? ''}`.slice(0, 300);
    expect(first).toContain(cause);
    if (line === undefined) expect(read.userLine).toBeUndefined();
    else expect(first).toContain(line);
  },
);

test('no recorded error shows a JVM or Py4J stack inline', () => {
  for (const file of readdirSync(fixtures)) {
    const name = file.replace('.json', '');
    if (['python-shell-missing', 'r-warning-only', 'scala-number-format', 'scala-none-get'].includes(name))
      continue;
    const { headline, userLine, traceback } = readFixture(name);
    expect(
      `${headline}\n${userLine}\n${traceback}`.match(/^\s*at (java|scala|org\.apache|py4j)\./gm) ?? [],
    ).toEqual([]);
    expect(traceback).not.toContain('py4j/java_gateway.py');
  }
});

test.each([
  ['python-curly-quotes', 'curly quotes'],
  ['scala-curly-quotes', 'curly quotes'],
  ['r-curly-quotes', 'curly quotes'],
  ['python-missing-module', 'not_installed_pkg is not installed'],
  ['r-missing-package', 'notapackage is not installed'],
  ['python-no-sc', 'no Spark session'],
  ['python-no-spark', 'no Spark session'],
  ['python-input', 'instead of input()'],
  ['python-print2', 'Python 3'],
])('%s: the hint is certain', (name, words) => {
  expect(readFixture(name).hint).toContain(words);
});

test.each(['python-zero-division', 'python-name-error', 'scala-arith', 'r-stop', 'pyspark4-no-column'])(
  '%s: no hint',
  (name) => {
    expect(readFixture(name).hint).toBeUndefined();
  },
);

test('the traceback of IPython 7 is read as well', () => {
  const read = readError({
    name: 'ZeroDivisionError',
    value: 'division by zero',
    traceback: [
      '\u001b[0;31m---------------------------------------------------------------------------\u001b[0m',
      'ZeroDivisionError                         Traceback (most recent call last)',
      '\u001b[0;32m<ipython-input-3-9e1622b385b6>\u001b[0m in \u001b[0;36m<module>\u001b[0;34m\u001b[0m\n      1 x = 1\n\u001b[0;32m----> 2\u001b[0;31m \u001b[0mx\u001b[0m/\u001b[0m0\u001b[0m\n',
      'ZeroDivisionError: division by zero',
    ],
  });
  expect(read.userLine).toBe('line 2: x/0');
});
