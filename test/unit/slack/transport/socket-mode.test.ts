import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import type { Duplex } from 'node:stream';
import { SocketModeReceiver } from '@slack/bolt';
import { expect, test } from 'vitest';
import { WebSocketServer } from 'ws';
import { freePort } from '../../../../demo/jupyter-app.ts';
import { sharedWarning, withCauses } from '../../../../src/slack/transport/socket-mode.ts';

const hello = { type: 'hello', connection_info: { app_id: 'A1' }, debug_info: { host: 'x' } };

test('other connections of the app cause a warning, because a bot on another store gets a part of the events', () => {
  expect(sharedWarning(JSON.stringify({ ...hello, num_connections: 3 }))).toMatch(
    /^Slack counts 3 connections of this app.* another store /,
  );
});

test.each([
  ['the only connection', JSON.stringify({ ...hello, num_connections: 1 })],
  ['a hello without a count', JSON.stringify(hello)],
  ['what people write', JSON.stringify({ text: '"num_connections":9' })],
  ['a payload', `{"type":"events_api","num_connections":9,"payload":"${'x'.repeat(2_000)}"}`],
  ['bytes', Buffer.from('"num_connections":9')],
])('%s causes no warning', (_what, data) => {
  expect(sharedWarning(data)).toBeUndefined();
});

/** What the log says of a websocket to `port`. */
async function toldOf(port: number): Promise<string> {
  const told = Promise.withResolvers<string>();
  const error = (line: string): void => told.resolve(line);
  const silent = (): void => undefined;
  const { logger, end } = withCauses({
    error,
    warn: silent,
    info: silent,
    debug: silent,
    getLevel: silent,
  } as never);
  const fetch = async () => new Response(JSON.stringify({ ok: true, url: `ws://127.0.0.1:${port}/` }));
  const receiver = new SocketModeReceiver({
    appToken: 'xapp-1',
    logger,
    installerOptions: { clientOptions: { fetch } },
  });
  receiver.client.start().catch(silent);
  const line = await told.promise;
  await receiver.stop();
  end();
  return line;
}

async function listen(server: Server | ReturnType<typeof createTcpServer>): Promise<number> {
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return (server.address() as AddressInfo).port;
}

test('the log says why a websocket broke', async () => {
  const sockets = new WebSocketServer({ noServer: true });
  const accept = (end: (socket: Duplex) => void) =>
    createServer().on('upgrade', (request, socket, head) =>
      sockets.handleUpgrade(request, socket, head, () => end(socket)),
    );
  const servers = [
    createServer((_, answer) => answer.writeHead(403).end()),
    createTcpServer((socket) => socket.destroy()),
    accept((socket) => socket.destroy()),
  ];
  const told = [await toldOf(await freePort())];
  for (const server of servers) told.push(await toldOf(await listen(server)));
  const broke = (why: string) =>
    expect.stringMatching(`^The websocket to Slack broke \\(.*${why}.*\\); another one is opened.$`);
  expect(told).toEqual(['ECONNREFUSED', 'HTTP 403', 'other side closed', 'the connection ended'].map(broke));
  for (const server of servers) server.close();
});
