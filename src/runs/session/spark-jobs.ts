import { randomUUID } from 'node:crypto';
import type { KernelConnection } from '../../gateway/gateway.ts';

/** A kernel that does not answer this soon is busy dying; the next run finds that out. */
const PATIENCE_MS = 5_000;

/**
 * ipykernel takes the interrupt before PySpark's own handler sees it: the cell ends, its Spark jobs go on and hold the
 * executors. So they are cancelled by what PySpark's handler would have done. Defines and imports nothing.
 */
const CANCEL_JOBS = `(lambda context: context and context.cancelAllJobs())(getattr(getattr(__import__("sys").modules.get("pyspark"), "SparkContext", None), "_active_spark_context", None))`;

/** After our interrupt of a Python kernel: cancels the jobs of its Spark context, where it has one. Never rejects. */
export async function cancelSparkJobs(connection: KernelConnection): Promise<void> {
  if (connection.kernelInfo.implementation !== 'ipython') return;
  const { signal, abort } = untilMs(PATIENCE_MS);
  const execution = connection.execute({
    msgId: randomUUID(),
    code: CANCEL_JOBS,
    silent: true,
    allowStdin: false,
    signal,
  });
  const outputs = execution[Symbol.asyncIterator]();
  // What it says is nobody's business; how it ends is the kernel's.
  while ((await outputs.next()).done !== true);
  if (execution.checkpoint === undefined) await execution.end;
  abort();
}

function untilMs(ms: number): { signal: AbortSignal; abort: () => void } {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(), ms).unref();
  return { signal: controller.signal, abort: () => clearTimeout(timer) };
}
