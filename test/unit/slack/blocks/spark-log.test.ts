import { expect, test } from 'vitest';
import { type OutputPart, wholeText } from '../../../../src/output/output-view.ts';
import { isSparkLog, readLogs } from '../../../../src/slack/blocks/run/output/shown-parts.ts';

const isLog = (...lines: string[]) => isSparkLog(wholeText(lines.join('\n')));

test("a worker's traceback within Spark's log is part of it", () => {
  const frames = Array.from({ length: 12 }, (_, n) => [
    `  File "/opt/spark/python/lib/pyspark.zip/pyspark/worker.py", line ${n}, in main`,
    '    process(serializer.load_stream(infile), outfile)',
  ]).flat();
  const stack = Array.from({ length: 5 }, (_, n) => `\tat org.apache.spark.Task.run(Task.scala:${n})`);
  expect(
    isLog(
      '26/11/27 09:16:40 ERROR Executor: Exception in task 1.0 in stage 22.0 (TID 28)',
      'org.apache.spark.api.python.PythonException: Traceback (most recent call last):',
      ...frames,
      "NameError: name 'undefined_name' is not defined",
      '',
      ...stack,
      '26/11/27 09:16:40 ERROR TaskSetManager: Task 1 in stage 22.0 failed 1 times; aborting job',
    ),
  ).toBe(true);
});

test('so is what PySpark prints when the driver is gone', () => {
  const bar = '-'.repeat(40);
  const said = [
    "Exception occurred during processing of request from ('127.0.0.1', 54854)",
    'Traceback (most recent call last):',
    '  File "/usr/lib/python3.11/socketserver.py", line 755, in __init__',
    '    self.handle()',
    '  File "/opt/spark/python/pyspark/accumulators.py", line 333, in handle',
    '    poll(accum_updates)',
    'EOFError',
  ];
  expect(isLog(bar, ...said, bar, '')).toBe(true);
  expect(isLog(bar, ...said.filter((line) => !line.includes('accumulators')), bar)).toBe(false);
  // Two threads print at the same time.
  const [first = '', ...rest] = said;
  expect(isLog(bar, first, 'ERROR:root:Exception while sending command.', ...rest, bar, '')).toBe(true);
});

test('so is what Py4J logs when the driver is gone', () => {
  const said = [
    'Traceback (most recent call last):',
    '  File "/opt/py4j/clientserver.py", line 516, in send_command',
  ];
  for (const logger of ['', 'ERROR:root:', 'ERROR:py4j.clientserver:'])
    expect(isLog(`${logger}Exception while sending command.`, ...said, 'Py4JNetworkError: empty')).toBe(true);
  expect(isLog('Exception while sending mail.', ...said)).toBe(false);
});

test('what Spark writes after the error belongs to the log before it, however short it is', () => {
  const stderr = (...lines: string[]) =>
    ({ kind: 'text', source: 'stderr', path: undefined, text: wholeText(lines.join('\n')) }) as const;
  const log = Array.from({ length: 3 }, () => '26/11/27 09:16:40 ERROR Executor: Exception in task 1.0');
  const late = stderr(
    '26/11/27 09:16:41 WARN TaskSetManager: Lost task 0.0 (TaskKilled (Stage cancelled:',
    '  x)',
  );
  const own = stderr('the job is lost');
  const dated = stderr('2026-11-27 09:16:42,123 INFO the model is saved');
  const error = { kind: 'error' } as OutputPart;
  expect(readLogs([error, stderr(...log), late, own, dated])).toEqual(new Set([stderr(...log), late]));
  expect(readLogs([error, late, own])).toEqual(new Set());
});

test("what the code itself wrote on stderr is no log of Spark's", () => {
  const own = Array.from({ length: 12 }, (_, n) => `  File "job.py", line ${n}, in main\n    step()`);
  expect(isLog('Traceback (most recent call last):', ...own, 'ValueError: no')).toBe(false);
  expect(isLog('starting', ...own, '26/11/27 09:16:40 WARN Utils: one line of the log')).toBe(false);
});
