import { afterAll, beforeAll, expect, test } from 'vitest';
import { silentLog } from '../../src/log.ts';
import { openStore, type Store } from '../../src/store/open-store.ts';
import { RedisConnection } from '../../src/store/redis/redis-connection.ts';
import { RedisKeyv } from '../../src/store/redis/redis-keyv.ts';
import { expectClosedKeyv, keyvContract } from './keyv-contract.ts';
import { withRedis } from './redis.ts';

await withRedis('Keyv over Redis', (server) => {
  const redis = new RedisConnection(server.url, silentLog);
  let store: Store<unknown>;
  beforeAll(async () => {
    await redis.open(() => undefined);
    store = await openStore({ url: server.url, log: silentLog });
  });
  afterAll(async () => {
    redis.close();
    await store.close();
  });

  keyvContract('Redis', { adapter: () => new RedisKeyv(redis), store: () => store });

  test('a failed clear is told', async () => {
    const keyv = store.keyv('kernels');
    await server.command('ACL', 'SETUSER', 'default', '-scan');
    await expect(keyv.clear()).rejects.toMatchObject({ name: 'StoreError', code: 'refused' });
    await server.command('ACL', 'SETUSER', 'default', '+@all');
    await server.command('CONFIG', 'SET', 'maxmemory', '0');
    await keyv.clear();
  });

  test('a Redis without room refuses, and says so', async () => {
    await server.command('CONFIG', 'SET', 'maxmemory', '1');
    await expect(store.keyv('kernels').set('a', 1)).rejects.toMatchObject({
      code: 'refused',
      message: expect.stringMatching(/OOM/),
    });
    await expect(store.keyv('kernels').setMany([{ key: 'a', value: 1 }])).rejects.toMatchObject({
      code: 'refused',
    });
    await server.command('CONFIG', 'SET', 'maxmemory', '0');
    expect(await store.keyv('kernels').get('a')).toBeUndefined();
  });

  test('a closed store rejects every call', async () => {
    const closed = await openStore({ url: server.url, log: silentLog });
    const keyv = closed.keyv('kernels');
    await closed.close();
    await expectClosedKeyv(keyv);
  });
});
