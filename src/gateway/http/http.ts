import { setTimeout as delay } from 'node:timers/promises';
import { request } from 'undici';
import { GatewayError } from '../errors.ts';
import type { GatewaySettings } from '../gateway.ts';
import { openDispatcher } from './dispatcher.ts';
import type { Endpoints, Headers } from './endpoints.ts';
import { type Answer, isGatewayAway, isRefusedCredential, readFailure } from './http-errors.ts';

/** HTTP to one gateway: an own pool with keep-alive, no redirects followed, each call bounded in time. */
export interface Http {
  /** Rejects with `GatewayError`. */
  call(call: HttpCall): Promise<Answer>;
  close(): Promise<void>;
}

export interface HttpCall {
  method: 'GET' | 'POST' | 'DELETE';
  /** `api/kernels/…`, no slash at either end. */
  path: string;
  body?: unknown;
  timeoutMs: number;
  signal?: AbortSignal | undefined;
}

const ATTEMPTS = 3;

/** `mayWrite` is asked right before each POST and DELETE; false rejects it as `writesPaused`. */
export function createHttp(settings: GatewaySettings, endpoints: Endpoints, mayWrite: () => boolean): Http {
  const dispatcher = openDispatcher(settings);

  async function once(wanted: HttpCall, signal: AbortSignal): Promise<Answer> {
    const headers = await endpoints.headers(signal);
    const answer = await send(wanted, headers, signal);
    // The gateway did nothing, so a POST may be repeated too.
    if (!isRefusedCredential(answer) || !(await endpoints.renew(headers, signal))) return answer;
    return send(wanted, await endpoints.headers(signal), signal);
  }

  async function send(wanted: HttpCall, headers: Headers, signal: AbortSignal): Promise<Answer> {
    if (wanted.method !== 'GET' && !mayWrite())
      throw new GatewayError('writesPaused', 'Nothing was sent: this process may change nothing just now');
    const response = await request(endpoints.restUrl(wanted.path), {
      dispatcher,
      method: wanted.method,
      headers: {
        ...headers,
        accept: 'application/json',
        ...(wanted.body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      body: wanted.body === undefined ? null : JSON.stringify(wanted.body),
      signal,
      headersTimeout: wanted.timeoutMs,
      bodyTimeout: wanted.timeoutMs,
    });
    const { location } = response.headers;
    return {
      status: response.statusCode,
      body: await response.body.text(),
      location: typeof location === 'string' ? location : undefined,
    };
  }

  /** Only GET and DELETE may be repeated: a POST may have been done (protocol.md §1.2). */
  async function call(wanted: HttpCall): Promise<Answer> {
    const { timeoutMs, signal } = wanted;
    const most = wanted.method === 'POST' ? 1 : ATTEMPTS;
    const timeout = AbortSignal.timeout(timeoutMs);
    const until = signal === undefined ? timeout : AbortSignal.any([timeout, signal]);
    for (let attempt = 1; ; attempt += 1) {
      try {
        const answer = await once(wanted, until);
        if (attempt === most || !isGatewayAway(answer.status)) return answer;
      } catch (cause) {
        if (signal?.aborted === true)
          throw new GatewayError('unreachable', 'The call was given up by us', { cause });
        if (timeout.aborted && !(cause instanceof GatewayError)) {
          const waited = `The gateway at ${endpoints.shownRoot} gave no answer within ${timeoutMs / 1000} s`;
          throw new GatewayError('unreachable', waited, { cause });
        }
        const failure = readFailure(cause, endpoints.shownRoot);
        if (attempt === most || failure.code !== 'unreachable') throw failure;
      }
      await delay(attempt * 150 * (0.5 + Math.random()));
    }
  }

  return { call, close: () => dispatcher.destroy() };
}
