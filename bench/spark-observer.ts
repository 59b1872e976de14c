import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { sparkKernelspec, writeKernelspecs } from '../demo/provision/kernelspecs.ts';
import { showProgress } from '../demo/provision/progress.ts';
import type { KernelConnection } from '../src/gateway/gateway.ts';
import { executeQuietly } from '../src/runs/session/spark-observer.ts';
import { PUT_IN } from '../src/spark/read-observer.ts';
import { provisionBackends } from '../test/support/backends/provision-backends.ts';
import { execute, median, runToEnd, startBenchSetting } from './gateway-setting.ts';
import { givenNumber } from './given-number.ts';

/**
 * What the observer of Spark costs a kernel, on real Spark 4 and 3.5, with pinned py4j threads and without: an empty cell, a
 * cell whose job waits and one whose job computes; a hundred looks beside a job; what it leaves behind. Pairs of cells run in
 * one kernel, one with its hooks and one without, each second pair in the other order: what drifts hits both.
 *
 *   node bench/spark-observer.ts [pairs=12] [row=all]
 */

const USAGE = 'node bench/spark-observer.ts [pairs=12] [row=all]';
const pairs = givenNumber(0, 12, USAGE);
/** 1: Spark 4, 2: not pinned, 3: Spark 3.5, 4: not pinned. */
const onlyRow = givenNumber(1, 0, USAGE);
const EMPTY_PAIRS = 10;
const OBSERVER = `__import__("sys").modules["_sparkthread"]`;
const HOOKS = ['pre_run_cell', 'post_run_cell'] as const;
/** Cells that last long enough for the observer to look, without Python workers: the first waits, the second computes. */
const WAITING = `_ = spark.range(0, 26, 1, 26).selectExpr("java_method('java.lang.Thread', 'sleep', 100L) as slept").collect()`;
const COMPUTING =
  'spark.range(0, 6 * 10**7, 1, 200).selectExpr("id % 997 as k", "xxhash64(id) as h").groupBy("k").agg({"h": "max"}).count()';
/** The hooks alone, around nothing, in a request that does not call them itself. */
const HOOK_TIMES = `import time
def both(observer=${OBSERVER}):
    since = time.perf_counter()
    observer.before()
    observer.after()
    return time.perf_counter() - since
print(sorted(both() for _ in range(200))[100] * 1e3)`;
/** The processor time of a process by Linux's /proc, in hundredths of a second. */
const TICKS_A_SECOND = 100;

/** A hundred looks are made while a job runs, on a thread of their own like the observer's. */
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
${WAITING}
${WAITING}
${WAITING}
looking.join()
looks.sort()
print(looks[50] * 1e3, looks[90] * 1e3, looks[99] * 1e3, group == sc.getLocalProperty("spark.jobGroup.id"), ${OBSERVER}.state["error"])`;

const ms = (value: number): string => value.toFixed(1);
const percent = (ratio: number): string => `${((ratio - 1) * 100).toFixed(1)} %`;

async function setHooks(connection: KernelConnection, how: 'register' | 'unregister'): Promise<void> {
  const calls = HOOKS.map(
    (hook) =>
      `get_ipython().events.${how}("${hook}", ${OBSERVER}.${hook === 'pre_run_cell' ? 'before' : 'after'})`,
  );
  await executeQuietly(connection, `(${calls.join(', ')})`, 5_000);
}

interface CellTime {
  wallMs: number;
  /** Of the kernel and its JVM together. */
  processorMs: number;
}

async function processorMs(pids: readonly number[]): Promise<number> {
  const stats = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/stat`, 'utf8')));
  const ticks = stats.map((stat) => {
    // After the name, which may contain blanks: utime and stime are fields 14 and 15 of all.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return Number(fields[11]) + Number(fields[12]);
  });
  return (ticks.reduce((sum, each) => sum + each, 0) / TICKS_A_SECOND) * 1_000;
}

async function timed(connection: KernelConnection, code: string, pids: readonly number[]): Promise<CellTime> {
  const before = await processorMs(pids);
  const since = performance.now();
  const { kind } = await runToEnd(connection, code);
  if (kind !== 'ok') throw new Error(`the cell ended as ${kind}`);
  return { wallMs: performance.now() - since, processorMs: (await processorMs(pids)) - before };
}

/** What a cell printed, on both streams. */
async function printed(connection: KernelConnection, code: string): Promise<string> {
  let text = '';
  for await (const said of execute(connection, code)) if (said.kind === 'stream') text += said.text;
  return text.trim();
}

interface Compared {
  with: CellTime[];
  without: CellTime[];
}

