import type { KernelConnection, Kernelspec } from '../../gateway/gateway.ts';
import { hasSpark } from '../../runs/languages/common-languages.ts';
import { askKernel, type Question } from './ask-kernel.ts';

/** The first job waits for executors, which a busy cluster gives late. */
export const SPARK_MS = 300_000;

const ANSWER = '10';

/** Ten rows are counted as each language writes it, in the session that the kernel has, or a new one where it makes none. */
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

/** The job that proves Spark in kernels of this kernelspec; undefined where its name promises none. */
export function sparkJob(spec: Kernelspec): Question | undefined {
  return hasSpark(spec) ? JOBS[spec.language.toLowerCase().replace(/[\d.]+$/, '')] : undefined;
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

/** What an operator changes, by what the kernel said. */
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
