import { Counter, Histogram, type Registry } from 'prom-client';
import type { Run, RunData } from '../runs/run.ts';
import type { Ledger } from '../store/run-store.ts';

/** Every run passes the state `ended` in the run store, whatever ended it, so runs are counted there. */
export function instrumentRunStore(registry: Registry): (ledger: Ledger<RunData>) => Ledger<RunData> {
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

  const count = ({ createdAt, data }: Run): void => {
    const { outcome, kernelspec, startedAt } = data;
    runs.inc({ outcome: outcome?.kind ?? 'broken', kernelspec });
    if (startedAt === undefined) return;
    waits.observe(Math.max(0, startedAt - createdAt) / 1000);
    durations.observe({ kernelspec }, (outcome?.durationMs ?? 0) / 1000);
  };

  return (ledger) => ({
    ...ledger,
    async change(run, change) {
      const changed = await ledger.change(run, change);
      if (changed?.state === 'ended' && run.state !== 'ended') count(changed);
      return changed;
    },
  });
}
