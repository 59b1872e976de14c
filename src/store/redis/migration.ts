import * as z from 'zod';
import { upgradeData, upgradeState } from '../version-1.ts';
import type { RedisConnection } from './connection.ts';
import { PREFIX_1 } from './migration-scripts.ts';

/** The version that is stored in Redis. A later version that moves the keys stores its own number there too. */
export const STORE_VERSION = 2;

const BATCH = 500;
const KEYV_1 = `${PREFIX_1}keyv:`;
/** Turns [field, value, …] into a map. */
const OLD_RUN = z
  .array(z.string())
  .transform(
    (flat) =>
      new Map(flat.flatMap((field, index) => (index % 2 === 0 ? [[field, flat[index + 1] ?? '']] : []))),
  );

/**
 * Moves what 0.1.0 stored to the keys of this version. Each record is moved in one step that deletes the old one, so that
 * the next process can continue a migration that was cut short. Every step renews the lease, because the whole migration
 * may take longer. If 0.1.0 never wrote here, nothing is searched: this Redis may have a million keys of other programs.
 */
export async function migrateStore(redis: RedisConnection, ttlMs: number): Promise<void> {
  const traces = await redis.write(z.number(), 'beginMigration', ttlMs);
  if (traces > 0) await moveAll(redis, ttlMs);
  await redis.write(z.null(), 'endMigration', STORE_VERSION);
}

async function moveAll(redis: RedisConnection, ttlMs: number): Promise<void> {
  for (const index of ['unposted', 'posted']) await moveRuns(redis, index, ttlMs);
  let requests = BATCH;
  while (requests === BATCH) requests = await redis.write(z.number(), 'moveRequests', ttlMs, BATCH);
  await moveEntries(redis, ttlMs);
}

async function moveRuns(redis: RedisConnection, index: string, ttlMs: number): Promise<void> {
  for (;;) {
    const ids = await redis.read(z.array(z.string()), 'oldRuns', index, BATCH);
    if (ids.length === 0) return;
    for (const id of ids) {
      const old = await redis.read(OLD_RUN, 'oldRun', id);
      const { data, code } = upgradeData(old.get('data') ?? '');
      const placed = ['workspace', 'channel', 'thread', 'lane', 'runner'].map((name) => old.get(name) ?? '');
      const times = [Number(old.get('createdAt') ?? 0), Number(old.get('updatedAt') ?? 0)];
      const run = [id, ...placed, upgradeState(old.get('state') ?? ''), ...times, data];
      await redis.write(
        z.null(),
        'moveRun',
        ttlMs,
        Number(old.get('order') ?? 0),
        JSON.stringify(code),
        ...run,
      );
    }
  }
}

/** 0.1.0 had no index of these entries, so all keys of this Redis are scanned. */
async function moveEntries(redis: RedisConnection, ttlMs: number): Promise<void> {
  let cursor = '0';
  do {
    const page = await redis.call(() =>
      redis.client.scan(cursor, { MATCH: `${KEYV_1.replace(/[[\]*?\\]/g, '\\$&')}*`, COUNT: 1_000 }),
    );
    cursor = page.cursor;
    const entries = page.keys.flatMap((key) => {
      const [, namespace, name] = /^(.*?)::(.*)$/s.exec(key.slice(KEYV_1.length)) ?? [];
      return namespace === undefined || name === undefined ? [] : [key, encodeURIComponent(namespace), name];
    });
    await redis.write(z.null(), 'moveEntries', ttlMs, ...entries);
  } while (cursor !== '0');
}
