import type { FetchFunction } from '@slack/web-api';
import { collectDefaultMetrics, Registry } from 'prom-client';
import type { Gateway } from '../gateway/gateway.ts';
import type { RunOutcome } from '../runs/outcome.ts';
import type { Run } from '../runs/run.ts';
import type { Store } from '../store/store.ts';
import { countRuns } from './count-runs.ts';
import { listen } from './http-server.ts';
import { instrumentGateway } from './instrument-gateway.ts';
import { countPayloads, instrumentSlack, type PayloadCounts, type PlainFetch } from './instrument-slack.ts';
import { instrumentStore } from './instrument-store.ts';
import { type ObservedState, observeState } from './observe-state.ts';

/** Wraps gateway client, run store and Slack's fetch, and counts runs and payloads: the code that calls them knows nothing of metrics. */
export interface Metrics {
  gateway: (gateway: Gateway) => Gateway;
  store: <Data>(store: Store<Data>) => Store<Data>;
  payloads: PayloadCounts;
  /** What is there now; called once. */
  observe: (state: ObservedState) => void;
  /** A run has ended. */
  runEnded: (run: Run, outcome: RunOutcome) => void;
  /** For Slack's clients. */
  fetch: (fetch: PlainFetch) => FetchFunction;
  close: () => Promise<void>;
}

/** Serves `GET /metrics` at `METRICS`; without it nothing is counted. Throws `ConfigError` when the port cannot be had. */
export async function startMetrics(at: { host: string; port: number } | undefined): Promise<Metrics> {
  if (at === undefined)
    return {
      gateway: (gateway) => gateway,
      store: (store) => store,
      payloads: {
        acknowledged: () => undefined,
        unacknowledged: () => undefined,
        refused: () => undefined,
      },
      observe: () => undefined,
      runEnded: () => undefined,
      fetch: (fetch) => fetch,
      close: async () => {},
    };
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const server = await listen({
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
  return {
    gateway: instrumentGateway(registry),
    store: instrumentStore(registry),
    payloads: countPayloads(registry),
    observe: (state) => observeState(registry, state),
    runEnded: countRuns(registry),
    fetch: instrumentSlack(registry),
    close: () => server.close(),
  };
}
