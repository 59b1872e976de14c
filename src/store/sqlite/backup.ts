import { closeSync, createReadStream, createWriteStream, openSync } from 'node:fs';
import { chmod, open, rename, rm, stat } from 'node:fs/promises';
import type { DatabaseSync } from 'node:sqlite';
import { pipeline } from 'node:stream/promises';
import { Worker } from 'node:worker_threads';
import { StoreError } from '../../errors.ts';
import type { Log } from '../../log.ts';
import type { Backup, Store } from '../store.ts';
import { holdLog, releaseLog } from './database.ts';

/** Beside this file: .ts, or .js where both are built. */
const VACUUM = new URL(`vacuum${import.meta.url.slice(-3)}`, import.meta.url);

/**
 * Writes backups of an open database beside it, each in place of the one before, while the bot works. Until the log of
 * writes is taken over into the file, the file stays as it is: so long it is copied, and a worker has SQLite write the copy
 * anew (VACUUM INTO), so that nothing that was erased is in it. Only this process can do it, because it holds the file
 * alone. (SQLite's own online copy is given up by Node as soon as it meets a transaction of this process.)
 */
export function createSqliteBackups(db: DatabaseSync, path: string) {
  const [copy, whole, target] = [`${path}.backup-copy`, `${path}.backup-new`, `${path}.backup`];
  // Open as long as the database: closing any descriptor of its file drops this process's lock on it.
  let file: number | undefined;
  const copyFile = async (): Promise<void> => {
    file ??= openSync(path, 'r');
    holdLog(db);
    try {
      await pipeline(createReadStream('', { fd: file, autoClose: false, start: 0 }), createWriteStream(copy));
    } finally {
      if (db.isOpen) releaseLog(db);
    }
    // What closes the database takes the log over into the file.
    if (!db.isOpen) throw new Error('the store was closed meanwhile');
  };
  return {
    /** Rejects with `StoreError`; the backup before stays then. */
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
    /** To be called when the database is closed. */
    close(): void {
      if (file !== undefined) closeSync(file);
      file = undefined;
    },
  };
}

/** For its owner only, before there is anything in it. */
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

/** Gives what makes a backup each time it is called, one at a time, and logs what became of it. */
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
      return log.info({ event: 'backup.busy' }, 'a backup is being made already; no second one is begun');
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
