import { Keyv } from 'keyv';
import { StoreError } from '../errors.ts';
import type { Log } from '../log.ts';
import type { Ledger } from './ledger.ts';
import { RedisBudget } from './redis-budget.ts';
import { RedisConnection } from './redis-connection.ts';
import { RedisKeyv } from './redis-keyv.ts';
import { deliverSignal, RedisLedger } from './redis-ledger.ts';
import { createSignals } from './signals.ts';
import { openSqliteFile, openSqliteMemory } from './sqlite-file.ts';
import { SqliteKeyv } from './sqlite-keyv.ts';
import { SqliteLedger } from './sqlite-ledger.ts';

/** Where everything is kept that must outlive the process. Every call of its parts rejects with `StoreError`. */
export interface Store<Data> {
  readonly kind: 'sqlite' | 'memory' | 'redis';
  /** One Keyv per namespace; the same one each time. It throws instead of swallowing errors. */
  keyv(namespace: string): Keyv;
  readonly ledger: Ledger<Data>;
  /** What several processes count together; undefined where a process is alone. */
  readonly budget: RedisBudget | undefined;
  /** Lets go of the file or the connection. */
  close(): Promise<void>;
}

export interface StoreOptions {
  /** `sqlite:path` (relative to the working directory), `redis://…`, `rediss://…` or `memory:`. */
  url: string;
  log: Log;
  /** How long another process's hold on the file is waited for; 15 s. */
  lockWaitMs?: number;
}

/** Opens the store that `STORE_URL` names. Rejects with `StoreError`; no message carries a credential. */
export async function openStore<Data>(options: StoreOptions): Promise<Store<Data>> {
  const { url, log, lockWaitMs = 15_000 } = options;
  if (url === 'memory:') return sqliteStore('memory', openSqliteMemory(), log);
  const path = /^sqlite:(?:\/\/)?(.+)$/.exec(url)?.[1];
  if (path !== undefined) return sqliteStore('sqlite', await openSqliteFile(path, lockWaitMs), log);
  if (/^rediss?:/.test(url)) return redisStore(url, log);
  throw new StoreError('refused', 'STORE_URL is none of sqlite:path, redis://host and memory:.');
}

function sqliteStore<Data>(
  kind: 'sqlite' | 'memory',
  db: ReturnType<typeof openSqliteMemory>,
  log: Log,
): Store<Data> {
  const ledger = new SqliteLedger<Data>(db, createSignals(log));
  return {
    kind,
    keyv: onePerNamespace(() => new SqliteKeyv(db), log),
    ledger,
    budget: undefined,
    close: () => ledger.close(),
  };
}

async function redisStore<Data>(url: string, log: Log): Promise<Store<Data>> {
  const redis = new RedisConnection(url, log);
  const signals = createSignals(log);
  await redis.open((message) => deliverSignal(signals, log, message));
  const ledger = new RedisLedger<Data>(redis, signals);
  return {
    kind: 'redis',
    keyv: onePerNamespace(() => new RedisKeyv(redis), log),
    ledger,
    budget: new RedisBudget(redis),
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
    open.set(namespace, keyv);
    return keyv;
  };
}
