import { lowerCased } from '../auth/token-source.ts';
import { GatewayError } from '../errors.ts';
import type { Credentials, GatewaySettings } from '../gateway.ts';
import { untilAborted } from '../until-aborted.ts';
import { type Headers, KernelCookies } from './cookies.ts';

export type Endpoints = ReturnType<typeof readEndpoints>;

/** Only the beginning of a refusal is told. */
const MAX_REFUSAL_CHARS = 100_000;

/**
 * URLs and headers of all calls to the gateway. Paths are joined as strings, because `new URL('/api', root)` drops a
 * prefix like `/gateway/default/jkg` (protocol.md §2.1, trap 12).
 */
export function readEndpoints(
  settings: GatewaySettings,
  credentials: Credentials | undefined,
  hide = (text: string): string => text,
) {
  const http = splitRoot(settings.httpUrl);
  const ws = splitRoot(settings.wsUrl);
  const user = settings.user ?? http.user;
  const pass = settings.pass ?? http.pass;
  const { kernelsPath = 'api/kernels', proxies = {} } = settings;
  const wsIsRest = ws.root === http.root.replace(/^http/, 'ws');
  const fixed = lowerCased(settings.headers);
  // One Authorization header cannot hold both, so Basic keeps it and the token goes into the query (protocol.md §1.4,
  // trap 7).
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
    /** `path` like `api/kernels`, without a slash at either end. */
    restUrl: (path: string): string => `${http.root}/${path}${query({})}`,
    channelsUrl: (kernelId: string, sessionId: string): string =>
      `${ws.root}/${kernelsPath}/${encodeURIComponent(kernelId)}/channels${query({ session_id: sessionId })}`,
    /**
     * The headers of one request or upgrade. Rejects with `GatewayError` if the caller's credentials cannot be
     * obtained.
     */
    headers: async (signal?: AbortSignal): Promise<Headers> =>
      credentials === undefined
        ? fixed
        : { ...fixed, ...lowerCased(await obtained(credentials.headers(), signal)) },
    /**
     * Reports headers that were refused with this status. Resolves with true if there are new ones; rejects if they
     * cannot be obtained. A 403 may have another reason than the credentials, so it stays what is reported then.
     */
    async renew(refused: Headers, status: number | undefined, signal?: AbortSignal): Promise<boolean> {
      if (credentials === undefined) return false;
      const renewed = obtained(credentials.renew(refused), signal);
      return await (status === 403 ? renewed.catch(() => false) : renewed);
    },
    /** To be applied to the body of every refusal, whatever its status. */
    hide: (body: string): string => hide(plainlyWritten(body.slice(0, MAX_REFUSAL_CHARS))),
    cookies: new KernelCookies(),
    /** The REST root and its proxy as shown in messages and logs, without credentials and query. */
    shownRoot: shown(http.root, proxies.rest),
    /** The same for the websocket root; the REST root if both have the same address. */
    shownWsRoot: shown(wsIsRest ? http.root : ws.root, proxies.websocket),
    /** The proxy for websockets, with user and password. */
    wsProxy: proxies.websocket,
  };
}

/** What the caller's credentials give. The fetch itself goes on for other callers when `signal` aborts. */
async function obtained<T>(given: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  try {
    return await untilAborted(given, signal, late);
  } catch (cause) {
    if (cause instanceof GatewayError) throw cause;
    throw new GatewayError('noCredentials', 'The headers for the gateway could not be had', { cause });
  }
}

function late(): GatewayError {
  return new GatewayError('noCredentials', 'The credentials for the gateway were not there in time');
}

function shown(root: string, proxy: string | undefined): string {
  if (proxy === undefined) return root;
  const { protocol, host } = new URL(proxy);
  return `${root} through the proxy ${protocol}//${host}`;
}

function splitRoot(address: string): { root: string; user?: string; pass?: string } {
  const url = new URL(address);
  const root = `${url.protocol}//${url.host}${url.pathname.replace(/\/+$/, '')}`;
  if (url.username === '') return { root };
  return { root, user: decodeURIComponent(url.username), pass: decodeURIComponent(url.password) };
}

/** JSON written anew, because it may have escapes by which a secret is not recognised; other text as it is. */
function plainlyWritten(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text));
  } catch {
    return text;
  }
}
