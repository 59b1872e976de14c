import { resolve } from 'node:path';
import { StoreError } from '../errors.ts';
import type { Log } from '../log.ts';
import { createRunReader, type ReadData } from './run-reader.ts';
import { createSqliteBackups } from './sqlite/backup.ts';
import { atStore, openSqliteFile, openSqliteMemory } from './sqlite/database.ts';
import { createSqliteStore } from './sqlite/store.ts';
import { readStoreAddress, type Store } from './store.ts';

export interface StoreOptions<Data> {
  /** `sqlite:path` (relative to the working directory), `redis://…`, `rediss://…` or `memory:`. */
  url: string;
  log: Log;
  /** By default stored JSON is used as it is. */
  readData?: ReadData<Data>;
  /** How long to wait for another process to release the file. By default 15 s. */
  lockWaitMs?: number;
}

/**
 * Opens the store that `STORE_URL` names. Rejects with `StoreError`, whose message contains no credentials. Nothing can
 * be written before the lease is acquired.
 */
export async function openStore<Data>(options: StoreOptions<Data>): Promise<Store<Data>> {
  const { url, log, readData, lockWaitMs = 15_000 } = options;
  const reader = createRunReader(log, readData);
  const address = readStoreAddress(url);
  if (address?.kind === 'memory') return createSqliteStore('memory', openSqliteMemory(), reader, log);
  if (address?.kind === 'sqlite') {
    const { path } = address;
    const db = await openSqliteFile(path, lockWaitMs);
    const store = atStore(db, () => createSqliteStore<Data>('sqlite', db, reader, log));
    const backups = createSqliteBackups(db, resolve(path));
    const close = async (): Promise<void> => {
      await store.close();
      backups.close();
    };
    return { ...store, backUp: () => backups.backUp(), close };
  }
  if (address?.kind === 'redis') {
    // Loaded only when needed: the client costs 5 MB and 40 ms at each start.
    const { openRedisStore } = await import('./redis/store.ts');
    return openRedisStore(url, reader, log);
  }
  throw new StoreError('refused', 'STORE_URL is none of sqlite:path, redis://host and memory:.');
}
