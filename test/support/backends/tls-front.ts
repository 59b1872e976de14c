import { once } from 'node:events';
import { rm, writeFile } from 'node:fs/promises';
import { type IncomingMessage, type ServerResponse, request } from 'node:http';
import { createServer } from 'node:https';
import { type Socket, connect } from 'node:net';
import { dirname, join } from 'node:path';
import { type Duplex, pipeline } from 'node:stream';
import { listen, pipeBoth } from '../sockets.ts';
import { makeCertificates } from './certificates.ts';

/** The part of IBM Analytics Engine's service credentials that a client of the notebook gateway reads. */
type ServiceCredentials = {
  cluster: {
    cluster_id: string;
    user: string;
    password: string;
    password_expiry_date: string;
    service_endpoints: { notebook_gateway: string; notebook_gateway_websocket: string };
  };
};

export type TlsFront = AsyncDisposable & {
  /** The HTTP root, with a trailing slash. */
  url: string;
  /** The websocket root, with a trailing slash. */
  wsUrl: string;
  user: string;
  password: string;
  caFile: string;
  /** Another authority, which did not sign this front's certificate. */
  otherCaFile: string;
  credentials: ServiceCredentials;
  /** Path of the credentials as a JSON file. */
  credentialsFile: string;
  stop: () => Promise<void>;
};

const restPrefix = '/gateway/default/jkg/';
const websocketPrefix = '/gateway/default/jkgws/';

type Refusal = { status: number; reason: string; headers?: Record<string, string> };

const unauthorized: Refusal = {
  status: 401,
  reason: 'Unauthorized',
  headers: { 'www-authenticate': 'Basic realm="application"' },
};
const notFound: Refusal = { status: 404, reason: 'Not Found' };
const badRequest: Refusal = { status: 400, reason: 'Bad Request' };

const page = ({ status, reason }: Refusal) =>
  `<html>\n<head><title>${status} ${reason}</title></head>\n<body><h1>${status} ${reason}</h1></body>\n</html>\n`;

/**
 * A front like Knox or nginx before a cluster's gateway: TLS with a private authority, HTTP Basic, REST under one prefix and
 * websockets under another, refusals in HTML. It passes no credential on to the gateway.
 * @param options.upstream the root of a gateway that needs no token
 * @param options.idleTimeoutMs how long a websocket may be silent before it is cut
 */
export async function startTlsFront(options: {
  upstream: string;
  user?: string;
  password?: string;
  idleTimeoutMs?: number;
}): Promise<TlsFront> {
  const { user = 'clsadmin', password = 'a test-only password' } = options;
  const upstream = new URL(options.upstream);
  const certificates = await makeCertificates();
  const expected = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
  const sockets = new Set<Duplex>();

  const judge = (message: IncomingMessage, prefix: string, otherwise: Refusal): Refusal | string => {
    if (message.headers.authorization !== expected) return unauthorized;
    const path = message.url ?? '';
    if (path.startsWith(prefix)) return upstream.pathname + path.slice(prefix.length);
    return path.startsWith(restPrefix) || path.startsWith(websocketPrefix) ? otherwise : notFound;
  };

  const server = createServer(
    { cert: certificates.certificate, key: certificates.key },
    (message: IncomingMessage, response: ServerResponse) => {
      const path = judge(message, restPrefix, notFound);
      if (typeof path !== 'string') {
        response.writeHead(path.status, { ...path.headers, 'content-type': 'text/html' }).end(page(path));
        return;
      }
      const { authorization: _, ...headers } = message.headers;
      const passed = request(upstream, { method: message.method ?? 'GET', path, headers });
      passed.on('response', (answer) => {
        // The client may have gone.
        if (response.destroyed) return void answer.destroy();
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        pipeline(answer, response, () => {});
      });
      passed.on('error', () => {
        if (response.headersSent) return void response.destroy();
        const refusal = { status: 502, reason: 'Bad Gateway' };
        response.writeHead(refusal.status, { 'content-type': 'text/html' }).end(page(refusal));
      });
      pipeline(message, passed, () => {});
    },
  );
  server.on('upgrade', (message: IncomingMessage, socket: Duplex, head: Buffer) => {
    const path = judge(message, websocketPrefix, badRequest);
    if (typeof path !== 'string') {
      socket.on('error', () => socket.destroy()).end(rawRefusal(path));
      return;
    }
    const onward = connect(Number(upstream.port), upstream.hostname, () => {
      onward.write(rawUpgrade(path, message, upstream.host));
      onward.write(head);
    });
    if (options.idleTimeoutMs !== undefined) onward.setTimeout(options.idleTimeoutMs, () => onward.destroy());
    pipeBoth(socket, onward);
  });
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  const port = await listen(server);

  const url = `https://localhost:${port}${restPrefix}`;
  const wsUrl = `wss://localhost:${port}${websocketPrefix}`;
  const credentials: ServiceCredentials = {
    cluster: {
      cluster_id: 'test-cluster',
      user,
      password,
      password_expiry_date: 'null',
      service_endpoints: { notebook_gateway: url, notebook_gateway_websocket: wsUrl },
    },
  };
  const credentialsFile = join(dirname(certificates.caFile), 'service-credentials.json');
  await writeFile(credentialsFile, JSON.stringify(credentials, null, 2), { mode: 0o600 });
  const stop = async () => {
    for (const socket of sockets) socket.destroy();
    if (server.listening) {
      server.close();
      await once(server, 'close');
    }
    await rm(credentialsFile, { force: true });
    await certificates[Symbol.asyncDispose]();
  };
  const { caFile, otherCaFile } = certificates;
  return {
    url,
    wsUrl,
    user,
    password,
    caFile,
    otherCaFile,
    credentials,
    credentialsFile,
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

function rawUpgrade(path: string, message: IncomingMessage, host: string): string {
  const lines = [`GET ${path} HTTP/1.1`, `Host: ${host}`];
  for (let index = 0; index < message.rawHeaders.length; index += 2) {
    const name = message.rawHeaders[index] ?? '';
    if (!/^(host|authorization)$/i.test(name)) lines.push(`${name}: ${message.rawHeaders[index + 1] ?? ''}`);
  }
  return `${lines.join('\r\n')}\r\n\r\n`;
}

function rawRefusal(refusal: Refusal): string {
  const body = page(refusal);
  const headers = {
    ...refusal.headers,
    'content-type': 'text/html',
    'content-length': `${body.length}`,
    connection: 'close',
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  return [`HTTP/1.1 ${refusal.status} ${refusal.reason}`, ...lines, '', body].join('\r\n');
}
