import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { createServer as createTlsServer } from 'node:tls';
import { listen, pipeBoth } from './sockets.ts';

/** An HTTP proxy that opens tunnels (CONNECT), as companies use for access to the internet. */
export interface ConnectProxy extends AsyncDisposable {
  /** `http://127.0.0.1:port`, without a user. */
  url: string;
  /** Each requested tunnel in order: its `host:port` and the answer. */
  readonly asked: readonly { target: string; status: number }[];
  /** From now on the answer in place of a tunnel. Undefined: tunnels are opened. */
  refuseWith: number | 'silence' | undefined;
  /** How many connections to it are open. */
  open(): number;
  /** Ends every open tunnel. */
  cut(): void;
}

/** `credentials`: the `user:password` that it requires (HTTP Basic). */
export async function startConnectProxy({
  credentials,
}: { credentials?: string } = {}): Promise<ConnectProxy> {
  const asked: { target: string; status: number }[] = [];
  const sockets = new Set<Duplex>();
  const expected =
    credentials === undefined ? undefined : `Basic ${Buffer.from(credentials).toString('base64')}`;
  const server = createServer((_request, response) => response.writeHead(405).end());
  server.on('connect', (request, client: Duplex) => {
    const target = request.url ?? '';
    const isKnown = expected === undefined || request.headers['proxy-authorization'] === expected;
    const refusal = isKnown ? proxy.refuseWith : 407;
    client.on('error', () => client.destroy());
    if (refusal === 'silence') {
      asked.push({ target, status: 0 });
      // Without reading, the end of the other side would not be seen.
      client.resume().once('end', () => client.destroy());
      return;
    }
    asked.push({ target, status: refusal ?? 200 });
    if (refusal !== undefined) {
      client.end(`HTTP/1.1 ${refusal} Refused\r\ncontent-length: 3\r\nconnection: close\r\n\r\nno\n`);
      return;
    }
    const { hostname, port } = new URL(`http://${target}`);
    const onward = connect(Number(port), hostname.replace(/^\[|\]$/g, ''), () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n');
      pipeBoth(client, onward);
    });
    onward.once('error', () => client.destroy());
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  const proxy: ConnectProxy = {
    url: `http://127.0.0.1:${await listen(server)}`,
    asked,
    refuseWith: undefined,
    open: () => sockets.size,
    cut,
    async [Symbol.asyncDispose]() {
      cut();
      server.close();
      await once(server, 'close');
    },
  };
  return proxy;
}

export const testAuthority = readFileSync(new URL('../fixtures/tls/ca.pem', import.meta.url), 'utf8');
export const testAuthorityFile = new URL('../fixtures/tls/ca.pem', import.meta.url).pathname;

/** A TLS front of a server on this machine, with a certificate of the test authority. */
export async function startTls(
  upstream: string,
): Promise<AsyncDisposable & { port: number; connections: () => number }> {
  const file = (name: string) => readFileSync(new URL(`../fixtures/tls/${name}`, import.meta.url));
  const { hostname, port } = new URL(upstream);
  const sockets = new Set<Socket>();
  let connections = 0;
  const server = createTlsServer({ cert: file('server.pem'), key: file('server.key') }, (client) =>
    pipeBoth(client, connect(Number(port), hostname)),
  );
  server.on('connection', (socket: Socket) => {
    connections += 1;
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  return {
    port: await listen(server),
    connections: () => connections,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
