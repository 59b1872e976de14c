import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { parseCookie, request } from 'undici';
import { GatewayError } from '../errors.ts';
import type { GatewaySettings } from '../gateway.ts';
import { timeoutSignal } from '../until-aborted.ts';
import { hasCookie, type Headers, withCookies } from './cookies.ts';
import { openDispatcher } from './dispatcher.ts';
import type { Endpoints } from './endpoints.ts';
import {
  type Answer,
  isGatewayAway,
  isRefusedCredential,
  readFailure,
  readReason,
  readStatus,
} from './http-errors.ts';

export type Http = ReturnType<typeof createHttp>;

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

/**
 * HTTP to one gateway: its own pool with keep-alive, no redirects followed, a timeout for each call. `mayWrite` is
 * called right before each POST and DELETE; if it returns false, the call rejects as `writesPaused`.
 */
export function createHttp(settings: GatewaySettings, endpoints: Endpoints, mayWrite: () => boolean) {
  const dispatcher = openDispatcher(settings);
  const xsrf = new XsrfToken();
  const { kernelsPath = 'api/kernels' } = settings;

  async function once(wanted: HttpCall, signal: AbortSignal): Promise<Answer> {
    const headers = await endpoints.headers(signal);
    const answer = await sendWithXsrf(wanted, headers, signal);
    // The gateway has done nothing, so even a POST may be repeated.
    if (!isRefusedCredential(answer)) return answer;
    if (!(await endpoints.renew(headers, answer.status, signal))) return answer;
    return sendWithXsrf(wanted, await endpoints.headers(signal), signal);
  }

  async function sendWithXsrf(wanted: HttpCall, headers: Headers, signal: AbortSignal): Promise<Answer> {
    const first = wanted.method === 'GET' ? headers : xsrf.add(headers);
    const answer = await send(wanted, first, signal);
    xsrf.take(answer.setCookies ?? []);
    if (wanted.method === 'GET' || !xsrf.isAskedBy(answer)) return answer;
    const second = xsrf.add(headers);
    return isDeepStrictEqual(first, second) ? answer : await send(wanted, second, signal);
  }

  async function send(wanted: HttpCall, headers: Headers, signal: AbortSignal): Promise<Answer> {
    if (wanted.method !== 'GET' && !mayWrite())
      throw new GatewayError('writesPaused', 'Nothing was sent: this process may change nothing just now');
    const { cookies } = endpoints;
    const url = new URL(endpoints.restUrl(wanted.path));
    const { kernelId } = wanted;
    const response = await request(url, {
      dispatcher,
      method: wanted.method,
      headers: {
        ...(kernelId === undefined ? headers : withCookies(headers, cookies.header(kernelId, url))),
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
    if (kernelId !== undefined) cookies.take(kernelId, url, setCookies);
    const status = readStatus(response.statusCode, location);
    const body = await response.body.text();
    return { setCookies, status, body: status < 300 ? body : endpoints.hide(body), location };
  }

  /** Repeats only GET and DELETE: a POST may have been carried out (protocol.md §1.2). Rejects with `GatewayError`. */
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
    /** Assigns the cookies in a start's response to the new kernel. */
    assign: (kernelId: string, { setCookies = [] }: Answer): void =>
      endpoints.cookies.take(kernelId, new URL(endpoints.restUrl(kernelsPath)), setCookies),
    close: (): Promise<void> => dispatcher.destroy(),
  };
}

const XSRF_COOKIE = '_xsrf';
const XSRF_HEADER = 'x-xsrftoken';

/**
 * The `_xsrf` token. A Jupyter Server without a token accepts a POST or DELETE only if a cookie and a header have the
 * same value (protocol.md §1.2). Once it has refused for that reason, both are sent. The value is the one that the
 * server set last, or one of ours, which Tornado accepts as well.
 */
class XsrfToken {
  #value: string | undefined;
  #isAsked = false;

  /** Takes the cookie from any response. */
  take(setCookies: readonly string[]): void {
    for (const text of setCookies) {
      const cookie = parseCookie(text);
      if (cookie?.name === XSRF_COOKIE && /^[\x21-\x7e]+$/.test(cookie.value)) this.#value = cookie.value;
    }
  }

  /** Whether the response asks for the token; then the request is worth repeating if `add` now changes it. */
  isAskedBy(answer: Answer): boolean {
    if (answer.status !== 403 || !/xsrf/i.test(readReason(answer))) return false;
    this.#isAsked = true;
    this.#value ??= randomBytes(16).toString('hex');
    return true;
  }

  /** Adds the token to a POST or DELETE, unless the caller sends its own. */
  add(headers: Headers): Headers {
    const hasOwn = XSRF_HEADER in headers || hasCookie(headers, XSRF_COOKIE);
    if (!this.#isAsked || this.#value === undefined || hasOwn) return headers;
    return { ...withCookies(headers, `${XSRF_COOKIE}=${this.#value}`), [XSRF_HEADER]: this.#value };
  }
}
