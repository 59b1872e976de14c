import { Registry } from 'prom-client';
import { expect, test } from 'vitest';
import { StoreError, UserError } from '../../../src/errors.ts';
import { silentLog } from '../../../src/log.ts';
import { countPayloads } from '../../../src/server/instrument.ts';
import { instrumentStore, observeState } from '../../../src/server/metrics.ts';
import { openStore } from '../../../src/store/open.ts';

/** The samples of these metrics, without help and types. */
async function samplesOf(registry: Registry, names: RegExp): Promise<string[]> {
  const lines = (await registry.metrics()).split('\n');
  return lines.filter((line) => !line.startsWith('#') && names.test(line));
}

test('the gauges are read at each scrape; a standby has nothing', async () => {
  const registry = new Registry();
  let isLeader = true;
  observeState(registry, {
    version: '1.2.3',
    role: () => (isLeader ? 'leader' : 'standby'),
    slack: async () => ({ ok: isLeader, detail: '' }),
    counts: () =>
      isLeader ? { waiting: 2, inFlight: 1, unposted: 3, kernels: 4, spoolBytes: 500 } : undefined,
  });
  expect(await samplesOf(registry, /./)).toEqual([
    'sparkthread_leader 1',
    'sparkthread_slack_connected 1',
    'sparkthread_runs_waiting 2',
    'sparkthread_runs_in_flight 1',
    'sparkthread_runs_unposted 3',
    'sparkthread_kernels 4',
    'sparkthread_spool_bytes 500',
    `sparkthread_build_info{version="1.2.3",node="${process.versions.node}"} 1`,
  ]);
  isLeader = false;
  expect(
    (await samplesOf(registry, /leader|connected|runs|kernels|spool/)).map((line) => line.at(-1)),
  ).toEqual(Array.from({ length: 7 }, () => '0'));
});

test.each([
  ['fails', async () => await Promise.reject(new Error('auth.test failed'))],
  ['hangs', async () => await new Promise<never>(() => {})],
])('a check of Slack that %s counts as not connected, and all else is told', async (_how, slack) => {
  const registry = new Registry();
  observeState(registry, { version: '1.2.3', role: () => 'leader', slack, counts: () => undefined });
  expect(await samplesOf(registry, /leader|connected/)).toEqual([
    'sparkthread_leader 1',
    'sparkthread_slack_connected 0',
  ]);
});

test('calls to the run store are timed, also failed ones, and work as before', async () => {
  const registry = new Registry();
  const store = instrumentStore(registry)(await openStore({ url: 'memory:', log: silentLog }));
  await expect(store.runs.markSeen('one', 1)).rejects.toThrow(StoreError);
  await store.lease.acquire(60_000);
  expect(await store.runs.markSeen('one', 1)).toBe(true);
  expect(await store.runs.findRequest('one')).toBe('');
  expect(await samplesOf(registry, /_count|errors/)).toEqual([
    'sparkthread_store_seconds_count{call="markSeen"} 2',
    'sparkthread_store_seconds_count{call="findRequest"} 1',
    'sparkthread_store_errors_total{call="markSeen",code="notLeader"} 1',
  ]);
  await store.close();
});

test('a refusal counts by its reason, never by its words', async () => {
  const registry = new Registry();
  const { refused } = countPayloads(registry);
  refused(new UserError('queueFull', 'The queue is full.'));
  refused(new StoreError('silent', 'No answer.'));
  refused(new TypeError('a secret'));
  expect(await samplesOf(registry, /refusals/)).toEqual([
    'sparkthread_refusals_total{reason="queueFull"} 1',
    'sparkthread_refusals_total{reason="store"} 1',
    'sparkthread_refusals_total{reason="broken"} 1',
  ]);
});
