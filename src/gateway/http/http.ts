import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { request } from 'undici';
import { GatewayError } from '../errors.ts';
import type { GatewaySettings } from '../gateway.ts';
import { timeoutSignal } from '../until-aborted.ts';
import { hasCookie, type Headers, withCookies } from './cookies.ts';
import { openDispatcher } from './dispatcher.ts';
import type { Endpoints } from './endpoints.ts';
import { type Answer, isGatewayAway, isRefusedCredential, readFailure, readStatus } from './http-errors.ts';

/** HTTP to one gateway: its own pool with keep-alive, no redirects followed, a timeout for each call. */
export interface Http {
  /** Rejects with `GatewayError`. */
  call(call: HttpCall): Promise<Answer>;
  /** Assigns the cookies in a start's response to the new kernel. */
  assign(kernelId: string, start: Answer): void;
  close(): Promise<void>;
}

export interface HttpCall {
  method: 'GET' | 'POST' | 'DELETE';
  /** `api/kernels/…`, without a slash at either end. */
  path: string;
  /** The kernel whose cookies it carries. */
  kernelId?: string;
  body?: unknown;
  timeoutMs: number;
  signal?: AbortSignal | undefined;
}

const ATTEMPTS = 3;

/** `mayWrite` is called right before each POST and DELETE; if it returns false, the call rejects as `writesPaused`. */
export function createHttp(settings: GatewaySettings, endpoints: Endpoints, mayWrite: () => boolean): Http {
  const dispatcher = openDispatcher(settings);

  async function once(wanted: HttpCall, signal: AbortSignal): Promise<Answer> {
    const headers = await endpoints.headers(signal);
    const answer = await send(wanted, headers, signal);
    // The gateway has done nothing, so even a POST may be repeated.
    if (!isRefusedCredential(answer)) return answer;
    if (!(await endpoints.renew(headers, answer.status, signal))) return answer;
    return send(wanted, await endpoints.headers(signal), signal);
  }

  async function send(wanted: HttpCall, given: Headers, signal: AbortSignal): Promise<Answer> {
    if (wanted.method !== 'GET' && !mayWrite())
      throw new GatewayError('writesPaused', 'Nothing was sent: this process may change nothing just now');
    const { cookies } = endpoints;
    const { kernelId } = wanted;
    const headers = wanted.method === 'GET' ? given : withXsrf(given);
    const response = await request(endpoints.restUrl(wanted.path), {
      dispatcher,
      method: wanted.method,
      headers: {
        ...(kernelId === undefined ? headers : withCookies(headers, cookies.header(kernelId))),
        accept: 'application/json',
        ...(wanted.body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      body: wanted.body === undefined ? null : JSON.stringify(wanted.body),
      signal,
      headersTimeout: wanted.timeoutMs,
      bodyTimeout: wanted.timeoutMs,
    });
    const { 'set-cookie': set = [] } = response.headers;
    const location = [response.headers.location].flat()[0];
    const setCookies = [set].flat();
    if (kernelId !== undefined) cookies.take(kernelId, setCookies);
    const status = readStatus(response.statusCode, location);
    const body = await response.body.text();
    return { setCookies, status, body: status < 300 ? body : endpoints.hide(body), location };
  }

  /** Repeats only GET and DELETE: a POST may have been carried out (protocol.md §1.2). */
  async function call(wanted: HttpCall): Promise<Answer> {
    const { timeoutMs, signal } = wanted;
    const most = wanted.method === 'POST' ? 1 : ATTEMPTS;
    const timeout = timeoutSignal(timeoutMs);
    const until = signal === undefined ? timeout : AbortSignal.any([timeout, signal]);
    for (let attempt = 1; ; attempt += 1) {
      try {
        if (attempt > 1)
          await delay((attempt - 1) * 150 * (0.5 + Math.random()), undefined, { signal: until });
        const answer = await once(wanted, until);
        if (attempt === most || !(answer.status === 429 || isGatewayAway(answer.status))) return answer;
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
    }
  }

  return {
    call,
    assign: (kernelId, { setCookies = [] }) => endpoints.cookies.take(kernelId, setCookies),
    close: () => dispatcher.destroy(),
  };
}

const XSRF_COOKIE = '_xsrf';
const XSRF_HEADER = 'x-xsrftoken';
const XSRF = randomBytes(16).toString('hex');

/**
 * A Jupyter Server without a token accepts a POST or DELETE only if a cookie and a header have the same value, which the
 * client may choose (protocol.md §1.2). Every other server ignores both. What the caller sends of its own stays.
 */
function withXsrf(headers: Headers): Headers {
  if (XSRF_HEADER in headers || hasCookie(headers, XSRF_COOKIE)) return headers;
  return { ...withCookies(headers, `${XSRF_COOKIE}=${XSRF}`), [XSRF_HEADER]: XSRF };
}
