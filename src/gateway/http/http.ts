import { lowerCased } from '../auth/read-token.ts';
import { untilAborted } from '../until-aborted.ts';
import { Agent, request } from 'undici';
import { setTimeout as delay } from 'node:timers/promises';
import { GatewayError } from '../errors.ts';
import type { Credentials, GatewaySettings } from '../gateway.ts';
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

/** Longest answer that is read; kernelspecs with inlined logos are the biggest seen, far below. */
const MAX_ANSWER_BYTES = 16 * 2 ** 20;
const ATTEMPTS = 3;

/** Names in lower case. */
export type Headers = Readonly<Record<string, string>>;

/** `mayWrite` is asked right before each POST and DELETE; false rejects it as `writesPaused`. */
export function createHttp(settings: GatewaySettings, endpoints: Endpoints, mayWrite: () => boolean): Http {
  const agent = new Agent({
    connections: 16,
    pipelining: 1,
    allowH2: false,
    maxResponseSize: MAX_ANSWER_BYTES,
    connect: tlsOptions(settings),
  });

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
      dispatcher: agent,
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

  return { call, close: () => agent.destroy() };
}

/** As `tls.connect` takes them; the websocket uses the same. */
export function tlsOptions({ tls }: GatewaySettings): {
  rejectUnauthorized: boolean;
  ca?: string;
  cert?: string;
  key?: string;
  passphrase?: string;
} {
  const { verify, ...rest } = tls;
  return { rejectUnauthorized: verify, ...rest };
}

/**
 * Where the gateway's calls go and what they carry. Paths are joined as strings, because `new URL('/api', root)`
 * drops a prefix like `/gateway/default/jkg` (protocol.md §2.1, trap 12).
 */
export interface Endpoints {
  /** `path` like `api/kernels`, without a slash at either end. */
  restUrl(path: string): string;
  channelsUrl(kernelId: string, sessionId: string): string;
  /** For one request or upgrade. Rejects with `GatewayError` where the caller's credentials cannot be had. */
  headers(signal?: AbortSignal): Promise<Headers>;
  /** These were refused. True: others are to be had, once. */
  renew(refused: Headers, signal?: AbortSignal): Promise<boolean>;
  /** The REST root without credentials and query, for messages and logs. */
  shownRoot: string;
  /** The same of the websocket root; the REST root where both are one address. */
  shownWsRoot: string;
}

export function readEndpoints(settings: GatewaySettings, credentials: Credentials | undefined): Endpoints {
  const http = splitRoot(settings.httpUrl);
  const ws = splitRoot(settings.wsUrl);
  const user = settings.user ?? http.user;
  const pass = settings.pass ?? http.pass;
  const { kernelsPath = 'api/kernels' } = settings;
  const fixed = lowerCased(settings.headers);
  // One Authorization header cannot hold both (protocol.md §1.4, trap 7): Basic keeps it, the token goes to the query.
  if (user !== undefined)
    fixed['authorization'] = `Basic ${Buffer.from(`${user}:${pass ?? ''}`).toString('base64')}`;
  const { token, authScheme = 'token', authHeader = 'authorization' } = settings;
  const tokenHeader = authHeader.toLowerCase();
  const tokenInQuery = token !== undefined && tokenHeader in fixed;
  if (token !== undefined && !tokenInQuery) fixed[tokenHeader] = `${authScheme} ${token}`.trimStart();
  const query = (parameters: Record<string, string>) => {
    const all = new URLSearchParams(parameters);
    if (tokenInQuery) all.set('token', token);
    return all.size === 0 ? '' : `?${all.toString()}`;
  };
  return {
    restUrl: (path) => `${http.root}/${path}${query({})}`,
    channelsUrl: (kernelId, sessionId) =>
      `${ws.root}/${kernelsPath}/${encodeURIComponent(kernelId)}/channels${query({ session_id: sessionId })}`,
    async headers(signal) {
      if (credentials === undefined) return fixed;
      try {
        return { ...fixed, ...lowerCased(await untilAborted(credentials.headers(), signal, late)) };
      } catch (cause) {
        if (cause instanceof GatewayError) throw cause;
        throw new GatewayError('noCredentials', 'The headers for the gateway could not be had', { cause });
      }
    },
    renew: async (refused, signal) =>
      credentials !== undefined && (await untilAborted(credentials.renew(refused), signal, late)),
    shownRoot: http.root,
    shownWsRoot: ws.root === http.root.replace(/^http/, 'ws') ? http.root : ws.root,
  };
}

/** What is waited for goes on for others. */
function late(): GatewayError {
  return new GatewayError('noCredentials', 'The credentials for the gateway were not there in time');
}

function splitRoot(address: string): { root: string; user?: string; pass?: string } {
  const url = new URL(address);
  const root = `${url.protocol}//${url.host}${url.pathname.replace(/\/+$/, '')}`;
  if (url.username === '') return { root };
  return { root, user: decodeURIComponent(url.username), pass: decodeURIComponent(url.password) };
}
