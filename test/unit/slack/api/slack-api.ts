import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebClient } from '@slack/web-api';

export interface SlackApi extends AsyncDisposable {
  client: WebClient;
  /** The methods that were called, in order. */
  calls: string[];
}

/** A Web API on a port of its own that answers each method as `answer` says; undefined: 429. */
export async function startSlackApi(answer: (method: string) => object | undefined): Promise<SlackApi> {
  const calls: string[] = [];
  const server = createServer((request, response) => {
    const method = (request.url ?? '').replace('/api/', '');
    calls.push(method);
    const said = answer(method);
    response.setHeader('content-type', 'application/json');
    if (said === undefined) response.writeHead(429, { 'retry-after': '1' }).end('{}');
    else response.end(JSON.stringify({ ok: true, ...said }));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    client: new WebClient('xoxb-1', {
      slackApiUrl: `http://127.0.0.1:${port}/api/`,
      rejectRateLimitedCalls: true,
      retryConfig: { retries: 0 },
    }),
    calls,
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
    },
  };
}
