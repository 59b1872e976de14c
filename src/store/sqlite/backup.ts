import { closeSync, createReadStream, createWriteStream, openSync } from 'node:fs';
import { chmod, open, rename, rm, stat } from 'node:fs/promises';
import type { DatabaseSync } from 'node:sqlite';
import { pipeline } from 'node:stream/promises';
import { Worker } from 'node:worker_threads';
import { StoreError } from '../../errors.ts';
import type { Log } from '../../log.ts';
import type { Backup, Store } from '../store.ts';
import { stopCheckpoints, resumeCheckpoints } from './database.ts';

/** Beside this file; both are .ts in the source and .js in the build. */
const VACUUM = new URL(`vacuum${import.meta.url.slice(-3)}`, import.meta.url);

/**
 * Writes backups of an open database beside it while the bot works; each replaces the one before. The file does not change
 * while checkpoints of the write-ahead log are off, so it is copied meanwhile. A worker then rewrites the copy (VACUUM INTO),
 * so that it contains nothing that was erased. Only this process can do that, because it holds the lock on the file. (Node
 * gives up SQLite's own online backup as soon as this process has a transaction.)
 */
export function createSqliteBackups(db: DatabaseSync, path: string) {
  const [copy, whole, target] = [`${path}.backup-copy`, `${path}.backup-new`, `${path}.backup`];
  // Stays open as long as the database: closing any descriptor of the file drops this process's lock on it.
  let file: number | undefined;
  const copyFile = async (): Promise<void> => {
    file ??= openSync(path, 'r');
    stopCheckpoints(db);
    try {
      await pipeline(createReadStream('', { fd: file, autoClose: false, start: 0 }), createWriteStream(copy));
    } finally {
      if (db.isOpen) resumeCheckpoints(db);
    }
    // Closing the database writes the log into the file.
    if (!db.isOpen) throw new Error('the store was closed meanwhile');
  };
  return {
    /** Rejects with `StoreError`; the previous backup then stays. */
    async backUp(): Promise<Backup> {
      const begunMs = performance.now();
      try {
        for (const each of [copy, whole]) await createEmpty(each);
        await copyFile();
        await vacuumInto(copy, whole);
        await writeThrough(whole);
        await rename(whole, target);
        const { size: bytes } = await stat(target);
        return { path: target, bytes, durationMs: performance.now() - begunMs };
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        throw new StoreError('refused', `No backup of ${path} could be made: ${reason}.`, error);
      } finally {
        for (const each of [copy, whole]) await remove(each).catch(() => undefined);
      }
    },
    /** To be called after the database is closed. */
    close(): void {
      if (file !== undefined) closeSync(file);
      file = undefined;
    },
  };
}

/** Only the owner may read the file, from the beginning. */
async function createEmpty(file: string): Promise<void> {
  await remove(file);
  await (await open(file, 'wx', 0o600)).close();
}

async function remove(file: string): Promise<void> {
  for (const suffix of ['', '-journal', '-wal', '-shm']) await rm(file + suffix, { force: true });
}

function vacuumInto(from: string, to: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(VACUUM, { workerData: { from, to } });
    worker.once('error', reject);
    worker.once('exit', (code) => (code === 0 ? resolve() : reject(new Error(`exit code ${code}`))));
  });
}

async function writeThrough(file: string): Promise<void> {
  await chmod(file, 0o600);
  const handle = await open(file, 'r+');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Returns a function that makes a backup, one at a time, and logs the result. */
export function createBackups(
  { kind, backUp }: Pick<Store<unknown>, 'kind' | 'backUp'>,
  log: Log,
): () => Promise<void> {
  let isBusy = false;
  return async () => {
    if (backUp === undefined)
      return log.warn(
        { event: 'backup.needless', store: kind },
        kind === 'redis' ? 'Redis makes its own backups' : 'a store in memory has no backup',
      );
    if (isBusy)
      return log.info(
        { event: 'backup.busy' },
        'a backup is being made already, so no second one is started',
      );
    isBusy = true;
    try {
      const { path, bytes, durationMs } = await backUp();
      const ms = Math.round(durationMs);
      log.info({ event: 'backup.made', path, bytes, ms }, `a backup was made in ${ms} ms`);
    } catch (error) {
      log.error({ event: 'backup.failed', err: error }, 'no backup could be made');
    } finally {
      isBusy = false;
    }
  };
}
