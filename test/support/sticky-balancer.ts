import { once } from 'node:events';
import { createServer, type IncomingMessage, request } from 'node:http';
import { connect } from 'node:net';
import { type Duplex, pipeline } from 'node:stream';
import { listen, pipeBoth } from './sockets.ts';

/** A balancer before replicas of a gateway. Its cookie names a replica; calls without it go to any. */
export interface StickyBalancer extends AsyncDisposable {
  httpUrl: string;
  wsUrl: string;
  /** For each call, which replica got it and whether by a cookie. */
  readonly routed: readonly { replica: number; isByCookie: boolean; path: string }[];
}

const COOKIE = 'ROUTE';

export async function startStickyBalancer(replicas: readonly string[]): Promise<StickyBalancer> {
  const routed: { replica: number; isByCookie: boolean; path: string }[] = [];
  const sockets = new Set<Duplex>();
  let next = 0;
  const route = (message: IncomingMessage) => {
    const named = new RegExp(`(?:^|; )${COOKIE}=r(\\d+)(?:;|$)`).exec(message.headers.cookie ?? '')?.[1];
    const replica = named === undefined ? next++ % replicas.length : Number(named);
    routed.push({ replica, isByCookie: named !== undefined, path: message.url ?? '' });
    return { upstream: new URL(replicas[replica] ?? ''), cookie: `${COOKIE}=r${replica}; Path=/; HttpOnly` };
  };
  const server = createServer((message, response) => {
    const { upstream, cookie } = route(message);
    const passed = request(upstream, {
      method: message.method ?? 'GET',
      path: message.url ?? '/',
      headers: message.headers,
    });
    passed.on('response', (answer) => {
      if (response.destroyed) return void answer.destroy();
      response.writeHead(answer.statusCode ?? 502, { ...answer.headers, 'set-cookie': cookie });
      pipeline(answer, response, () => {});
    });
    passed.on('error', () => (response.headersSent ? response.destroy() : response.writeHead(502).end()));
    pipeline(message, passed, () => {});
  });
  server.on('upgrade', (message: IncomingMessage, socket: Duplex, head: Buffer) => {
    const { upstream } = route(message);
    const onward = connect(Number(upstream.port), upstream.hostname, () => {
      const lines = [`GET ${message.url} HTTP/1.1`];
      for (let at = 0; at < message.rawHeaders.length; at += 2)
        lines.push(`${message.rawHeaders[at]}: ${message.rawHeaders[at + 1]}`);
      onward.write(`${lines.join('\r\n')}\r\n\r\n`);
      onward.write(head);
      pipeBoth(socket, onward);
    });
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  const port = await listen(server);
  return {
    httpUrl: `http://127.0.0.1:${port}`,
    wsUrl: `ws://127.0.0.1:${port}`,
    routed,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
