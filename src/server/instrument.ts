import type { FetchFunction } from '@slack/web-api';
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import { StoreError, UserError } from '../errors.ts';
import { GatewayError, type GatewayErrorCode } from '../gateway/errors.ts';
import type { ConnectionEvent, Gateway } from '../gateway/gateway.ts';

/**
 * Wraps an object so that `watch` replaces the promise of each call. `sinceMs` is when the call began, by `performance.now()`.
 */
export function watchCalls<Watched extends object>(
  watched: Watched,
  watch: (call: string, work: Promise<unknown>, sinceMs: number) => Promise<unknown>,
): Watched {
  return new Proxy(watched, {
    get(target, call) {
      const method: unknown = Reflect.get(target, call);
      if (typeof method !== 'function' || typeof call !== 'string') return method;
      return (...given: unknown[]): unknown => {
        const sinceMs = performance.now();
        const result: unknown = Reflect.apply(method, target, given);
        return result instanceof Promise ? watch(call, result, sinceMs) : result;
      };
    },
  });
}

/** Errors that mean that this process cannot use the gateway at all. A refusal about one kernel does not. */
const AWAY: ReadonlySet<GatewayErrorCode> = new Set([
  'unreachable',
  'unauthorized',
  'untrusted',
  'noCredentials',
  'badAnswer',
]);

/** The same gateway, and whether its latest call showed that the gateway cannot be used. */
export function trackGateway(gateway: Gateway): { gateway: Gateway; isMissed: () => boolean } {
  let isMissed = false;
  const tracked = watchCalls(gateway, async (_, work) => {
    try {
      const given = await work;
      isMissed = false;
      return given;
    } catch (error) {
      if (error instanceof GatewayError) isMissed = AWAY.has(error.code);
      throw error;
    }
  });
  return { gateway: tracked, isMissed: () => isMissed };
}

/** Creates metrics in a registry, each with its name, help text and labels. */
export function metersOf(registry: Registry) {
  const registers = [registry];
  return {
    counter: <Label extends string>(name: string, help: string, ...labelNames: Label[]) =>
      new Counter({ name, help, labelNames, registers }),
    histogram: <Label extends string>(
      name: string,
      help: string,
      buckets: number[],
      ...labelNames: Label[]
    ) => new Histogram({ name, help, labelNames, buckets, registers }),
    /** `read` is called at each scrape. */
    gauge: (name: string, help: string, read: () => number | Promise<number>) =>
      new Gauge({
        name,
        help,
        registers,
        async collect() {
          this.set(await read());
        },
      }),
  };
}

/** Counts calls and kernel starts. A start ends when the kernel answers on its websocket, long after the gateway's 201 (protocol.md §6). */
export function instrumentGateway(registry: Registry): (gateway: Gateway) => Gateway {
  const { counter, histogram } = metersOf(registry);
  const errors = counter(
    'sparkthread_gateway_errors_total',
    'Calls to the gateway that failed, by call and kind of failure',
    'call',
    'code',
  );
  const drops = counter('sparkthread_gateway_disconnects_total', 'Websockets to kernels that broke');
  const starts = counter(
    'sparkthread_kernel_starts_total',
    'Requested kernels, by kernelspec and result: ok, or the kind of failure',
    'kernelspec',
    'result',
  );
  const startTimes = histogram(
    'sparkthread_kernel_start_seconds',
    'Time from the request for a kernel to its first answer; failed starts are not included',
    [0.5, 1, 2.5, 5, 10, 20, 40, 80, 160, 320],
    'kernelspec',
  );
  /** By kernel id: the kernels that were requested and do not answer yet. */
  const starting = new Map<string, { kernelspec: string; sinceMs: number }>();

  async function counted<T>(call: string, work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (error) {
      errors.inc({ call, code: codeOf(error) });
      throw error;
    }
  }

  return (gateway) => ({
    ...watchCalls(gateway, (call, work) => (call === 'close' ? work : counted(call, work))),
    async shutDownKernel(kernelId) {
      starting.delete(kernelId);
      await counted('shutDownKernel', gateway.shutDownKernel(kernelId));
    },
    async startKernel(start) {
      const { kernelspec } = start;
      const sinceMs = performance.now();
      try {
        const model = await counted('startKernel', gateway.startKernel(start));
        starting.set(model.id, { kernelspec, sinceMs });
        return model;
      } catch (error) {
        starts.inc({ kernelspec, result: codeOf(error) });
        throw error;
      }
    },
    async connect(kernelId, options) {
      const start = starting.get(kernelId);
      starting.delete(kernelId);
      const onEvent = (event: ConnectionEvent): void => {
        if (event.kind === 'disconnected') drops.inc();
        options.onEvent?.(event);
      };
      try {
        const connection = await counted('connect', gateway.connect(kernelId, { ...options, onEvent }));
        if (start !== undefined) {
          starts.inc({ kernelspec: start.kernelspec, result: 'ok' });
          startTimes.observe({ kernelspec: start.kernelspec }, (performance.now() - start.sinceMs) / 1000);
        }
        return connection;
      } catch (error) {
        if (start !== undefined) starts.inc({ kernelspec: start.kernelspec, result: codeOf(error) });
        throw error;
      }
    },
  });
}

