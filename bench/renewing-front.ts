import { once } from 'node:events';
import { createServer, type IncomingMessage, request } from 'node:http';
import { connect } from 'node:net';
import { type Duplex, pipeline } from 'node:stream';

/** A proxy before a gateway that checks tokens of its own, as identity proxies do, and cuts websockets when it is told to. */
export interface RenewingFront extends AsyncDisposable {
  url: string;
  /** Requests and upgrades that it let through, and those that it refused. */
  readonly counts: { passed: number; refused: number };
  /** Ends every websocket. */
  cut(): void;
}

export async function startRenewingFront(
  upstream: { url: string; token: string },
  isValid: (authorization: string | undefined) => boolean,
): Promise<RenewingFront> {
  const { hostname, port } = new URL(upstream.url);
  const counts = { passed: 0, refused: 0 };
  const websockets = new Set<Duplex>();
  const takes = ({ headers }: IncomingMessage): boolean => {
    const isTaken = isValid(headers.authorization);
    counts[isTaken ? 'passed' : 'refused'] += 1;
    return isTaken;
  };
  const authorization = `token ${upstream.token}`;
  const server = createServer((message, response) => {
    if (!takes(message)) return void response.writeHead(401).end();
    const headers = { ...message.headers, authorization };
    const passed = request({ hostname, port, method: message.method, path: message.url, headers });
    passed.on('response', (answer) => {
      if (response.destroyed) return void answer.destroy();
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      pipeline(answer, response, () => {});
    });
    passed.on('error', () => response.writeHead(502).end());
    pipeline(message, passed, () => {});
  });
  server.on('upgrade', (message: IncomingMessage, socket: Duplex, head: Buffer) => {
    if (!takes(message)) return void socket.end('HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n');
    const onward = connect(Number(port), hostname, () => {
      const lines = [`GET ${message.url} HTTP/1.1`];
      for (const [name, value] of Object.entries({ ...message.headers, authorization }))
        lines.push(`${name}: ${String(value)}`);
      onward.write(`${lines.join('\r\n')}\r\n\r\n`);
      onward.write(head);
      pipeline(socket, onward, () => socket.destroy());
      pipeline(onward, socket, () => onward.destroy());
    });
    websockets.add(socket);
    socket.once('close', () => websockets.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('a TCP server has a port');
  const cut = (): void => {
    for (const socket of websockets) socket.destroy();
  };
  return {
    url: `http://127.0.0.1:${address.port}/`,
    counts,
    cut,
    async [Symbol.asyncDispose]() {
      cut();
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
