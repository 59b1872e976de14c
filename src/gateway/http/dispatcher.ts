import { HttpsProxyAgent } from 'https-proxy-agent';
import { Agent, type Dispatcher, Pool, ProxyAgent } from 'undici';
import type { GatewaySettings } from '../gateway.ts';

/** The longest response that is read. The largest seen, kernelspecs with inlined logos, are far smaller. */
const MAX_ANSWER_BYTES = 16 * 2 ** 20;

const PROXY_ANSWER_MS = 10_000;

const POOL = { connections: 16, pipelining: 1, allowH2: false, maxResponseSize: MAX_ANSWER_BYTES };

/** The connections for REST calls: directly to the gateway or through a proxy's tunnel. */
export function openDispatcher(settings: GatewaySettings): Dispatcher {
  const tls = tlsOptions(settings);
  const { rest: uri } = settings.proxies ?? {};
  if (uri === undefined) return new Agent({ ...POOL, connect: tls });
  return new ProxyAgent({
    ...POOL,
    uri,
    requestTls: { ...tls, allowH2: false },
    // Calls wait for connections that are being opened, so one that a silent proxy holds must end.
    clientFactory: (origin, options) => new Pool(origin, { ...options, headersTimeout: PROXY_ANSWER_MS }),
  });
}

/** Options of `tls.connect`, for REST and for the websocket. */
export function tlsOptions({ tls: { verify, ...rest } }: GatewaySettings) {
  return { rejectUnauthorized: verify, ...rest };
}

export type Tunnel = ReturnType<typeof openTunnel>;

/** A tunnel through a proxy for one websocket. */
export function openTunnel(proxyUrl: string) {
  const givingUp = new AbortController();
  const agent = new HttpsProxyAgent(proxyUrl, { signal: givingUp.signal });
  let status: number | undefined;
  agent.on('proxyConnect', (answer: { statusCode: number }) => {
    status = answer.statusCode;
  });
  return {
    agent,
    /** The proxy's status; undefined until it has answered. */
    get status(): number | undefined {
      return status;
    },
    /** Closes the connection to a proxy that has not answered, which the websocket does not know of. */
    giveUp(): void {
      if (status === undefined) givingUp.abort();
    },
  };
}
