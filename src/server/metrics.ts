import { collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import { StoreError } from '../errors.ts';
import type { RunOutcome } from '../runs/outcome.ts';
import type { Run } from '../runs/run.ts';
import type { RunCounts } from '../runs/session/channel-kernels.ts';
import { allCounts } from '../spark/spark-work.ts';
import type { Store } from '../store/store.ts';
import {
  type HealthCheck,
  readHealth,
  STATUS_TIMEOUT_MS,
  listen,
  type Role,
  type Listening,
} from './health.ts';
import { countPayloads, instrumentGateway, instrumentSlack, metersOf, watchCalls } from './instrument.ts';

/**
 * Wraps gateway client, run store and Slack's fetch, and counts runs and payloads, with METRICS and without: the code that
 * calls them knows nothing of metrics.
 */
export function createMetrics() {
  const registry = new Registry();
  return {
    gateway: instrumentGateway(registry),
    store: instrumentStore(registry),
    payloads: countPayloads(registry),
    /** What is there now; called once. */
    observe: (state: ObservedState) => observeState(registry, state),
    /** A run has ended. */
    runEnded: countRuns(registry),
    /** For Slack's clients. */
    fetch: instrumentSlack(registry),
    /** Serves `GET /metrics` at `METRICS`. Throws `ConfigError` when the port cannot be had. */
    serve: async (at: { host: string; port: number }) => await serve(registry, at),
  };
}

async function serve(registry: Registry, at: { host: string; port: number }): Promise<Listening> {
  collectDefaultMetrics({ register: registry });
  return await listen({
    setting: 'METRICS',
    ...at,
    answer(request, response) {
      const isRead = request.method === 'GET' || request.method === 'HEAD';
      if (!isRead || request.url?.split('?', 1)[0] !== '/metrics') {
        response.writeHead(404).end();
        return;
      }
      registry.metrics().then(
        (text) => response.writeHead(200, { 'content-type': registry.contentType }).end(text),
        () => response.writeHead(500).end(),
      );
    },
  });
}

/** Gives what is to be called once for each run that ends. */
function countRuns(registry: Registry): (run: Run, outcome: RunOutcome) => void {
  const { counter, histogram } = metersOf(registry);
  const runs = counter(
    'sparkthread_runs_total',
    'Runs that ended, by outcome and kernelspec',
    'outcome',
    'kernelspec',
  );
  const waits = histogram(
    'sparkthread_run_queue_seconds',
    'From the acceptance of a snippet to the first sign of the kernel, the start of a kernel included',
    [0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600],
  );
  const durations = histogram(
    'sparkthread_run_seconds',
    'From the first sign of the kernel to the end of the run',
    [0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600, 14_400],
    'kernelspec',
  );
  const sparkTasks = counter(
    'sparkthread_spark_tasks_total',
    'Tasks of Spark jobs that runs have done, as far as they were seen, by kernelspec',
    'kernelspec',
  );

  return ({ createdAt, data }, outcome) => {
    const { kernelspec, startedAt, spark } = data;
    if (spark !== undefined) sparkTasks.inc({ kernelspec }, allCounts(spark).doneTasks);
    runs.inc({ outcome: outcome.kind, kernelspec });
    if (startedAt === undefined) return;
    waits.observe(Math.max(0, startedAt - createdAt) / 1000);
    durations.observe({ kernelspec }, outcome.durationMs / 1000);
  };
}

/** The same store with the calls of its runs timed: a store that is slow is slow before it is away. */
export function instrumentStore(registry: Registry): <Data>(store: Store<Data>) => Store<Data> {
  const { counter, histogram } = metersOf(registry);
  const seconds = histogram(
    'sparkthread_store_seconds',
    'How long calls of the run store took, failed ones included, by call',
    [0.001, 0.005, 0.02, 0.1, 0.5, 1, 2, 5],
    'call',
  );
  const errors = counter(
    'sparkthread_store_errors_total',
    'Calls of the run store that failed, by call and kind of failure',
    'call',
    'code',
  );
  return (store) => ({
    ...store,
    runs: watchCalls(store.runs, async (call, work, sinceMs) => {
      try {
        return await work;
      } catch (error) {
        errors.inc({ call, code: error instanceof StoreError ? error.code : 'broken' });
        throw error;
      } finally {
        seconds.observe({ call }, (performance.now() - sinceMs) / 1_000);
      }
    }),
  });
}

/** What is asked each time that the metrics are read; all but `slack` answers from memory. */
interface ObservedState {
  version: string;
  role: () => Role;
  /** Whether Slack's events reach this process. With signed HTTP it may ask Slack, so it may fail and hang. */
  slack: HealthCheck;
  /** Undefined while this process is not the leader. */
  counts: () => (RunCounts & { spoolBytes: number }) | undefined;
}

/** Gauges of what is there now. */
export function observeState(registry: Registry, { version, role, slack, counts }: ObservedState): void {
  const { gauge } = metersOf(registry);
  gauge('sparkthread_leader', '1: this process is the active one', () => (role() === 'leader' ? 1 : 0));
  gauge('sparkthread_slack_connected', '1: Slack’s events reach this process', async () =>
    (await readHealth({ slack }, STATUS_TIMEOUT_MS)).slack?.ok === true ? 1 : 0,
  );
  gauge(
    'sparkthread_runs_waiting',
    'Accepted runs that their kernel has not got',
    () => counts()?.waiting ?? 0,
  );
  gauge('sparkthread_runs_in_flight', 'Runs that a kernel has', () => counts()?.inFlight ?? 0);
  gauge(
    'sparkthread_runs_unposted',
    'Ended runs whose final message is not posted',
    () => counts()?.unposted ?? 0,
  );
  gauge('sparkthread_kernels', 'Kernels that belong to channels', () => counts()?.kernels ?? 0);
  gauge('sparkthread_spool_bytes', 'Output of all runs on the disk', () => counts()?.spoolBytes ?? 0);
  new Gauge({
    name: 'sparkthread_build_info',
    help: 'Always 1',
    labelNames: ['version', 'node'],
    registers: [registry],
  }).set({ version, node: process.versions.node }, 1);
}
