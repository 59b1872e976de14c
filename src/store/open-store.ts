import { Keyv } from 'keyv';
import { StoreError } from '../errors.ts';
import type { Log } from '../log.ts';
import type { Ledger } from './run-store.ts';
import { RedisConnection } from './redis/redis-connection.ts';
import { RedisKeyv } from './redis/redis-keyv.ts';
import { deliverSignal, RedisLedger } from './redis/redis-run-store.ts';
import { createRunReader, type ReadData, type RunReader } from './run-record.ts';
import { createSignals } from './signals.ts';
import { atStore, openSqliteFile, openSqliteMemory } from './sqlite/sqlite-file.ts';
import { SqliteKeyv } from './sqlite/sqlite-keyv.ts';
import { SqliteLedger } from './sqlite/sqlite-run-store.ts';

/** Where everything is kept that must outlive the process. Every call of its parts rejects with `StoreError`. */
export interface Store<Data> {
  readonly kind: 'sqlite' | 'memory' | 'redis';
  /** One Keyv per namespace; the same one each time. It throws instead of swallowing errors. */
  keyv(namespace: string): Keyv;
  readonly ledger: Ledger<Data>;
  /** Lets go of the file or the connection. */
  close(): Promise<void>;
}

export interface StoreOptions<Data> {
  /** `sqlite:path` (relative to the working directory), `redis://…`, `rediss://…` or `memory:`. */
  url: string;
  log: Log;
  /** By default the stored JSON is taken as it is. */
  readData?: ReadData<Data>;
  /** How long another process's hold on the file is waited for; 15 s. */
  lockWaitMs?: number;
}

/** Opens the store that `STORE_URL` names. Rejects with `StoreError`; no message carries a credential. */
export async function openStore<Data>(options: StoreOptions<Data>): Promise<Store<Data>> {
  const { url, log, readData, lockWaitMs = 15_000 } = options;
  const reader = createRunReader(log, readData);
  if (url === 'memory:') return sqliteStore('memory', openSqliteMemory(), reader, log);
  const path = /^sqlite:(?:\/\/)?(.+)$/.exec(url)?.[1];
  if (path !== undefined) {
    const db = await openSqliteFile(path, lockWaitMs);
    // A file that is damaged further in is found to be by the first statements.
    return atStore(db, () => sqliteStore('sqlite', db, reader, log));
  }
  if (/^rediss?:/.test(url)) return redisStore(url, reader, log);
  throw new StoreError('refused', 'STORE_URL is none of sqlite:path, redis://host and memory:.');
}

function sqliteStore<Data>(
  kind: 'sqlite' | 'memory',
  db: ReturnType<typeof openSqliteMemory>,
  reader: RunReader<Data>,
  log: Log,
): Store<Data> {
  const ledger = new SqliteLedger<Data>(db, createSignals(log), reader);
  return {
    kind,
    keyv: onePerNamespace(() => new SqliteKeyv(db), log),
    ledger,
    close: () => ledger.close(),
  };
}

async function redisStore<Data>(url: string, reader: RunReader<Data>, log: Log): Promise<Store<Data>> {
  const redis = new RedisConnection(url, log);
  const signals = createSignals(log);
  await redis.open((message) => deliverSignal(signals, log, message));
  const ledger = new RedisLedger<Data>(redis, signals, reader);
  return {
    kind: 'redis',
    keyv: onePerNamespace(() => new RedisKeyv(redis), log),
    ledger,
    close: () => ledger.close(),
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
