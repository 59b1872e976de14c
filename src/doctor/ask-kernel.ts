import { randomUUID } from 'node:crypto';
import type { Config } from '../config/config.ts';
import type { KernelConnection, Kernelspec, Kernelspecs } from '../gateway/gateway.ts';
import { sqlLanguage } from '../runs/languages/languages.ts';
import { hasSpark } from '../runs/languages/meaning.ts';
import { plainLanguage } from '../spark/sql/kernel-code.ts';
import type { Report } from './report.ts';

/** How much of a kernel's output is kept, and how much of it is shown. */
const KEPT_CHARS = 10_000;
const SHOWN_CHARS = 300;

/** Code with one right answer. */
export interface Question {
  /** How the report calls it. */
  name: string;
  code: string;
  answer: string;
}

/**
 * Undefined if the kernel gave the right answer, else a sentence that says what happened. `signal` interrupts the kernel, and
 * does not wait if that has no effect.
 */
export async function askKernel(
  connection: KernelConnection,
  { name, code, answer }: Question,
  signal: AbortSignal,
): Promise<string | undefined> {
  const heard = await listen(connection, code, signal);
  if (heard === undefined) return `${name} did not end in time, and interrupting it had no effect.`;
  const { said, log, error } = heard;
  const { kind, detail } = heard.end;
  const words = onOneLine(error ?? `${said} ${log}`);
  if (signal.aborted && kind === 'interrupted') return `${name} did not end in time.`;
  if (kind !== 'ok') return `${name} ended as ${kind}${detail === undefined ? '' : ` (${detail})`}: ${words}`;
  return said.includes(answer) ? undefined : `${name} gave no ${answer} but “${words}”.`;
}

/** Runs the code and collects its output; undefined if an interrupt has no effect. */
async function listen(connection: KernelConnection, code: string, signal: AbortSignal) {
  const execution = connection.execute({ msgId: randomUUID(), code, allowStdin: false, signal });
  let said = '';
  let log = '';
  let error: string | undefined;
  for await (const output of execution) {
    if (output.kind === 'stopIgnored') return undefined;
    if (output.kind === 'error') error = `${output.name}: ${output.value}`;
    if (output.kind === 'result' || output.kind === 'display')
      said = keep(said, ` ${String(output.data['text/plain'])}`);
    if (output.kind !== 'stream') continue;
    if (output.name === 'stdout') said = keep(said, output.text);
    else log = keep(log, output.text);
  }
  return { said, log, error, end: await execution.end };
}

function keep(text: string, more: string): string {
  return `${text}${more.slice(0, KEPT_CHARS - text.length)}`;
}

/** On one line of a terminal. */
function onOneLine(text: string): string {
  return text
    .slice(0, KEPT_CHARS)
    .replaceAll(/[\s\p{C}]+/gu, ' ')
    .trim()
    .slice(0, SHOWN_CHARS);
}

/** How long the job may take. It waits for executors, which a busy cluster provides late. */
export const SPARK_MS = 300_000;

const ANSWER = '10';

/** Each language counts ten rows, in the kernel's Spark session, or in a new one if it has none. */
const JOBS: Readonly<Record<string, Question>> = {
  python: {
    name: 'spark.range(10).count()',
    code: `if "spark" in globals():
    counted = spark.range(10).count()
elif "sc" in globals():
    counted = sc.parallelize(range(10)).count()
else:
    from pyspark.sql import SparkSession
    counted = SparkSession.builder.getOrCreate().range(10).count()
print(counted)`,
    answer: ANSWER,
  },
  scala: {
    name: 'spark.range(10).count()',
    code: 'println(spark.range(10).count())',
    answer: ANSWER,
  },
  r: {
    name: 'a count of 10 rows',
    code: `invisible(local({
  open <- Filter(function(value) inherits(value, "spark_connection"), mget(ls(globalenv()), globalenv()))
  if (length(open) == 0 && "sparklyr" %in% loadedNamespaces()) open <- sparklyr::spark_connection_find()
  if (length(open) > 0) {
    cat(sparklyr::sdf_nrow(sparklyr::sdf_len(open[[1]], 10)), "\\n")
  } else {
    suppressMessages(SparkR::sparkR.session())
    cat(SparkR::count(SparkR::createDataFrame(data.frame(n = 1:10))), "\\n")
  }
}))`,
    answer: ANSWER,
  },
};

