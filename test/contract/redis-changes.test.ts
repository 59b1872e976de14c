import { once } from 'node:events';
import { createConnection, createServer, type Socket } from 'node:net';
import { createClient } from '@keyv/redis';
import { pino } from 'pino';
import { expect, test, vi } from 'vitest';
import { silentLog } from '../../src/log.ts';
import { openStore } from '../../src/store/open-store.ts';
import { findRedisServer, startRedisServer } from '../support/redis-server.ts';
import { admitted } from './run-store-contract.ts';
import type { Note } from './new-run.ts';
import { withRedis } from './redis.ts';

const patient = { timeout: 30_000, interval: 50 };
const found = await findRedisServer();

await withRedis('Redis that changes while it is used', (server) => {
  test('after a failover that leaves the old connections alive, writes and signals go to the new server', async () => {
    if ('missing' in found) return;
    const successor = await startRedisServer(found.path);
    const front = await startFront(server.port);
    const store = await openStore<Note>({ url: `redis://127.0.0.1:${front.port}`, log: silentLog });
    await store.ledger.ping();
    front.leadTo(successor.port);
    await server.command('REPLICAOF', '127.0.0.1', `${successor.port}`);
    // Told that nothing was written until then.
    const run = await vi.waitFor(() => admitted(store.ledger), patient);
    expect(await successor.command('EXISTS', `sparkthread:{v1}:run:["${run.id}"]`)).toMatch(/:1\r\n/);
    const heard: string[] = [];
    store.ledger.onSignal((_topic, payload) => heard.push(payload));
    await vi.waitFor(async () => {
      await store.ledger.signal('lane', 'news');
      expect(heard).toContain('news');
    }, patient);
    await store.close();
    await server.command('REPLICAOF', 'NO', 'ONE');
    front.close();
    await successor.kill();
  });

  test('a password that is changed is told to the operator, and taken up once it is right again', async () => {
    await server.command('CONFIG', 'SET', 'requirepass', 'before');
    const url = `redis://:before@127.0.0.1:${server.port}`;
    const admin = createClient({ url });
    await admin.connect();
    const lines: string[] = [];
    const log = pino({}, { write: (line) => void lines.push(line) });
    const store = await openStore<Note>({ url, log });
    await admin.sendCommand(['CONFIG', 'SET', 'requirepass', 'after']);
    for (const type of ['normal', 'pubsub'])
      await admin.sendCommand(['CLIENT', 'KILL', 'TYPE', type, 'SKIPME', 'yes']);
    const refusals = (): string[] => lines.filter((line) => line.includes('Redis refuses the connection'));
    await vi.waitFor(() => expect(refusals()).toHaveLength(2), patient);
    expect(refusals().join('')).toContain('WRONGPASS');
    await expect(store.ledger.ping()).rejects.toMatchObject({ name: 'StoreError' });
    await admin.sendCommand(['CONFIG', 'SET', 'requirepass', 'before']);
    await vi.waitFor(() => store.ledger.ping(), patient);
    expect(lines.join('')).not.toContain('before');
    await store.close();
    await admin.sendCommand(['CONFIG', 'SET', 'requirepass', '']);
    admin.destroy();
  });
});

/** An address that can be made to lead elsewhere; connections stay where they are. */
async function startFront(port: number) {
  let target = port;
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const back = createConnection(target, '127.0.0.1');
    for (const [socket, other] of [
      [client, back],
      [back, client],
    ] as const) {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => other.destroy());
      socket.pipe(other);
    }
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    port: address.port,
    leadTo(other: number): void {
      target = other;
    },
    close(): void {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
