import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { proveSpark, sparkJob } from '../../../src/doctor/ask-kernel.ts';
import { startConnectedRig } from '../../support/gateway-client.ts';
import type { ScriptedKernel, ScriptMessage } from '../../support/scripted-gateway.ts';

const kernelspec = (name: string, language: string) => ({ name, language, displayName: name }) as never;
const job = sparkJob(kernelspec('python2-spark21', 'python'))!;
const signal = new AbortController().signal;

async function prove(
  onExecute: ScriptedKernel['onExecute'],
  { deadlineMs = 60_000, stopIgnoredMs = 60_000 } = {},
) {
  await using rig = await startConnectedRig({ timings: { stopIgnoredMs, interruptGapMs: 20 } });
  rig.kernel.onExecute = onExecute;
  const proved = await proveSpark(rig.connection, job, { signal, deadlineMs });
  return { ...proved, interrupts: rig.kernel.interrupts };
}

/** Ends with this error. */
function failWith(ename: string, evalue: string): ScriptedKernel['onExecute'] {
  return (request: ScriptMessage, kernel) => {
    kernel.begin(request);
    kernel.send('error', { ename, evalue, traceback: [] }, { parent: request });
    kernel.end(request, { status: 'error', ename, evalue, traceback: [] });
  };
}

test('the kernelspecs whose name promises Spark have a job in their language', () => {
  expect(sparkJob(kernelspec('scala-spark21', 'Scala'))?.code).toContain('println(spark.range(10).count())');
  expect(sparkJob(kernelspec('spark_R_yarn', 'R'))?.code).toContain('SparkR::count');
  expect(sparkJob(kernelspec('apache_toree_scala', 'scala'))).toBeDefined();
  expect(sparkJob(kernelspec('python3', 'python'))).toBeUndefined();
  expect(sparkJob(kernelspec('spark-sql', 'sql'))).toBeUndefined();
});

test('ten rows were counted, whatever Spark logs', async () => {
  const proved = await prove((request, kernel) => {
    kernel.begin(request);
    kernel.send('stream', { name: 'stderr', text: 'Setting default log level\n' }, { parent: request });
    kernel.stream(request, '10\n');
    kernel.end(request);
  });
  expect(proved).toMatchObject({
    kind: 'works',
    text: expect.stringMatching(/^Spark works \(10\), after \d/),
  });
});

test('a number in Spark’s log is no answer', async () => {
  const proved = await prove((request, kernel) => {
    kernel.begin(request);
    kernel.send('stream', { name: 'stderr', text: '[Stage 0: (10 + 2) / 12]' }, { parent: request });
    kernel.end(request);
  });
  expect(proved).toMatchObject({
    kind: 'fails',
    text: 'Spark does not work: spark.range(10).count() gave no 10 but “[Stage 0: (10 + 2) / 12]”.',
  });
});

test.for([
  ['ModuleNotFoundError', "No module named 'pyspark'", /is not installed .* PYTHONPATH/],
  ['PySparkRuntimeError', '[JAVA_GATEWAY_EXITED] Java gateway process exited', /correct JAVA_HOME/],
  ['Error', '<console>:24: error: not found: value spark', /makes no Spark session/],
  ['Py4JJavaError', 'An error occurred\n\u001b]0;evil\u0007while calling', /read Spark’s log/],
] as const)('%s: %s', async ([ename, evalue, remedy]) => {
  const proved = await prove(failWith(ename, evalue));
  expect(proved).toMatchObject({ kind: 'fails', remedy: expect.stringMatching(remedy) });
  expect(proved.text).toContain(`Spark does not work: spark.range(10).count() ended as raised: ${ename}: `);
  expect(proved.text).not.toMatch(/\p{C}/u);
});

test('a very long error is reported in one sentence', async () => {
  const proved = await prove(failWith('Py4JJavaError', 'x'.repeat(1_000_000)));
  expect(proved.text.length).toBeLessThan(500);
});

test('a job that gets no executors is interrupted after its time', async () => {
  const proved = await prove(
    (request, kernel) => {
      kernel.begin(request);
      kernel.onInterrupt = () => failWith('KeyboardInterrupt', '')(request, kernel);
    },
    { deadlineMs: 300 },
  );
  expect(proved).toMatchObject({
    kind: 'fails',
    text: 'Spark does not work: spark.range(10).count() did not end in time.',
    remedy: expect.stringContaining('no executors'),
    interrupts: 1,
  });
});

test('a kernel that ignores the interrupt is not waited for', async () => {
  const proved = await prove((request, kernel) => kernel.begin(request), {
    deadlineMs: 20,
    stopIgnoredMs: 60,
  });
  expect(proved.text).toContain('did not end in time, and interrupting it had no effect.');
});

test.for([
  ['the session', 'spark = Counter()', 10],
  ['the context of Spark 1', 'sc = Counter()', 10],
] as const)('Python counts in %s that the kernel has', ([, given, counted]) => {
  const counter = `class Counter(object):
    def range(self, n): self.rows = range(n); return self
    def parallelize(self, rows): self.rows = rows; return self
    def count(self): return len(self.rows)
`;
  const { stdout } = spawnSync('python3', ['-c', `${counter}\n${given}\n${job.code}`], { encoding: 'utf8' });
  expect(stdout).toBe(`${counted}\n`);
});