async function compare(
  connection: KernelConnection,
  code: string,
  count: number,
  pids: readonly number[],
): Promise<Compared> {
  const times: Compared = { with: [], without: [] };
  for (let pair = 0; pair < count; pair += 1)
    for (const which of pair % 2 === 0 ? (['with', 'without'] as const) : (['without', 'with'] as const)) {
      await setHooks(connection, which === 'with' ? 'register' : 'unregister');
      times[which].push(await timed(connection, code, pids));
      if (which === 'with') await setHooks(connection, 'unregister');
    }
  await setHooks(connection, 'register');
  return times;
}

/** The median of the pairs' values, and the two values between which it lies in 95 of 100 cases, for any distribution. */
function between(values: readonly number[]): [least: number, median: number, most: number] {
  const sorted = values.toSorted((a, b) => a - b);
  const half = (1.96 * Math.sqrt(sorted.length)) / 2;
  const at = (index: number): number => sorted[Math.max(0, Math.min(sorted.length - 1, index))] ?? Number.NaN;
  const middle = (sorted.length - 1) / 2;
  return [at(Math.floor(middle - half)), median(sorted), at(Math.ceil(middle + half))];
}

function ratios(times: Compared, what: keyof CellTime): string {
  const [least, middle, most] = between(
    times.with.map((cell, pair) => cell[what] / (times.without[pair]?.[what] ?? Number.NaN)),
  );
  return `${percent(middle)} (95 %: ${percent(least)} to ${percent(most)}; median without ${ms(median(times.without.map((cell) => cell[what])))} ms)`;
}

const { kernelspecs, venv, cache } = await provisionBackends(process.env, showProgress(process.stderr));
const { SPARK_HOME: spark35 = '', JAVA_HOME: java = '' } = kernelspecs['scala-spark']?.env ?? {};
const spark4 = kernelspecs['python3-spark']?.env?.['SPARK_HOME'] ?? '';
if (dirname(spark4) === '.' || spark35 === '')
  throw new Error('the observer is measured on Spark, which needs Java');

let row = 0;
for (const sparkHome of [spark4, spark35]) {
  const javaHome = java === '' ? (kernelspecs['python3-spark']?.env?.['JAVA_HOME'] ?? '') : java;
  const kernelspecsFolder = await writeKernelspecs(cache, {
    'python3-spark': sparkKernelspec(venv.python, sparkHome, javaHome),
  });
  for (const pinned of ['true', 'false']) {
    row += 1;
    if (onlyRow !== 0 && row !== onlyRow) continue;
    await using setting = await startBenchSetting('python3-spark', {
      kernelspecsFolder,
      extraEnvironment: { PYSPARK_PIN_THREAD: pinned },
    });
    const { connection } = setting;
    await runToEnd(connection, 'import time');
    for (const warmUp of [WAITING, COMPUTING, COMPUTING]) await runToEnd(connection, warmUp);
    const told = await printed(
      connection,
      'import os; names = set(dir()); print(spark.version, os.getpid(), sc._jvm.java.lang.ProcessHandle.current().pid())',
    );
    const [version = '', ...pids] = told.split(' ');
    const processes = pids.map(Number);
    await executeQuietly(connection, PUT_IN, 5_000);
    console.log(`Spark ${version}, ${pinned === 'true' ? '' : 'not '}pinned`);
    const hooks = await printed(connection, HOOK_TIMES);
    const empty = await compare(connection, 'None', pairs * EMPTY_PAIRS, processes);
    const [least, middle, most] = between(
      empty.with.map(({ wallMs }, pair) => wallMs - (empty.without[pair]?.wallMs ?? Number.NaN)),
    );
    console.log(
      `  an empty cell: ${middle.toFixed(2)} ms more (95 %: ${least.toFixed(2)} to ${most.toFixed(2)}); its hooks alone ${Number(hooks).toFixed(2)} ms`,
    );
    const looks = await printed(connection, LOOKS);
    console.log(`  100 looks, p50 p90 max in ms, group unchanged, error: ${looks}`);
    const waiting = await compare(connection, WAITING, 2 * pairs, processes);
    console.log(`  a job that waits, wall: ${ratios(waiting, 'wallMs')}`);
    const computing = await compare(connection, COMPUTING, 2 * pairs, processes);
    console.log(`  a job that computes, wall: ${ratios(computing, 'wallMs')}`);
    console.log(`  a job that computes, processor: ${ratios(computing, 'processorMs')}`);
    const left = await printed(
      connection,
      'print(sorted(n for n in set(dir()) - names if n[0] != "_" and n not in ("names", "both", "look_often", "looks", "looking", "group", "threading")))',
    );
    console.log(`  names that it left: ${left}`);
  }
}
