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
 * Wraps the gateway client, the run store and Slack's fetch, and counts runs and payloads, with METRICS and without. The
 * wrapped code does not know about metrics.
 */
export function createMetrics() {
  const registry = new Registry();
  return {
    gateway: instrumentGateway(registry),
    store: instrumentStore(registry),
    payloads: countPayloads(registry),
    /** Registers the gauges. To be called once. */
    observe: (state: ObservedState) => observeState(registry, state),
    /** To be called for each run that has ended. */
    runEnded: countRuns(registry),
    /** Wraps the fetch of Slack's clients. */
    fetch: instrumentSlack(registry),
    /** Serves `GET /metrics` at `METRICS`. Rejects with `ConfigError` if the port cannot be used. */
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

/** Returns the function to call for each run that has ended. */
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
    'Time from the acceptance of a snippet to the kernel’s first message about it, including the start of a kernel',
    [0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600],
  );
  const durations = histogram(
    'sparkthread_run_seconds',
    'Time from the kernel’s first message about a run to the end of the run',
    [0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600, 14_400],
    'kernelspec',
  );
  const sparkTasks = counter(
    'sparkthread_spark_tasks_total',
    'Finished tasks of the runs’ Spark jobs, as far as they were observed, by kernelspec',
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

/** The same store with timed calls of the run store: a store often becomes slow before it fails. */
export function instrumentStore(registry: Registry): <Data>(store: Store<Data>) => Store<Data> {
  const { counter, histogram } = metersOf(registry);
  const seconds = histogram(
    'sparkthread_store_seconds',
    'Duration of calls to the run store, including failed ones, by call',
    [0.001, 0.005, 0.02, 0.1, 0.5, 1, 2, 5],
    'call',
  );
  const errors = counter(
    'sparkthread_store_errors_total',
    'Calls to the run store that failed, by call and kind of failure',
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

/** What is read at each scrape. Everything but `slack` answers from memory. */
interface ObservedState {
  version: string;
  role: () => Role;
  /** Whether Slack's events reach this process. With signed HTTP this may call Slack, so it may fail or hang. */
  slack: HealthCheck;
  /** Undefined while this process is not the leader. */
  counts: () => (RunCounts & { spoolBytes: number }) | undefined;
}

/** Registers the gauges. */
export function observeState(registry: Registry, { version, role, slack, counts }: ObservedState): void {
  const { gauge } = metersOf(registry);
  gauge('sparkthread_leader', '1: this process is the active one', () => (role() === 'leader' ? 1 : 0));
  gauge('sparkthread_slack_connected', '1: Slack’s events reach this process', async () =>
    (await readHealth({ slack }, STATUS_TIMEOUT_MS)).slack?.ok === true ? 1 : 0,
  );
  gauge(
    'sparkthread_runs_waiting',
    'Accepted runs that were not sent to their kernel yet',
    () => counts()?.waiting ?? 0,
  );
  gauge('sparkthread_runs_in_flight', 'Runs that a kernel has got', () => counts()?.inFlight ?? 0);
  gauge(
    'sparkthread_runs_unposted',
    'Ended runs whose final message is not posted yet',
    () => counts()?.unposted ?? 0,
  );
  gauge('sparkthread_kernels', 'Kernels that belong to channels', () => counts()?.kernels ?? 0);
  gauge('sparkthread_spool_bytes', 'Bytes of output on the disk', () => counts()?.spoolBytes ?? 0);
  new Gauge({
    name: 'sparkthread_build_info',
    help: 'Always 1',
    labelNames: ['version', 'node'],
    registers: [registry],
  }).set({ version, node: process.versions.node }, 1);
}
