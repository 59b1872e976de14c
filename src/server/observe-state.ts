import { Gauge, type Registry } from 'prom-client';
import type { RunCounts } from '../runs/session/channel-kernels.ts';
import { type HealthCheck, readHealth, STATUS_TIMEOUT_MS } from './health.ts';
import type { Role } from './health-endpoints.ts';

/** What is asked each time that the metrics are read; all but `slack` answers from memory. */
export interface ObservedState {
  version: string;
  role: () => Role;
  /** Whether Slack's events reach this process. With signed HTTP it may ask Slack, so it may fail and hang. */
  slack: HealthCheck;
  /** Undefined while this process is not the leader. */
  counts: () => (RunCounts & { spoolBytes: number }) | undefined;
}

/** Gauges of what is there now. */
export function observeState(registry: Registry, { version, role, slack, counts }: ObservedState): void {
  const registers = [registry];
  const gauge = (name: string, help: string, read: () => number | Promise<number>): Gauge =>
    new Gauge({
      name,
      help,
      registers,
      async collect() {
        this.set(await read());
      },
    });
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
    registers,
  }).set({ version, node: process.versions.node }, 1);
}
