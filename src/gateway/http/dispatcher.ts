import { HttpsProxyAgent } from 'https-proxy-agent';
import { Agent, type Dispatcher, Pool, ProxyAgent } from 'undici';
import type { GatewaySettings } from '../gateway.ts';

/** Longest answer that is read; kernelspecs with inlined logos are the biggest seen, far below. */
const MAX_ANSWER_BYTES = 16 * 2 ** 20;

const PROXY_ANSWER_MS = 10_000;

const POOL = { connections: 16, pipelining: 1, allowH2: false, maxResponseSize: MAX_ANSWER_BYTES };

/** The connections that REST calls go through: straight to the gateway, or through a tunnel of the proxy. */
export function openDispatcher(settings: GatewaySettings): Dispatcher {
  const tls = tlsOptions(settings);
  const { rest: uri } = settings.proxies ?? {};
  if (uri === undefined) return new Agent({ ...POOL, connect: tls });
  return new ProxyAgent({
    ...POOL,
    uri,
    requestTls: { ...tls, allowH2: false },
    // Calls wait behind connections that are about to be opened, so one that a silent proxy holds has to end.
    clientFactory: (origin, options) => new Pool(origin, { ...options, headersTimeout: PROXY_ANSWER_MS }),
  });
}

/** As `tls.connect` takes them, for REST and for the websocket. */
export function tlsOptions({ tls: { verify, ...rest } }: GatewaySettings) {
  return { rejectUnauthorized: verify, ...rest };
}

export type Tunnel = ReturnType<typeof openTunnel>;

/** The way of one websocket through a proxy. */
export function openTunnel(proxyUrl: string) {
  const givingUp = new AbortController();
  const agent = new HttpsProxyAgent(proxyUrl, { signal: givingUp.signal });
  let status: number | undefined;
  agent.on('proxyConnect', (answer: { statusCode: number }) => {
    status = answer.statusCode;
  });
  return {
    agent,
    /** What the proxy answered with; undefined until it has. */
    get status(): number | undefined {
      return status;
    },
    /** Gives the proxy up, where it has not answered: the websocket does not know that connection. */
    giveUp(): void {
      if (status === undefined) givingUp.abort();
    },
  };
}
