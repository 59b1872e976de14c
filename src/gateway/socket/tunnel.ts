import { HttpsProxyAgent } from 'https-proxy-agent';

/** The way of one websocket through a proxy. */
export interface Tunnel {
  agent: HttpsProxyAgent<string>;
  /** What the proxy answered with; undefined until it has. */
  readonly status: number | undefined;
  /** Gives the proxy up, where it has not answered: the websocket does not know that connection. */
  giveUp(): void;
}

export function openTunnel(proxyUrl: string): Tunnel {
  const givingUp = new AbortController();
  const agent = new HttpsProxyAgent(proxyUrl, { signal: givingUp.signal });
  let status: number | undefined;
  agent.on('proxyConnect', (answer: { statusCode: number }) => {
    status = answer.statusCode;
  });
  return {
    agent,
    get status() {
      return status;
    },
    giveUp() {
      if (status === undefined) givingUp.abort();
    },
  };
}
