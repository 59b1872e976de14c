import * as z from 'zod';
import type { Log } from '../../log.ts';
import { onePerNamespace } from '../keyv.ts';
import type { RunReader } from '../run-reader.ts';
import type { Store } from '../store.ts';
import { RedisConnection } from './connection.ts';
import { checkVersion, RedisLease } from './lease.ts';
import { createRedisEntries, createRedisRuns } from './records.ts';

/** Rejects with `StoreError`. */
export async function openRedisStore<Data>(
  url: string,
  reader: RunReader<Data>,
  log: Log,
): Promise<Store<Data>> {
  const redis = new RedisConnection(url, log);
  await redis.open();
  try {
    checkVersion(await redis.read(z.string(), 'version'));
  } catch (error) {
    redis.close();
    throw error;
  }
  return {
    kind: 'redis',
    keyv: onePerNamespace(createRedisEntries(redis), log),
    runs: createRedisRuns(redis, reader),
    lease: new RedisLease(redis),
    close: async () => redis.close(),
  };
}
