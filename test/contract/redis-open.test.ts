import { once } from 'node:events';
import { createServer } from 'node:net';
import { pino } from 'pino';
import { describe, expect, test } from 'vitest';
import { freePort } from '../../demo/jupyter-app.ts';
import { silentLog } from '../../src/log.ts';
import { openStore } from '../../src/store/open.ts';
import { findRedisServer, startRedisServer } from '../support/redis-server.ts';
import { listen } from '../support/sockets.ts';
import { withRedis } from './redis.ts';
import { temporaryFolder } from './temporary-folder.ts';

const failure = async (url: string): Promise<unknown> =>
  openStore({ url, log: silentLog }).then(
    (store) => store.close(),
    (error: unknown) => error,
  );

describe('a Redis that cannot be used is named, without its credentials', () => {
  test.each([
    'redis://',
    'redis:',
    'redis://u:geheim@host/not-a-number',
    'redis://u:geheim@host:99999999',
    'redis://u:geheim@ho st',
  ])('the address %j', async (url) => {
    const error = await failure(url);
    expect(error).toMatchObject({ name: 'StoreError', code: 'refused' });
    expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toContain('geheim');
  });

  test('nobody listens', async () => {
    const port = await freePort();
    const error = await failure(`redis://u:geheim@127.0.0.1:${port}/2`);
    expect(error).toMatchObject({
      name: 'StoreError',
      code: 'silent',
      message: expect.stringMatching(/^Redis at 127\.0\.0\.1:\d+\/2: .*ECONNREFUSED/),
    });
    expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toContain('geheim');
  });

  test('a percent sign that stands for itself in a password is taken', async () => {
    expect(await failure('redis://u:100%@127.0.0.1:1')).toMatchObject({
      message: expect.stringContaining('ECONNREFUSED'),
    });
  });

  test('somebody listens and says nothing; no connection is left behind', async () => {
    const server = createServer((socket) => socket.resume());
    const port = await listen(server);
    expect(await failure(`redis://127.0.0.1:${port}`)).toMatchObject({ name: 'StoreError', code: 'silent' });
    server.close();
    // Comes only when the last connection has ended.
    await once(server, 'close');
  });
});

const password = 'gehe/im @1';
await withRedis(
  'Redis with a password',
  (server) => {
    test('takes the right one, encoded as in any address', async () => {
      const store = await openStore({ url: server.url, log: silentLog });
      await store.runs.ping();
      await store.close();
    });

    test.each([
      ['a wrong one', (port: number) => `redis://:wr%20ong@127.0.0.1:${port}`, /WRONGPASS/],
      ['none', (port: number) => `redis://127.0.0.1:${port}`, /NOAUTH/],
      [
        'a database that is not there',
        (port: number) => `redis://:${encodeURIComponent(password)}@127.0.0.1:${port}/99`,
        /ERR/,
      ],
    ])('refuses %s with its reason', async (_what, url, reason) => {
      const error = await failure(url(server.port));
      expect(error).toMatchObject({
        name: 'StoreError',
        code: 'refused',
        message: expect.stringMatching(reason),
      });
      const shown = JSON.stringify(error, Object.getOwnPropertyNames(error));
      for (const secret of ['wr%20ong', 'wr ong', password, encodeURIComponent(password)]) {
        expect(shown).not.toContain(secret);
      }
    });

    test('a lost connection is logged once, its return too, and an eviction policy that loses runs; never the password', async () => {
      await server.command('CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lru');
      await server.command('CONFIG', 'SET', 'maxmemory', '100mb');
      const lines: string[] = [];
      const store = await openStore({
        url: server.url,
        log: pino({}, { write: (line) => void lines.push(line) }),
      });
      await server.kill();
      await expect.poll(() => lines).toHaveLength(2);
      await server.start();
      await expect.poll(() => lines).toHaveLength(3);
      const messages = lines.map((line) => JSON.parse(line).msg);
      expect(messages).toEqual([
        expect.stringMatching(/maxmemory-policy to noeviction/),
        'the connection to Redis is lost',
        'the connection to Redis is back',
      ]);
      expect(lines.join('')).not.toContain('gehe');
      await store.close();
    });
  },
  password,
);

const found = await findRedisServer();
test.skipIf('missing' in found)('a node of a Redis Cluster is refused', async () => {
  if ('missing' in found) return;
  const folder = temporaryFolder();
  const node = await startRedisServer(found.path, '', ['--cluster-enabled', 'yes', '--dir', folder]);
  expect(await failure(node.url)).toMatchObject({
    name: 'StoreError',
    code: 'refused',
    message: expect.stringMatching(/Redis Cluster is not supported/),
  });
  await node.kill();
});
