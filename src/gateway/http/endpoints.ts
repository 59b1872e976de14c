import { GatewayError } from '../errors.ts';
import type { ClientOptions, GatewaySettings } from '../gateway.ts';

/**
 * Where the gateway's calls go and what they carry. Paths are joined as strings, because `new URL('/api', root)`
 * drops a prefix like `/gateway/default/jkg` (protocol.md §2.1, trap 12).
 */
export interface Endpoints {
  /** `path` like `api/kernels`, without a slash at either end. */
  restUrl(path: string): string;
  channelsUrl(kernelId: string, sessionId: string): string;
  /** For one request or upgrade. Rejects with `GatewayError` where the caller's headers cannot be had. */
  headers(): Promise<Readonly<Record<string, string>>>;
  /** The REST root without credentials and query, for messages and logs. */
  shownRoot: string;
  /** The same of the websocket root; the REST root where both are one address. */
  shownWsRoot: string;
}

export function readEndpoints(settings: GatewaySettings, readHeaders: ClientOptions['headers']): Endpoints {
  const http = splitRoot(settings.httpUrl);
  const ws = splitRoot(settings.wsUrl);
  const user = settings.user ?? http.user;
  const pass = settings.pass ?? http.pass;
  const fixed = lowerCased(settings.headers);
  // One Authorization header cannot hold both (protocol.md §1.4, trap 7): Basic keeps it, the token goes to the query.
  if (user !== undefined)
    fixed['authorization'] = `Basic ${Buffer.from(`${user}:${pass ?? ''}`).toString('base64')}`;
  const tokenInQuery = settings.token !== undefined && 'authorization' in fixed;
  if (settings.token !== undefined && !tokenInQuery) fixed['authorization'] = `token ${settings.token}`;
  const query = (parameters: Record<string, string>) => {
    const all = new URLSearchParams(parameters);
    if (tokenInQuery && settings.token !== undefined) all.set('token', settings.token);
    return all.size === 0 ? '' : `?${all.toString()}`;
  };
  return {
    restUrl: (path) => `${http.root}/${path}${query({})}`,
    channelsUrl: (kernelId, sessionId) =>
      `${ws.root}/api/kernels/${encodeURIComponent(kernelId)}/channels${query({ session_id: sessionId })}`,
    async headers() {
      if (readHeaders === undefined) return fixed;
      try {
        return { ...fixed, ...lowerCased(await readHeaders()) };
      } catch (cause) {
        if (cause instanceof GatewayError) throw cause;
        throw new GatewayError('unauthorized', 'The headers for the gateway could not be had', { cause });
      }
    },
    shownRoot: http.root,
    shownWsRoot: ws.root === http.root.replace(/^http/, 'ws') ? http.root : ws.root,
  };
}

function splitRoot(address: string): { root: string; user?: string; pass?: string } {
  const url = new URL(address);
  const root = `${url.protocol}//${url.host}${url.pathname.replace(/\/+$/, '')}`;
  if (url.username === '') return { root };
  return { root, user: decodeURIComponent(url.username), pass: decodeURIComponent(url.password) };
}

function lowerCased(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}
