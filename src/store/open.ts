import { Keyv } from 'keyv';
import * as z from 'zod';
import { StoreError } from '../errors.ts';
import type { Log } from '../log.ts';
import { RedisConnection } from './redis/connection.ts';
import { RedisKeyv } from './redis/keyv.ts';
import { checkVersion, RedisLease } from './redis/lease.ts';
import { RedisRuns } from './redis/runs.ts';
import { createRunReader, type ReadData, type RunReader } from './run-reader.ts';
import { atStore, openSqliteFile, openSqliteMemory, SqliteLease } from './sqlite/database.ts';
import { SqliteKeyv } from './sqlite/keyv.ts';
import { SqliteRuns } from './sqlite/runs.ts';
import type { Store } from './store.ts';

export interface StoreOptions<Data> {
  /** `sqlite:path` (relative to the working directory), `redis://…`, `rediss://…` or `memory:`. */
  url: string;
  log: Log;
  /** By default the stored JSON is taken as it is. */
  readData?: ReadData<Data>;
  /** How long another process's hold on the file is waited for; 15 s. */
  lockWaitMs?: number;
}

/**
 * Opens the store that `STORE_URL` names. Rejects with `StoreError`; no message carries a credential. Nothing can be
 * written before its lease is acquired.
 */
export async function openStore<Data>(options: StoreOptions<Data>): Promise<Store<Data>> {
  const { url, log, readData, lockWaitMs = 15_000 } = options;
  const reader = createRunReader(log, readData);
  if (url === 'memory:') return createSqliteStore('memory', openSqliteMemory(), reader, log);
  const path = /^sqlite:(?:\/\/)?(.+)$/.exec(url)?.[1];
  if (path !== undefined) {
    const db = await openSqliteFile(path, lockWaitMs);
    return atStore(db, () => createSqliteStore('sqlite', db, reader, log));
  }
  if (/^rediss?:/.test(url)) return openRedisStore(url, reader, log);
  throw new StoreError('refused', 'STORE_URL is none of sqlite:path, redis://host and memory:.');
}

/** A holder of its own over an open database. */
export function createSqliteStore<Data>(
  kind: 'sqlite' | 'memory',
  db: ReturnType<typeof openSqliteMemory>,
  reader: RunReader<Data>,
  log: Log,
): Store<Data> {
  const lease = new SqliteLease(db);
  return {
    kind,
    keyv: onePerNamespace(() => new SqliteKeyv(lease), log),
    runs: new SqliteRuns<Data>(lease, reader),
    lease,
    close: async () => {
      if (db.isOpen) atStore(db, () => db.close());
    },
  };
}
async function openRedisStore<Data>(url: string, reader: RunReader<Data>, log: Log): Promise<Store<Data>> {
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
    keyv: onePerNamespace(() => new RedisKeyv(redis), log),
    runs: new RedisRuns<Data>(redis, reader),
    lease: new RedisLease(redis),
    close: async () => redis.close(),
  };
}

/** Keyv's own key prefix is off: each adapter keeps namespaces apart by itself. */
function onePerNamespace(createAdapter: () => object, log: Log): (namespace: string) => Keyv {
  const open = new Map<string, Keyv>();
  return (namespace) => {
    const known = open.get(namespace);
    if (known !== undefined) return known;
    const keyv = new Keyv({ store: createAdapter(), namespace, useKeyPrefix: false, throwOnErrors: true });
    keyv.on('error', (error: unknown) => log.debug({ err: error, namespace }, 'Keyv failed'));
    readLoosely(keyv, (reason) => log.error({ namespace, reason }, 'a stored value cannot be read'));
    open.set(namespace, keyv);
    return keyv;
  };
}

/** A value that is no JSON is read as null, which none of ours is: one bad entry breaks no listing of the others. */
function readLoosely(keyv: Keyv, onUnreadable: (reason: string) => void): void {
  const { deserialize } = keyv;
  if (deserialize === undefined) return;
  keyv.deserialize = async <Value>(text: string) => {
    try {
      const kept = await deserialize<Value>(text);
      if (typeof kept === 'object' && kept !== null) return kept;
      onUnreadable('not what Keyv writes');
    } catch (error) {
      // Its message shows what stands there, such as code.
      onUnreadable(error instanceof Error ? error.name : 'no JSON');
    }
    return deserialize<Value>('{"value":null}');
  };
}
