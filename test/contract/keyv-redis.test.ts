import { afterAll, beforeAll, expect, test } from 'vitest';
import { silentLog } from '../../src/log.ts';
import { KeyvAdapter } from '../../src/store/keyv.ts';
import { openStore } from '../../src/store/open.ts';
import { RedisConnection } from '../../src/store/redis/connection.ts';
import { createRedisEntries } from '../../src/store/redis/store.ts';
import type { Store } from '../../src/store/store.ts';
import { expectClosedKeyv, keyvContract } from './keyv-contract.ts';
import { withRedis } from './redis.ts';

await withRedis('Keyv over Redis', (server) => {
  const redis = new RedisConnection(server.url, silentLog);
  let store: Store<unknown>;
  beforeAll(async () => {
    await redis.open();
    store = await openStore({ url: server.url, log: silentLog });
    await store.lease.acquire(600_000);
    // The bare adapter writes under the same lease.
    redis.fence = (await server.command('GET', 'sparkthread:{v2}:lease')).split('\r\n')[1] ?? '';
  });
  afterAll(async () => {
    redis.close();
    await store.close();
  });

  keyvContract('Redis', { adapter: () => new KeyvAdapter(createRedisEntries(redis)), store: () => store });

  test('a failed clear is told', async () => {
    const keyv = store.keyv('kernels');
    await keyv.set('a', 1);
    await server.command('ACL', 'SETUSER', 'default', '-del');
    await expect(keyv.clear()).rejects.toMatchObject({ name: 'StoreError', code: 'refused' });
    await server.command('ACL', 'SETUSER', 'default', '+@all');
    await keyv.clear();
    expect(await keyv.get('a')).toBeUndefined();
  });

  test('a Redis without room is waited for, and says so', async () => {
    await server.command('CONFIG', 'SET', 'maxmemory', '1');
    const full = { code: 'silent', message: expect.stringMatching(/OOM/) };
    await expect(store.keyv('kernels').set('a', 1)).rejects.toMatchObject(full);
    await expect(store.keyv('kernels').setMany([{ key: 'a', value: 1 }])).rejects.toMatchObject(full);
    await server.command('CONFIG', 'SET', 'maxmemory', '0');
    expect(await store.keyv('kernels').get('a')).toBeUndefined();
  });

  test('an entry that has ended is in no listing, and its place in the index goes with the next write', async () => {
    const keyv = store.keyv('short');
    await keyv.set('ends', 1, 1);
    await keyv.set('stays', 2);
    await expect.poll(() => keyv.get('ends')).toBeUndefined();
    const listed = [];
    for await (const [key] of keyv.iterator?.(undefined) ?? []) listed.push(key);
    expect(listed).toEqual(['stays']);
    await keyv.set('stays', 3);
    expect(await server.command('ZRANGE', 'sparkthread:{v2}:index:short', '0', '-1')).not.toContain('ends');
  });

  test('listing a namespace asks for its own keys only, however many others there are', async () => {
    const keyv = store.keyv('kernels');
    await keyv.setMany(Array.from({ length: 150 }, (_, index) => ({ key: `k${index}`, value: index })));
    await server.command('EVAL', "for i = 1, 300000 do redis.call('SET', 'foreign:' .. i, i) end", '0');
    await server.command('CONFIG', 'RESETSTAT');
    let listed = 0;
    for await (const _ of keyv.iterator?.(undefined) ?? []) listed += 1;
    expect(listed).toBe(150);
    const calls = [...(await server.command('INFO', 'commandstats')).matchAll(/cmdstat_(\w+):calls=(\d+)/g)];
    const counted = Object.fromEntries(calls.map(([, name, count]) => [name, Number(count)]));
    expect(Object.keys(counted)).not.toContain('scan');
    expect(Object.keys(counted)).not.toContain('keys');
    expect([counted['zrangebyscore'], counted['mget']]).toEqual([1, 2]);
  });

  test('a closed store rejects every call', async () => {
    const closed = await openStore({ url: server.url, log: silentLog });
    const keyv = closed.keyv('kernels');
    await closed.close();
    await expectClosedKeyv(keyv);
  });
});
