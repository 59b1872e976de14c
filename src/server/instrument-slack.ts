import type { FetchFunction } from '@slack/web-api';
import { Counter, Histogram, type Registry } from 'prom-client';
import { GatewayError } from '../gateway/errors.ts';
import { StoreError, UserError } from '../errors.ts';

/** What becomes of what Slack brings. */
export interface PayloadCounts {
  /** A payload was acknowledged so many seconds after it came. */
  acknowledged: (seconds: number) => void;
  /** An event is left to be brought again. */
  unacknowledged: () => void;
  /** A snippet was not accepted. */
  refused: (error: unknown) => void;
}

export function countPayloads(registry: Registry): PayloadCounts {
  const registers = [registry];
  const latency = new Histogram({
    name: 'sparkthread_acknowledgement_seconds',
    help: 'From a payload of Slack to its acknowledgement; Slack waits 3 s',
    buckets: [0.01, 0.05, 0.1, 0.25, 0.5, 1, 1.5, 2, 2.5, 3],
    registers,
  });
  const unacknowledged = new Counter({
    name: 'sparkthread_events_unacknowledged_total',
    help: 'Events that were not accepted, so that Slack brings them again',
    registers,
  });
  const refusals = new Counter({
    name: 'sparkthread_refusals_total',
    help: 'Snippets that were not accepted, by reason',
    labelNames: ['reason'],
    registers,
  });
  return {
    acknowledged: (seconds) => latency.observe(seconds),
    unacknowledged: () => unacknowledged.inc(),
    refused: (error) => refusals.inc({ reason: reasonOf(error) }),
  };
}

function reasonOf(error: unknown): string {
  if (error instanceof UserError || error instanceof GatewayError) return error.code;
  return error instanceof StoreError ? 'store' : 'broken';
}

/** As the process's own: its answers can be read twice. */
export type PlainFetch = (...call: Parameters<FetchFunction>) => Promise<Response>;

/** Counts every attempt of Slack's clients to call: what they repeat counts again. */
export function instrumentSlack(registry: Registry): (fetch: PlainFetch) => FetchFunction {
  const calls = new Counter({
    name: 'sparkthread_slack_calls_total',
    help: 'Calls of Slack’s Web API, by method and result: ok, rate_limited (429), Slack’s error, http_<status> or no_answer',
    labelNames: ['method', 'result'],
    registers: [registry],
  });
  return (fetch) => async (url, init) => {
    const method = methodOf(url);
    try {
      const response = await fetch(url, init);
      // A copy is read beside the client, which does not wait for it.
      void resultOf(response.status, response.clone()).then((result) => calls.inc({ method, result }));
      return response;
    } catch (error) {
      calls.inc({ method, result: 'no_answer' });
      throw error;
    }
  };
}

/** `chat.postMessage` of `https://slack.com/api/chat.postMessage`. */
function methodOf(url: string | URL): string {
  const { pathname } = new URL(url);
  return /[a-zA-Z]+(?:\.[a-zA-Z]+)+$/.exec(pathname)?.[0] ?? 'other';
}

async function resultOf(status: number, answer: { json: () => Promise<unknown> }): Promise<string> {
  if (status === 429) return 'rate_limited';
  if (status !== 200) return `http_${status}`;
  const said = await answer.json().catch(() => undefined);
  if (typeof said !== 'object' || said === null || !('ok' in said)) return 'no_answer';
  return said.ok === true ? 'ok' : 'error' in said ? String(said.error) : 'no_answer';
}