/** The job that tests Spark in kernels of this kernelspec; undefined if its name does not mention Spark. */
export function sparkJob(spec: Kernelspec): Question | undefined {
  return hasSpark(spec) ? JOBS[plainLanguage(spec.language)] : undefined;
}

export type Proved = { kind: 'works'; text: string } | { kind: 'fails'; text: string; remedy: string };

/** Runs the job, for up to `deadlineMs`. */
export async function proveSpark(
  connection: KernelConnection,
  job: Question,
  { signal, deadlineMs = SPARK_MS }: { signal: AbortSignal; deadlineMs?: number },
): Promise<Proved> {
  const sinceMs = performance.now();
  const deadline = AbortSignal.timeout(deadlineMs);
  const failure = await askKernel(connection, job, AbortSignal.any([signal, deadline]));
  const seconds = ((performance.now() - sinceMs) / 1000).toFixed(1);
  if (failure === undefined) return { kind: 'works', text: `Spark works (${ANSWER}), after ${seconds} s.` };
  return {
    kind: 'fails',
    text: `Spark does not work: ${failure}`,
    remedy: deadline.aborted ? NO_EXECUTORS : remedyFor(failure),
  };
}

const NO_EXECUTORS =
  'The cluster may have given no executors: look at the queue and its limits (YARN, Kubernetes), and at Spark’s log.';

/** What an operator should change, by the kernel's error. */
const REMEDIES: readonly (readonly [said: RegExp, remedy: string])[] = [
  [
    /No module named|ModuleNotFoundError|no package called|object apache is not a member/,
    'Spark’s library is not installed where the kernel runs: correct SPARK_HOME and PYTHONPATH (R: the library path) in the env of its kernelspec.',
  ],
  [
    /JAVA_HOME|JAVA_GATEWAY_EXITED|Java gateway process exited/,
    'Java does not start where the kernel runs: correct JAVA_HOME in the env of its kernelspec; the gateway’s log has Java’s own words.',
  ],
  [
    /not found: value spark|Not found: spark/i,
    'The kernel makes no Spark session: let its kernelspec start one, or take “spark” out of its name.',
  ],
];

function remedyFor(failure: string): string {
  return (
    REMEDIES.find(([said]) => said.test(failure))?.[1] ??
    'Run the same in another client of this gateway, and read Spark’s log and the gateway’s.'
  );
}

/** Code that prints Spark's version without starting a session, for each language that can run SQL. */
const LOOKS: Readonly<Record<string, string>> = {
  python:
    'try:\n    import pyspark\n    print("spark " + pyspark.__version__)\nexcept ImportError:\n    pass',
  scala: 'println("spark " + org.apache.spark.SPARK_VERSION)',
  r: 'for (name in c("SparkR", "sparklyr")) if (requireNamespace(name, quietly = TRUE)) cat("spark", as.character(packageVersion(name)), "\\n")',
};

/** The version of Spark in a kernel, or of R's package for it; undefined if there is none, or no answer before `signal`. */
export async function findSpark(
  connection: KernelConnection,
  language: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  const code = LOOKS[plainLanguage(language)];
  const heard = code === undefined ? undefined : await listen(connection, code, signal);
  return /^spark (\d[\w.-]{0,40})\s*$/m.exec(heard?.said ?? '')?.[1];
}

/** Notes where SQL runs in a channel that has chosen nothing. `found`: the Spark version by kernelspec. */
export function noteSql(
  kernelspecs: Kernelspecs,
  { aliases, defaultLanguage }: Config['runs'],
  found: ReadonlyMap<string, string>,
  report: Report,
): void {
  const sql = sqlLanguage({ kernelspecs, aliases, defaultLanguage });
  if (sql === undefined) return;
  const spark = [...found].map(([name, version]) => `${name} (${version})`).join(', ');
  const isThere = found.has(sql.kernelspec);
  const advice = isThere ? '' : ' Choose another with use in a channel, or name one in DEFAULT_LANGUAGE.';
  report.note(
    found.size === 0
      ? 'SQL runs nowhere: no kernel here has Spark.'
      : `SQL runs on ${sql.kernelspec} in a channel that has chosen nothing${isThere ? '' : ', where no Spark was found'}. Spark is in: ${spark}.${advice}`,
  );
}
