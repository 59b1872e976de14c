/** The HTTP server of the playground: Web API, uploads, files, response_urls, websockets. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Service } from './service.ts';
import { readArguments, readUpload } from './web-api/request.ts';
import { answerApiCall } from './web-api/server.ts';

/** Answers other requests (the web page); false if it does not. */
export type Extra = (request: IncomingMessage, response: ServerResponse) => Promise<boolean>;

export function createPlaygroundServer(service: Service, extra: Extra): Server {
  const server = createServer((request, response) => {
    route(service, extra, request, response).catch((error: unknown) => {
      // An error of the playground itself must not look like an answer of Slack.
      if (!response.headersSent) response.writeHead(500, { 'content-type': 'text/plain' });
      response.end(
        `the playground failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
      );
    });
  });
  server.on('upgrade', (request, socket, head) => service.socket.upgrade(request, socket, head));
  return server;
}

/** Listens on the loopback address; returns the origin. */
export async function listen(server: Server, port: number): Promise<string> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  const address: AddressInfo | string | null = server.address();
  if (address === null || typeof address === 'string') throw new Error('the playground has no port');
  return `http://127.0.0.1:${address.port}`;
}

export async function close(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => {
    server.close(() => resolve());
  });
  server.closeAllConnections();
  await closed;
}

async function route(
  service: Service,
  extra: Extra,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { pathname } = new URL(request.url ?? '/', 'http://playground');
  if (pathname.startsWith('/api/'))
    await answerApiCall(service, pathname.slice('/api/'.length), request, response);
  else if (pathname.startsWith('/upload/')) await takeUpload(service, pathname, request, response);
  else if (pathname.startsWith('/files-pri/')) giveFile(service, pathname, request, response);
  else if (pathname.startsWith('/response/')) await takeResponse(service, pathname, request, response);
  else if (!(await extra(request, response)))
    response.writeHead(404, { 'content-type': 'text/plain' }).end('not found');
}

async function takeUpload(
  service: Service,
  path: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const announcement = service.uploads.announcedAt(path);
  const bytes = await readUpload(request);
  const fault = service.faults.next('upload');
  if (fault?.kind === 'held') {
    fault.reached();
    await fault.until;
  }
  if (fault?.kind === 'status') {
    response.writeHead(fault.status).end('error');
    return;
  }
  if (fault?.kind === 'dropped') {
    request.socket.destroy();
    return;
  }
  if (announcement === undefined || bytes.length !== announcement.length) {
    response.writeHead(400).end(`expected ${announcement?.length ?? 'no'} bytes, got ${bytes.length}`);
    return;
  }
  announcement.bytes = bytes;
  service.changes.announce();
  if (fault?.kind === 'replyLost') request.socket.destroy();
  else response.writeHead(200).end(`OK - ${bytes.length}`);
}

/** url_private and url_private_download; without the token Slack redirects to its login page. */
function giveFile(service: Service, path: string, request: IncomingMessage, response: ServerResponse): void {
  const id = /^\/files-pri\/[^/-]+-([^/]+)\//.exec(path)?.[1] ?? '';
  const stored = service.world.files.get(id);
  const isAllowed =
    request.headers.authorization === `Bearer ${service.settings.botToken}` &&
    service.settings.scopes.includes('files:read');
  if (!isAllowed) {
    response.writeHead(302, { location: `${service.origin}/login` }).end();
    return;
  }
  if (stored === undefined) {
    response.writeHead(404).end();
    return;
  }
  response
    .writeHead(200, { 'content-type': stored.file.mimetype, 'content-length': stored.bytes.length })
    .end(stored.bytes);
}

async function takeResponse(
  service: Service,
  path: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { args } = await readArguments(request);
  const fault = service.faults.next('response');
  if (fault?.kind === 'dropped') {
    request.socket.destroy();
    return;
  }
  if (fault?.kind === 'status') {
    response.writeHead(fault.status, { 'content-type': 'text/html' }).end('<h1>Server Error</h1>');
    return;
  }
  const answer = service.responses.receive(path, args);
  response.writeHead(answer.status, { 'content-type': 'application/json' }).end(JSON.stringify(answer.body));
}
