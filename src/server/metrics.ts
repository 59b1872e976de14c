import type { FetchFunction } from '@slack/web-api';
import { collectDefaultMetrics, Registry } from 'prom-client';
import type { Gateway } from '../gateway/gateway.ts';
import type { RunData } from '../runs/run.ts';
import type { Ledger } from '../store/run-store.ts';
import { listen } from './http-server.ts';
import { instrumentGateway } from './instrument-gateway.ts';
import { instrumentRunStore } from './instrument-run-store.ts';
import { instrumentSlack } from './instrument-slack.ts';

/** Wraps gateway client, run store and Slack's fetch: the code that calls them knows nothing of metrics. */
export interface Metrics {
  gateway: (gateway: Gateway) => Gateway;
  ledger: (ledger: Ledger<RunData>) => Ledger<RunData>;
  /** For Slack's clients; undefined: their own. */
  fetch: FetchFunction | undefined;
  close: () => Promise<void>;
}

/** Serves `GET /metrics` at `METRICS`; without it nothing is counted. Throws `ConfigError` when the port cannot be had. */
export async function startMetrics(at: { host: string; port: number } | undefined): Promise<Metrics> {
  if (at === undefined)
    return {
      gateway: (gateway) => gateway,
      ledger: (ledger) => ledger,
      fetch: undefined,
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
    ledger: instrumentRunStore(registry),
    fetch: instrumentSlack(registry),
    close: () => server.close(),
  };
}
