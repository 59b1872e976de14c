import { dirname } from 'node:path';
import { sparkKernelspec, writeKernelspecs } from '../demo/provision/kernelspecs.ts';
import { showProgress } from '../demo/provision/progress.ts';
import type { KernelConnection } from '../src/gateway/gateway.ts';
import { executeQuietly } from '../src/runs/session/spark-observer.ts';
import { PUT_IN } from '../src/spark/read-observer.ts';
import { provisionBackends } from '../test/support/backends/provision-backends.ts';
import { execute, median, quantile, runToEnd, startBenchSetting } from './gateway-setting.ts';
import { givenNumber } from './given-number.ts';

/**
 * What the observer of Spark costs a kernel, on real Spark 4 and 3.5, with pinned py4j threads and without: an empty cell and
 * a cell with a job, with its hooks and without them in turns; a hundred looks beside a job; what it leaves behind.
 *
 *   node bench/spark-observer.ts [rounds=4]
 */

const rounds = givenNumber(0, 4, 'node bench/spark-observer.ts [rounds=4]');
const CELLS_A_ROUND = 25;
const OBSERVER = `__import__("sys").modules["_sparkthread"]`;
const HOOKS = ['pre_run_cell', 'post_run_cell'] as const;
const JOB = 'sc.parallelize(range(40), 40).map(slow).count()';

/** Each hundred looks are asked beside a job, on a thread of their own as the observer's are. */
const LOOKS = `import threading
def look_often(run, observer=${OBSERVER}):
    for _ in range(100):
        since = time.perf_counter()
        observer.look(run)
        looks.append(time.perf_counter() - since)
        time.sleep(0.03)
looks, group = [], sc.getLocalProperty("spark.jobGroup.id")
looking = threading.Thread(target=look_often, args=(${OBSERVER}.state["run"],))
looking.start()
spark.range(0, 2 * 10**6, 1, 100).selectExpr("id % 97 as k").groupBy("k").count().count()
${JOB}
looking.join()
looks.sort()
print(looks[50] * 1e3, looks[90] * 1e3, looks[99] * 1e3, group == sc.getLocalProperty("spark.jobGroup.id"), ${OBSERVER}.state["error"])`;

const ms = (value: number): string => value.toFixed(1);

async function setHooks(connection: KernelConnection, how: 'register' | 'unregister'): Promise<void> {
  const calls = HOOKS.map(
    (hook) =>
      `get_ipython().events.${how}("${hook}", ${OBSERVER}.${hook === 'pre_run_cell' ? 'before' : 'after'})`,
  );
  await executeQuietly(connection, `(${calls.join(', ')})`, 5_000);
}

async function timed(connection: KernelConnection, code: string): Promise<number> {
  const since = performance.now();
  const { kind } = await runToEnd(connection, code);
  if (kind !== 'ok') throw new Error(`the cell ended as ${kind}`);
  return performance.now() - since;
}

/** What a cell printed, on both streams. */
async function printed(connection: KernelConnection, code: string): Promise<string> {
  let text = '';
  for await (const said of execute(connection, code)) if (said.kind === 'stream') text += said.text;
  return text.trim();
}

/** The times with hooks and without, in turns, so that the machine's moods hit both. */
async function compare(connection: KernelConnection, code: string, cells: number) {
  const times = { with: [] as number[], without: [] as number[] };
  for (let round = 0; round < rounds; round += 1) {
    for (let cell = 0; cell < cells; cell += 1) times.with.push(await timed(connection, code));
    await setHooks(connection, 'unregister');
    for (let cell = 0; cell < cells; cell += 1) times.without.push(await timed(connection, code));
    await setHooks(connection, 'register');
  }
  return times;
}

const { kernelspecs, venv, cache } = await provisionBackends(process.env, showProgress(process.stderr));
const { SPARK_HOME: spark35 = '', JAVA_HOME: java = '' } = kernelspecs['scala-spark']?.env ?? {};
const spark4 = kernelspecs['python3-spark']?.env?.['SPARK_HOME'] ?? '';
if (dirname(spark4) === '.' || spark35 === '')
  throw new Error('the observer is measured on Spark, which needs Java');

for (const sparkHome of [spark4, spark35]) {
  const javaHome = java === '' ? (kernelspecs['python3-spark']?.env?.['JAVA_HOME'] ?? '') : java;
  const kernelspecsFolder = await writeKernelspecs(cache, {
    'python3-spark': sparkKernelspec(venv.python, sparkHome, javaHome),
  });
  for (const pinned of ['true', 'false']) {
    await using setting = await startBenchSetting('python3-spark', {
      kernelspecsFolder,
      extraEnvironment: { PYSPARK_PIN_THREAD: pinned },
    });
    const { connection } = setting;
    await runToEnd(connection, 'import time\ndef slow(x):\n    time.sleep(0.1)\n    return x');
    await timed(connection, JOB);
    const version = await printed(connection, 'names = set(dir()); print(spark.version)');
    await executeQuietly(connection, PUT_IN, 5_000);
    const empty = await compare(connection, 'None', CELLS_A_ROUND);
    const job = await compare(connection, JOB, 1);
    const looks = await printed(connection, LOOKS);
    const left = await printed(
      connection,
      'print(sorted(n for n in set(dir()) - names if n[0] != "_" and n not in ("names", "look_often", "looks", "looking", "group", "threading")))',
    );
    console.log(`Spark ${version}, ${pinned === 'true' ? '' : 'not '}pinned`);
    console.log(
      `  an empty cell, ms: ${ms(median(empty.with))} with, ${ms(median(empty.without))} without (quartiles ${ms(quantile(empty.with, 0.25))} ${ms(quantile(empty.without, 0.25))})`,
    );
    console.log(
      `  a cell with a job, ms: ${ms(median(job.with))} with, ${ms(median(job.without))} without, ratio of the least ${(Math.min(...job.with) / Math.min(...job.without)).toFixed(3)}`,
    );
    console.log(`  100 looks, p50 p90 max in ms, group unchanged, error: ${looks}`);
    console.log(`  names that it left: ${left}`);
  }
}