/** The kind of a failure, as one word. */
function codeOf(error: unknown): string {
  if (error instanceof UserError || error instanceof GatewayError) return error.code;
  return error instanceof StoreError ? 'store' : 'broken';
}

export type PayloadCounts = ReturnType<typeof countPayloads>;

/** Counts what happens to Slack's payloads. */
export function countPayloads(registry: Registry) {
  const { counter, histogram } = metersOf(registry);
  const latency = histogram(
    'sparkthread_acknowledgement_seconds',
    'Time from a payload of Slack to its acknowledgement; Slack waits 3 s',
    [0.01, 0.05, 0.1, 0.25, 0.5, 1, 1.5, 2, 2.5, 3],
  );
  const unacknowledged = counter(
    'sparkthread_events_unacknowledged_total',
    'Events that were not acknowledged, so that Slack sends them again',
  );
  const refusals = counter(
    'sparkthread_refusals_total',
    'Snippets that were not accepted, by reason',
    'reason',
  );
  return {
    /** A payload was acknowledged this many seconds after it came. */
    acknowledged: (seconds: number): void => latency.observe(seconds),
    /** An event was not acknowledged. */
    unacknowledged: (): void => unacknowledged.inc(),
    /** A snippet was not accepted. */
    refused: (error: unknown): void => refusals.inc({ reason: codeOf(error) }),
  };
}

/** Counts the calls of Slack's clients; a repeated call counts again. The answers must be readable twice. */
export function instrumentSlack(registry: Registry): (fetch: FetchFunction) => FetchFunction {
  const calls = metersOf(registry).counter(
    'sparkthread_slack_calls_total',
    'Calls to Slack’s Web API, by method and result: ok, rate_limited (429), Slack’s error, http_<status> or no_answer',
    'method',
    'result',
  );
  return (fetch) => async (url, init) => {
    const method = methodOf(url);
    try {
      const response = await fetch(url, init);
      void resultOf(response).then((result) => calls.inc({ method, result }));
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

async function resultOf(answer: Awaited<ReturnType<FetchFunction>>): Promise<string> {
  const { status } = answer;
  if (status === 429) return 'rate_limited';
  if (status !== 200) return `http_${status}`;
  const text = await answer.text().catch(() => '');
  // Slack's answers begin like this, so a long answer need not be parsed only to be counted.
  if (text.startsWith('{"ok":true')) return 'ok';
  const said: unknown = await answer.json().catch(() => undefined);
  if (typeof said !== 'object' || said === null || !('ok' in said)) return 'no_answer';
  return said.ok === true ? 'ok' : 'error' in said ? String(said.error) : 'no_answer';
}
