import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { readError } from '../../../../src/output/errors/read-error.ts';
import { expectedErrors } from './expected-errors.ts';

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

test.each(Object.entries(expectedErrors))(
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

test('an exception that the headline has completely is not repeated below the traceback', () => {
  const { headline, traceback } = readFixture('python-type-error');
  expect(traceback).toContain('in add(a, b)');
  expect(traceback).not.toContain(headline);
});

test('a message that is longer than the headline stands once below it', () => {
  const message = `RuntimeError: ${'word '.repeat(60)}end`;
  const traceback = [
    'Cell In[1], line 1',
    '----> 1 call()',
    '',
    'File /lib/tool.py:3, in call()',
    '----> 3 raise RuntimeError()',
    '',
    message,
  ];
  const shown = readError({ name: 'RuntimeError', value: message.slice(14), traceback }, 'call()').traceback;
  expect(shown).toContain('File /lib/tool.py:3');
  expect(shown.split('word end')).toHaveLength(2);
});

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

test.each([
  [
    'SyntaxError',
    'invalid non-printable character U+00A0 (1.py, line 2)',
    'y = 2\nx\u00a0= 1',
    'U+00A0, line 2',
  ],
  ['SyntaxError', 'invalid character in identifier', '\ufeffx = 1', 'U+FEFF, line 1'],
  ['Compile Error', "<console>:1: error: illegal character '\\u00a0'", 'val x\u00a0= 1', 'U+00A0, line 1'],
  [
    'ERROR',
    'Error in parse(text = input): <text>:1:2: unexpected input\n1: x<U+00A0>\n     ^',
    'x\u00a0<- 1',
    'U+00A0',
  ],
])('%s, %s: what nobody sees is named', (name, value, code, words) => {
  expect(readError({ name, value, traceback: [] }, code).hint).toContain(words);
  expect(readError({ name, value, traceback: [] }, 'x = $').hint).toBeUndefined();
});

test.each([
  ['Unknown Error', '<console>:26: error: not found: value spark\n       spark.sql("select 1")\n       ^\n'],
  ['Compile Error', 'cmd1.sc:1: not found: value sc\nval res1 = sc.version\n           ^'],
])('%s: Scala without Spark gets the hint of Python without', (name, value) => {
  expect(readError({ name, value, traceback: [] }).hint).toContain('no Spark session');
  expect(readError({ name, value: 'not found: value spark_rows', traceback: [] }).hint).toBeUndefined();
});

test('an import from Toree’s session gets a hint, because its spark is a method', () => {
  const value = '<console>:24: error: stable identifier required, but spark.implicits found.\n';
  expect(readError({ name: 'Unknown Error', value, traceback: [] }).hint).toContain(
    'import session.implicits._',
  );
});

test('a script that reads the kernel’s command line gets a hint', () => {
  const printed = 'usage: k [-h]\nk: error: unrecognized arguments: -f /tmp/run/kernel-1.json\n';
  const failure = { name: 'SystemExit', value: '2', traceback: [] };
  expect(readError(failure, 'parse_args()', printed).hint).toContain('parse_args([])');
  expect(readError(failure, 'exit(2)', 'no such table').hint).toBeUndefined();
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

test('a kernel that counts a line of its own names a missing line: then only what is certain is shown', () => {
  const traceback = [
    'Traceback (most recent call last):',
    '  File "<cell>", line 2, in <module>',
    "NameError: name 'x' is not defined",
  ];
  const failure = { name: 'NameError', value: "name 'x' is not defined", traceback };
  expect(readError(failure, 'x').userLine).toBe('line 1: x');
  expect(readError(failure, 'x\ny').userLine).toBe('line 2');
});

/** As IPython 9 sends them. */
function ipythonError(name: string, value: string, ...traceback: string[]) {
  return {
    name,
    value,
    traceback: ['-'.repeat(75), `${name}   Traceback (most recent call last)`, ...traceback],
  };
}

test('the notes of an exception are shown below it', () => {
  const raised = ipythonError(
    'ValueError',
    'boom',
    'Cell In[1], line 4\n      3 e.add_note(note)\n----> 4 raise e\n',
    'ValueError: boom',
    'while reading a.csv',
    'row 12',
  );
  expect(readError(raised)).toMatchObject({
    headline: 'ValueError: boom',
    userLine: 'line 4: raise e',
    traceback: 'while reading a.csv\nrow 12',
  });
});

test('the line of a magic is shown as it was typed', () => {
  const inPlace = "get_ipython().run_line_magic('run', 'none.py')";
  const raised = ipythonError(
    'Exception',
    'File `none.py` not found.',
    `Cell In[1], line 2\n      1 x = 1\n----> 2 ${inPlace}\n`,
    'File /lib/magics.py:82, in run(self)\n---> 82     raise Exception(msg)\n',
    'Exception: File `none.py` not found.',
  );
  expect(readError(raised, 'x = 1\n%run none.py').userLine).toBe('line 2: %run none.py');
  expect(readError(raised, `x = 1\n${inPlace}`).userLine).toBe(`line 2: ${inPlace}`);
  expect(readError(raised).userLine).toBe(`line 2: ${inPlace}`);
});

test('under %%time the lines are those of the cell', () => {
  const raised = ipythonError(
    'ZeroDivisionError',
    'division by zero',
    "Cell In[1], line 1\n----> 1 get_ipython().run_cell_magic('time', '', 'def f(x):\\n    return 1/x\\nf(0)\\n')\n",
    "File <timed exec>:3\n      1 'Could not get source, probably due dynamically evaluated source code.'\n",
    "File <timed exec>:2, in f(x)\n      1 'Could not get source, probably due dynamically evaluated source code.'\n",
    'ZeroDivisionError: division by zero',
  );
  expect(readError(raised, '%%time\ndef f(x):\n    return 1/x\nf(0)').userLine).toBe(
    'line 3, in f: return 1/x (called from line 4: f(0))',
  );
});

test('%time in a line names that line', () => {
  const raised = ipythonError(
    'ZeroDivisionError',
    'division by zero',
    "Cell In[1], line 1\n----> 1 get_ipython().run_line_magic('time', '1/0')\n",
    "File <timed eval>:1\n----> 1 'Could not get source, probably due dynamically evaluated source code.'\n",
    'ZeroDivisionError: division by zero',
  );
  expect(readError(raised, '%time 1/0').userLine).toBe('line 1: %time 1/0');
});

test('a recursion in Scala is one line of its stack', () => {
  const stack = Array.from({ length: 1_024 }, () => '  at f(<console>:23)');
  const read = readError({
    name: 'java.lang.StackOverflowError',
    value: '',
    traceback: ['java.lang.StackOverflowError', ...stack],
  });
  expect(read.traceback).toBe('at f(<console>:23)\n… 1,023 lines of JVM stack …');
  const twice = ['  at f(<console>:23)', '  at f(<console>:24)', ...stack.slice(0, 7)];
  const short = readError({
    name: 'java.lang.Error',
    value: 'no',
    traceback: ['java.lang.Error: no', ...twice],
  });
  expect(short.traceback).toContain('… 7 lines of JVM stack …');
});

test('the plan is left out of an analysis error in Scala', () => {
  const value = `[NOPE] ${'word '.repeat(60)};\n'Project ['nope]\n+- 'UnresolvedRelation [v]\n`;
  const stack = Array.from({ length: 20 }, (_, at) => `  at org.apache.X${at}(X.scala:1)`);
  const name = 'org.apache.spark.sql.catalyst.ExtendedAnalysisException';
  const read = readError({ name, value, traceback: [`${name}: [NOPE]`, ...stack] });
  expect(read.headline).toMatch(/^AnalysisException: \[NOPE\] word/);
  expect(read.traceback).not.toMatch(/Project|Unresolved/);
});

test('a user-defined function that fails in a Scala task is shown by its own exception', () => {
  const value = [
    'org.apache.spark.SparkException: Job aborted due to stage failure: Task 1 in stage 1.0 failed 1 times, most recent failure: Lost task 1.0 in stage 1.0 (TID 3) (localhost executor driver): org.apache.spark.SparkException: [FAILED_EXECUTE_UDF] Failed to execute user defined function (`$read$Lambda`: (bigint) => bigint).',
    '\tat org.apache.spark.sql.errors.QueryExecutionErrors$.failed(QueryExecutionErrors.scala:198)',
    'Caused by: java.lang.RuntimeException: bad row',
    '\tat $anonfun$u$1(<console>:25)',
  ].join('\n');
  expect(readError({ name: 'Unknown Error', value, traceback: [] }).headline).toBe(
    'java.lang.RuntimeException: bad row (in a Spark task)',
  );
});

test('the place in the SQL is shown in Scala, too', () => {
  const read = readError({
    name: 'org.apache.spark.sql.catalyst.parser.ParseException',
    value:
      "\n[PARSE_SYNTAX_ERROR] Syntax error at or near 'selec'.(line 1, pos 0)\n\n== SQL ==\nselec 1\n^^^\n",
    traceback: ['  at x.Parser.parse(Parser.scala:1)\n'.repeat(9)],
  });
  expect(read).toMatchObject({
    headline: "ParseException: [PARSE_SYNTAX_ERROR] Syntax error at or near 'selec'.(line 1, pos 0)",
    traceback: '== SQL ==\nselec 1\n^^^\n… 9 lines of JVM stack …',
  });
  const task = readError({
    name: 'Unknown Error',
    value:
      'org.apache.spark.SparkException: Job aborted due to stage failure: Task 0 in stage 0.0 failed 1 times, most recent failure: Lost task 0.0 in stage 0.0 (TID 0) (localhost executor driver): org.apache.spark.SparkArithmeticException: [DIVIDE_BY_ZERO] Division by zero.\n== SQL (line 1, position 1) ==\nid / 0\n^^^^^^\n\n\tat org.apache.spark.X.run(X.scala:1)\n',
    traceback: [],
  });
  expect(task.traceback).toBe('== SQL (line 1, position 1) ==\nid / 0\n^^^^^^');
});

test('an error without a name is called Error', () => {
  expect(readError({ name: '', value: '127', traceback: [] }, 'nosuch').headline).toBe('Error: 127');
  expect(readError({ name: '', value: '', traceback: [] }, 'nosuch').headline).toBe('Error');
});

test.each([
  ['Cell In[2], line 1\n----> 1 f(0)\n', 'Cell In[1], line 1, in f(x)\n----> 1 def f(x): return 1/x\n'],
  [
    '<ipython-input-2-9e1622b385b6> in <module>\n----> 1 f(0)\n',
    '<ipython-input-1-1a2b3c4d5e6f> in f(x)\n----> 1 def f(x): return 1/x\n',
  ],
])('a line of an earlier snippet is told from those of this one', (now, before) => {
  const raised = ipythonError(
    'ZeroDivisionError',
    'division by zero',
    now,
    before,
    'ZeroDivisionError: division by zero',
  );
  expect(readError(raised, 'f(0)').userLine).toBe(
    'In [1], line 1, in f: def f(x): return 1/x (called from line 1: f(0))',
  );
});

test('a worker that fails in the line that called it names the line once', () => {
  const code = 'sc.parallelize([1]).map(lambda x: nope).count()';
  const raised = ipythonError(
    'PythonException',
    `Traceback (most recent call last):\n  File "/run/ipykernel_12/345.py", line 1, in <lambda>\nNameError: nope\n`,
    `Cell In[2], line 1\n----> 1 ${code}\n`,
    'PythonException: Traceback (most recent call last):',
    '  File "/run/ipykernel_12/345.py", line 1, in <lambda>',
    'NameError: nope',
  );
  expect(readError(raised, code).userLine).toBe(`line 1, in <lambda>: ${code}`);
});

test("PySpark 4's listing of a worker's frame does not stand beside it", () => {
  const { traceback } = readFixture('pyspark4-lambda-zero-division');
  expect(traceback).toMatch(
    /line 3\n[^]*3 bad\.collect\(\)\n… 11 frames of library code …\n[^\n]*, in <lambda>$/,
  );
});

test.each([
  [['<lambda>'], ['sc.parallelize([1]).map(lambda x: nope).count()']],
  [['bad'], ['def bad(x): return nope', 'sc.parallelize([1]).map(bad).count()']],
  [
    ['bad', '<lambda>'],
    ['def bad(x): return map(lambda y: nope, x)', 'sc.parallelize([1]).map(bad).count()'],
  ],
])('nor does that of a line in which the failed function is written whole: %s', (names, lines) => {
  const listing = (count: number): string =>
    [`Cell In[2], line ${count}`, ...lines.slice(0, count - 1).map((line, n) => `      ${n + 1} ${line}`)]
      .concat(`----> ${count} ${lines[count - 1] ?? ''}`)
      .join('\n');
  const library = Array.from(
    { length: 6 },
    (_, n) => `\nFile /lib/rdd.py:${n}, in count(self)\n----> ${n} go()\n`,
  );
  const frames = names.map((name) => `  File "/run/ipykernel_12/345.py", line 1, in ${name}`).join('\n');
  const worker = `Traceback (most recent call last):\n${frames}\nNameError: nope\n`;
  const own = listing(lines.length);
  const raised = ipythonError(
    'PythonException',
    worker,
    own,
    ...library,
    ...names.map(() => `\n${listing(1)}\n`),
    `\nPythonException: ${worker}`,
  );
  expect(readError(raised, lines.join('\n')).traceback).toBe(
    `${own}\n… 6 frames of library code …\n${frames}`,
  );
});

test.each([
  ['The above exception was the direct cause of the following exception:', "Caused by KeyError: 'k'"],
  ['During handling of the above exception, another exception occurred:', "While handling KeyError: 'k'"],
])('%s', (link, said) => {
  const raised = ipythonError(
    'ValueError',
    'bad row',
    "Cell In[1], line 2\n      1 try:\n----> 2     {}['k']\n",
    "KeyError: 'k'",
    `\n${link}\n`,
    'ValueError   Traceback (most recent call last)',
    "Cell In[1], line 4\n      3 except KeyError as e:\n----> 4     raise ValueError('bad row') from e\n",
    'ValueError: bad row',
  );
  const read = readError(raised);
  expect(read.headline).toBe('ValueError: bad row');
  expect(read.cause).toBe(said);
});

test('an exception without a message can be a cause; the same one again is not', () => {
  const chained = (cause: string, message = 'it ended') =>
    readError(
      ipythonError(
        'RuntimeError',
        message,
        cause,
        '\nThe above exception was the direct cause of the following exception:\n',
        `RuntimeError: ${message}`,
      ),
    ).cause;
  expect(chained('StopIteration: ')).toBe('Caused by StopIteration');
  expect(chained('RuntimeError: it ended')).toBeUndefined();
  expect(chained('ValueError: no', 'it ended: ValueError: no')).toBeUndefined();
  expect(chained('TimeoutError', 'JobTimeoutError')).toBe('Caused by TimeoutError');
});

test('the position in a line that does not compile is marked', () => {
  const failure = (line: string, mark: string) => ({
    name: 'SyntaxError',
    value: 'invalid syntax (1.py, line 2)',
    traceback: [`  Cell In[3], line 2\n${line}\n${mark}\nSyntaxError: invalid syntax\n`],
  });
  expect(readError(failure('    x = foo(a b)', '            ^^^')).userLine).toBe(
    'line 2: x = foo(a b)\n                ^^^',
  );
  const long = `    x = ${'a + '.repeat(50)}b c`;
  expect(readError(failure(long, `${' '.repeat(long.length - 3)}^`)).userLine).not.toContain('^');
});

test.each([
  ['%%nope', '%%nope\nx = 1', 'line 1: %%nope'],
  ['%foo', 'x = 1\n%foo bar', 'line 2: %foo bar'],
])('the unknown magic %s is found in the code', (magic, code, line) => {
  const failure = { name: 'UsageError', value: `Magic \`${magic}\` not found.`, traceback: [] };
  expect(readError(failure, code).userLine).toBe(line);
});

const printedGroup = `  + Exception Group Traceback (most recent call last):
  |   File "/lib/IPython/core/interactiveshell.py", line 3821, in run_code
  |     await eval(code_obj, self.user_global_ns, self.user_ns)
  |   File "/tmp/ipykernel_11229/764700123.py", line 5, in <module>
  |     async with asyncio.TaskGroup() as g:
  | ExceptionGroup: unhandled errors in a TaskGroup (5 sub-exceptions)
  +-+---------------- 1 ----------------
    | Traceback (most recent call last):
    |   File "/tmp/ipykernel_11229/764700123.py", line 4, in w
    |     return 1/n
    |            ~^~
    | ZeroDivisionError: division by zero
    +---------------- 2 ----------------
    | ExceptionGroup: inner (2 sub-exceptions)
    +-+---------------- 1 ----------------
      | FileNotFoundError: [Errno 2] no file: 'x.csv'
      +---------------- 2 ----------------
      | KeyboardInterrupt
      +------------------------------------
    +---------------- 3 ----------------
    | ValueError: third
    +---------------- 4 ----------------
    | ValueError: fourth
    +------------------------------------
`;

test('for an exception group, which IPython prints, the members and the line are shown', () => {
  const group = {
    name: 'ExceptionGroup',
    value: 'unhandled errors in a TaskGroup (5 sub-exceptions)',
    traceback: [],
  };
  const read = readError(group, 'several\nlines', `before\n${printedGroup}`);
  expect(read).toMatchObject({
    headline: 'ExceptionGroup: unhandled errors in a TaskGroup (5 sub-exceptions)',
    userLine: 'line 5: async with asyncio.TaskGroup() as g:',
    cause: [
      '• ZeroDivisionError: division by zero (line 4, in w: return 1/n)',
      "• FileNotFoundError: [Errno 2] no file: 'x.csv'",
      '• KeyboardInterrupt',
      '… and 2 more',
    ].join('\n'),
    traceback: '',
    isFolded: true,
    whole: printedGroup,
    printed: printedGroup,
  });
  expect(readError(group, 'x', `${printedGroup}and more`).printed).toBe('');
  // After code with `await` ipykernel sends the traceback of an earlier error with it.
  const stale = ['Cell In[1], line 9\n----> 9 1/0\n', 'ZeroDivisionError: division by zero'];
  expect(readError({ ...group, traceback: stale }, 'several\nlines', printedGroup)).toEqual(
    readError(group, 'several\nlines', printedGroup),
  );
});

/** As PySpark 4 raises what a worker said, and IPython lists the worker's frames. */
function workerError(worker: string, ...frames: string[]) {
  const value = `An exception was thrown from the Python worker:\n${worker}`;
  return ipythonError('PythonException', value, ...frames, `PythonException: ${value}`);
}

test('a worker that fails in what an earlier snippet defined: IPython lists the wrong line, which is not named', () => {
  const worker = `Traceback (most recent call last):
  File "/tmp/ipykernel_12/21.py", line 6, in outer
  File "/tmp/ipykernel_12/21.py", line 3, in clean
ValueError: invalid literal`;
  const code = "sc.parallelize(['x']).map(outer).collect()";
  const listed = workerError(
    worker,
    `Cell In[3], line 1\n----> 1 ${code}\n`,
    'Cell In[2], line 6\n----> 6 def outer(v):\n      7     return clean(v) + 1\n',
    'Cell In[2], line 3\n----> 3 def clean(v):\n      4     w = v.strip()\n      5     return int(w)\n',
  );
  const read = readError(listed, code);
  expect(read.userLine).toBe(`In [2], line 3, in clean (called from line 1: ${code})`);
  expect(read.traceback).not.toContain('def clean');
  const bare = workerError(worker, `Cell In[3], line 1\n----> 1 ${code}\n`);
  expect(readError(bare, code).userLine).toBe(
    `In an earlier snippet, line 3, in clean (called from line 1: ${code})`,
  );
});

test('a worker whose failure came of another one: the last is what was raised, the line is that of the snippet', () => {
  const code = 'def bad(rows):\n    for r in rows:\n        yield r["nope"]\nrdd.mapPartitions(bad).count()';
  const worker = `Traceback (most recent call last):
  File "/lib/pyspark/sql/types.py", line 3639, in __getitem__
ValueError: 'nope' is not in list

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "/tmp/ipykernel_12/40.py", line 3, in bad
  File "/lib/pyspark/sql/types.py", line 3644, in __getitem__
pyspark.errors.exceptions.base.PySparkValueError: nope`;
  const listing = code.split('\n').map((line, at) => `${at === 3 ? '----> ' : '      '}${at + 1} ${line}`);
  expect(readError(workerError(worker, `Cell In[5], line 4\n${listing.join('\n')}\n`), code)).toMatchObject({
    headline: 'PySparkValueError: nope (in a Spark task)',
    userLine: 'line 3, in bad: yield r["nope"] (called from line 4: rdd.mapPartitions(bad).count())',
    cause: "While handling ValueError: 'nope' is not in list",
  });
});

test('the code of a message of Spark 4 is only in the file', () => {
  const value = `[PATH_NOT_FOUND] Path does not exist: ${'x'.repeat(130)}. SQLSTATE: 42K03`;
  const read = readError({ name: 'AnalysisException', value, traceback: [] }, 'spark.read.csv(path)');
  expect(read).toMatchObject({ headline: `AnalysisException: ${value.slice(0, -16)}`, traceback: '' });
});

test('Spark’s message about a query is shown once, with its mark in the SQL; the plan is only in the file', () => {
  const column = 'A column with name `w` cannot be resolved.';
  const unknown = readError({
    name: 'AnalysisException',
    value: `${column} SQLSTATE: 42703;\n'Project [unresolvedalias('w)]\n+- LogicalRDD [v#0], false\n`,
    traceback: [],
  });
  expect(unknown).toMatchObject({ headline: `AnalysisException: ${column}`, traceback: '', isFolded: true });
  const value = '\nSyntax error at or near end of input. (line 1, pos 3)\n\n== SQL ==\nv >\n---^^^\n';
  // Spark Connect adds the server's stack.
  const stack =
    '\n\nJVM stacktrace:\norg.apache.spark.ParseException\n\tat org.apache.spark.Parser.parse(Parser.scala:78)';
  for (const sent of [value, value + stack])
    expect(readError({ name: 'ParseException', value: sent, traceback: [] }).traceback).toBe(
      '== SQL ==\nv >\n---^^^',
    );
});

test('tracebacks of a hundred thousand characters of any kind are read in little time', () => {
  const begun = process.threadCpuUsage();
  for (const [start, unit] of [
    ['Cell In[1], line 1, in ', '('],
    ['<ipython-input-1-abc> in f', '(a)'],
    ['File <timed exec>:1, in ', '('],
    ['Cell In[1], line 1\n', '  File "<a>", line 1\n'],
    ['Cell In[1], line 1\n', '  File "<a>", line 1, in f\n----> 1 def f(\n'],
  ] as const) {
    const traceback = [start + unit.repeat(100_000 / unit.length)];
    readError({ name: 'ValueError', value: 'x', traceback }, 'f(x)');
  }
  expect(process.threadCpuUsage(begun).user).toBeLessThan(3_000_000);
});

test('for a failure in another process its line there is shown', () => {
  const raised = ipythonError(
    'ZeroDivisionError',
    'division by zero',
    `"""\nTraceback (most recent call last):\n  File "/lib/multiprocessing/pool.py", line 125, in worker
  File "/tmp/ipykernel_12/40.py", line 2, in w\n    def w(x): return 1/x\nZeroDivisionError: division by zero\n"""`,
    '\nThe above exception was the direct cause of the following exception:\n',
    'ZeroDivisionError   Traceback (most recent call last)',
    'Cell In[1], line 3\n----> 3 with Pool(1) as p: p.map(w, [0])\n',
    'ZeroDivisionError: division by zero',
  );
  const remote = {
    ...raised,
    traceback: [
      '-'.repeat(75),
      'RemoteTraceback   Traceback (most recent call last)',
      'RemoteTraceback: ',
      ...raised.traceback.slice(2),
    ],
  };
  expect(readError(remote)).toMatchObject({
    userLine: 'line 3: with Pool(1) as p: p.map(w, [0])',
    cause: 'In another process: line 2, in w: def w(x): return 1/x',
  });
});

test('of a recursion that is too long to be read whole, frames are counted as the least and shown whole', () => {
  const frame =
    '\u001b[36mCell\u001b[39m\u001b[36m \u001b[39m\u001b[32mIn[1]\u001b[39m\u001b[32m, line 1\u001b[39m, in \u001b[36mf\u001b[39m\u001b[34m()\u001b[39m\n\u001b[32m----> \u001b[39m\u001b[32m1\u001b[39m \u001b[38;5;28;01mdef\u001b[39;00m\u001b[38;5;250m \u001b[39m\u001b[34mf\u001b[39m(): \u001b[38;5;28;01mreturn\u001b[39;00m f()';
  // the middle is cut out in a frame's first line and in its second
  for (const rule of [20, 60, 100, 140, 180, 220, 260]) {
    const head = ['-'.repeat(rule), 'RecursionError   Traceback (most recent call last)'];
    const traceback = [...head, ...Array<string>(970).fill(frame), 'RecursionError: too deep'];
    const { traceback: shown } = readError({ name: 'RecursionError', value: 'too deep', traceback });
    expect(shown).toMatch(
      /^Cell In\[1\], line 1, in f\(\)\n----> 1 def f\(\): return f\(\)\n… the same at least \d+ times more …$/,
    );
  }
});

test('a recursion of thousands of frames is counted whole', () => {
  const frame = 'Cell In[1], line 2, in f(n)\n      1 def f(n):\n----> 2     return f(n)\n';
  const raised = ipythonError(
    'RecursionError',
    'too deep',
    'Cell In[1], line 3\n----> 3 f(1)\n',
    ...Array<string>(1_000).fill(frame),
    'RecursionError: too deep',
  );
  expect(readError(raised).traceback).toContain('the same 999 times more');
});

test('R’s long stack shows the author’s own calls, each on one line', () => {
  const code = 'h <- function(d) mutate(d,\n  z = stop("no"))\nh(cars)';
  const calls = [
    '1. h(cars)',
    '2. mutate(d,\n .     z = stop("no"))   # at line 1 of file <text>',
    ...Array.from({ length: 9 }, (_, n) => `${n + 3}. inner({\n .     step(${n})\n . })`),
  ];
  const value = 'Error in `mutate()`: no\n';
  const read = readError({ name: 'ERROR', value, traceback: [`${value}Traceback:\n`, ...calls] }, code);
  expect(read).toMatchObject({
    traceback: '1. h(cars)\n2. mutate(d, … # at line 1 of file <text>\n… 9 calls of library code …',
    isFolded: true,
  });
  const alone = readError({
    name: 'ERROR',
    value,
    traceback: ['Traceback:\n', ...calls.filter((_, n) => n !== 1)],
  });
  expect(alone).toMatchObject({ traceback: '', isFolded: true });
});

test('R’s stack of numbers in place of calls is none', () => {
  const traceback = ['Error in f(n - 1): deep\nTraceback:\n', '1. 1', '2. 2', '3. ⋯', '4. 7'];
  const code = 'f <- function(n) if (n == 0) stop("deep") else f(n-1); f(5)';
  expect(readError({ name: 'ERROR', value: 'Error in f(n - 1): deep\n', traceback }, code)).toMatchObject({
    userLine: `line 1: ${code}`,
    traceback: '',
  });
});

test('R’s error at top level does not name IRkernel’s own call', () => {
  const value = "Error in eval(expr, envir, enclos): object 'nosuch' not found\n";
  const traceback = [value, 'Traceback:\n'];
  expect(readError({ name: 'ERROR', value, traceback }, 'nosuch + 1')).toMatchObject({
    headline: "Error: object 'nosuch' not found",
    userLine: 'line 1: nosuch + 1',
  });
});

const inR = (value: string, calls: readonly string[], code: string) =>
  readError({ name: 'ERROR', value: `${value}\n`, traceback: [`${value}\nTraceback:\n`, ...calls] }, code);

test('R numbers the lines of each snippet from 1: one of an earlier snippet is told as that', () => {
  const calls = [
    '1. f(2)',
    '2. g(x)   # at line 1 of file <text>',
    '3. stop("deep")   # at line 3 of file <text>',
  ];
  expect(inR('Error in g(x): deep', calls, 'a <- 1\n\nf(2)\n').userLine).toBe(
    'In an earlier snippet, line 3: stop("deep") (called from line 3: f(2))',
  );
  const own = "f <- function(x) g(x)\ng <- function(x) {\n  y <-\n    stop('deep')\n}\nf(2)";
  expect(inR('Error in g(x): deep', calls, own).userLine).toBe(
    'line 3: stop("deep") (called from line 6: f(2))',
  );
});

test('the mark before a message of rlang is left out, and names in backticks are found', () => {
  const abort = ['1. rlang::abort("no rows")', '2. signal_abort(cnd, .file)'];
  expect(inR('Error:\n! no rows', abort, 'rlang::abort("no rows")')).toMatchObject({
    headline: 'Error: no rows',
    traceback: '1. rlang::abort("no rows")\n2. signal_abort(cnd, .file)',
  });
  const check = ['1. stopifnot(`must be positive` = -1 > 0)'];
  expect(
    inR('Error: must be positive', check, "x <- 1\nstopifnot('must be positive' = -1 > 0)").userLine,
  ).toBe('line 2: stopifnot(`must be positive` = -1 > 0)');
});

test.each([
  ['SyntaxError', 'invalid syntax (341.py, line 1)', 'please count the rows of that table, thanks!'],
  ['SyntaxError', 'unterminated string literal', 'that’s not what I meant'],
  [
    'ERROR',
    'Error in parse(text = input): <text>:1:5: unexpected symbol\n1: good morning',
    'good morning all',
  ],
  ['SyntaxError', 'invalid syntax (341.py, line 1)', 'Thanks!'],
  ['Compile Error', "<console>:1: error: ';' expected but identifier found.", 'hello to you all'],
])('%s: %s for a sentence is told as one', (name, value, code) => {
  expect(readError({ name, value, traceback: [] }, code).hint).toContain('reads like a sentence');
});

test.each(['for x y', 'x = = 1', 'print hello', 'foo(bar baz', 'thanks', 'import a b', 'select a b'])(
  '%j is code with an error',
  (code) => {
    const { hint } = readError({ name: 'SyntaxError', value: 'invalid syntax', traceback: [] }, code);
    expect(hint ?? '').not.toContain('sentence');
  },
);
