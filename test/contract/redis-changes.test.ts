import { mkdtemp, rm } from 'node:fs/promises';
import { createConnection, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient } from '@keyv/redis';
import { pino } from 'pino';
import { expect, test, vi } from 'vitest';
import { silentLog } from '../../src/log.ts';
import { openStore } from '../../src/store/open.ts';
import { findRedisServer, startRedisServer } from '../support/redis-server.ts';
import { listen } from '../support/sockets.ts';
import { accepted, type Note } from './new-run.ts';
import { patient, withRedis } from './redis.ts';

const found = await findRedisServer();

await withRedis('Redis that changes while it is used', (server) => {
  test('after a failover that leaves the old connections alive, the lease is missing on the new server, and made there', async () => {
    if ('missing' in found) return;
    // No lease of another test is left.
    await server.command('FLUSHALL');
    const successor = await startRedisServer(found.path);
    const front = await startFront(server.port);
    const store = await openStore<Note>({ url: `redis://127.0.0.1:${front.port}`, log: silentLog });
    await store.lease.acquire(60_000);
    front.leadTo(successor.port);
    await server.command('REPLICAOF', '127.0.0.1', `${successor.port}`);
    // A server that takes no writes is waited for and looked for anew.
    await expect(accepted(store.runs)).rejects.toMatchObject({ name: 'StoreError' });
    await expect.poll(() => store.lease.renew(60_000)).toBe('missing');
    await expect(accepted(store.runs)).rejects.toMatchObject({ code: 'notLeader' });
    expect(await store.lease.acquire(60_000)).toEqual({ kind: 'held', epoch: 2 });
    const run = await accepted(store.runs);
    expect(await successor.command('EXISTS', `sparkthread:{v2}:run:["${run.id}"]`)).toMatch(/:1\r\n/);
    await store.close();
    await server.command('REPLICAOF', 'NO', 'ONE');
    front.close();
    await successor.kill();
  });

  test('a Redis that cannot save is waited for', async () => {
    if ('missing' in found) return;
    const folder = await mkdtemp(join(tmpdir(), 'sparkthread-redis-'));
    const full = await startRedisServer(found.path, '', ['--dir', folder]);
    const store = await openStore<Note>({ url: full.url, log: silentLog });
    await store.lease.acquire(60_000);
    await rm(folder, { recursive: true });
    await full.command('CONFIG', 'SET', 'save', '1 1');
    await full.command('BGSAVE');
    const cannotSave = { code: 'silent', message: expect.stringMatching(/MISCONF/) };
    await vi.waitFor(() => expect(accepted(store.runs)).rejects.toMatchObject(cannotSave), patient);
    await expect(store.lease.renew(60_000)).rejects.toMatchObject(cannotSave);
    await full.command('CONFIG', 'SET', 'save', '');
    await accepted(store.runs);
    await store.close();
    await full.kill();
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
    await admin.sendCommand(['CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes']);
    const refusals = (): string[] => lines.filter((line) => line.includes('Redis refuses the connection'));
    await expect.poll(refusals).toHaveLength(1);
    expect(refusals().join('')).toContain('WRONGPASS');
    await expect(store.runs.ping()).rejects.toMatchObject({ name: 'StoreError' });
    await admin.sendCommand(['CONFIG', 'SET', 'requirepass', 'before']);
    await vi.waitFor(() => store.runs.ping(), patient);
    expect(lines.join('')).not.toContain('before');
    await store.close();
    await admin.sendCommand(['CONFIG', 'SET', 'requirepass', '']);
    admin.destroy();
  });

  test('a Redis that begins to ask for a password is told once, and its return too', async () => {
    const lines: string[] = [];
    const log = pino({}, { write: (line) => void lines.push(JSON.parse(line).event) });
    const store = await openStore<Note>({ url: server.url, log });
    const admin = createClient({ url: server.url }).on('error', () => undefined);
    await admin.connect();
    await admin.sendCommand(['CONFIG', 'SET', 'requirepass', 'new']);
    await admin.sendCommand(['CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes']);
    // Redis ends a connection that sends so long a command before its password.
    const asking = setInterval(() => void accepted(store.runs).catch(() => undefined), 100);
    await untilReconnected(admin, 4);
    clearInterval(asking);
    await expect(store.runs.ping()).rejects.toMatchObject({ name: 'StoreError' });
    await admin.sendCommand(['CONFIG', 'SET', 'requirepass', '']);
    await vi.waitFor(() => store.runs.ping(), patient);
    expect(lines).toEqual(['redis.lost', 'redis.refused', 'redis.back']);
    await store.close();
    admin.destroy();
  });

  test('a Redis that takes no writes is told once, however often the bot connects again', async () => {
    const lines: string[] = [];
    const log = pino({}, { write: (line) => void lines.push(JSON.parse(line).event) });
    const store = await openStore<Note>({ url: server.url, log });
    const admin = createClient({ url: server.url }).on('error', () => undefined);
    await admin.connect();
    // No lease is left, so that each request for it is a write.
    await admin.sendCommand(['FLUSHALL']);
    await admin.sendCommand(['REPLICAOF', '127.0.0.1', '1']);
    const asking = setInterval(() => void store.lease.acquire(60_000).catch(() => undefined), 100);
    await untilReconnected(admin, 2);
    await admin.sendCommand(['REPLICAOF', 'NO', 'ONE']);
    await vi.waitFor(() => store.lease.acquire(60_000), patient);
    clearInterval(asking);
    expect(lines).toEqual(['redis.readonly']);
    await store.close();
    admin.destroy();
  });
});

/** Resolves when Redis has accepted so many more connections. */
async function untilReconnected(
  admin: { info: (section: string) => Promise<string> },
  times: number,
): Promise<void> {
  const count = async (): Promise<number> =>
    Number(/total_connections_received:(\d+)/.exec(await admin.info('stats'))?.[1]);
  const before = await count();
  await vi.waitFor(async () => expect(await count()).toBeGreaterThanOrEqual(before + times), patient);
}

/** An address that can be made to lead elsewhere; connections stay where they are. */
async function startFront(first: number) {
  let target = first;
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
  });
  const port = await listen(server);
  return {
    port,
    leadTo(other: number): void {
      target = other;
    },
    close(): void {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
