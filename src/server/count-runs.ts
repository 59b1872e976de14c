import { Counter, Histogram, type Registry } from 'prom-client';
import type { RunOutcome } from '../runs/outcome.ts';
import type { Run } from '../runs/run.ts';
import { allCounts } from '../spark/spark-work.ts';

/** Gives what is to be called once for each run that ends. */
export function countRuns(registry: Registry): (run: Run, outcome: RunOutcome) => void {
  const registers = [registry];
  const runs = new Counter({
    name: 'sparkthread_runs_total',
    help: 'Runs that ended, by outcome and kernelspec',
    labelNames: ['outcome', 'kernelspec'],
    registers,
  });
  const waits = new Histogram({
    name: 'sparkthread_run_queue_seconds',
    help: 'From the acceptance of a snippet to the first sign of the kernel, the start of a kernel included',
    buckets: [0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600],
    registers,
  });
  const durations = new Histogram({
    name: 'sparkthread_run_seconds',
    help: 'From the first sign of the kernel to the end of the run',
    labelNames: ['kernelspec'],
    buckets: [0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600, 14_400],
    registers,
  });
  const sparkTasks = new Counter({
    name: 'sparkthread_spark_tasks_total',
    help: 'Tasks of Spark jobs that runs have done, as far as they were seen, by kernelspec',
    labelNames: ['kernelspec'],
    registers,
  });

  return ({ createdAt, data }, outcome) => {
    const { kernelspec, startedAt, spark } = data;
    if (spark !== undefined) sparkTasks.inc({ kernelspec }, allCounts(spark).doneTasks);
    runs.inc({ outcome: outcome.kind, kernelspec });
    if (startedAt === undefined) return;
    waits.observe(Math.max(0, startedAt - createdAt) / 1000);
    durations.observe({ kernelspec }, outcome.durationMs / 1000);
  };
}
