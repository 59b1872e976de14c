import { chmod, open, rename, rm, stat } from 'node:fs/promises';
import { backup, type DatabaseSync } from 'node:sqlite';
import { Worker } from 'node:worker_threads';
import { StoreError } from '../../errors.ts';

export interface Backup {
  path: string;
  bytes: number;
  durationMs: number;
}

/** Of 4 KiB each. Between two batches the event loop has the database. */
const PAGES_AT_ONCE = 100;
const VACUUM = new URL('vacuum.ts', import.meta.url);

/**
 * Writes a backup of an open database beside it, in place of the one before, while the bot works: the pages are copied by
 * threads, and a worker has SQLite write them anew (VACUUM INTO), so that nothing that was erased is in it. Only this
 * process can do it, because it holds the file alone. Rejects with `StoreError`; the backup before stays then.
 */
export async function backUp(db: DatabaseSync, path: string): Promise<Backup> {
  const begunMs = performance.now();
  const [copy, whole, target] = [`${path}.backup-copy`, `${path}.backup-new`, `${path}.backup`];
  try {
    for (const file of [copy, whole]) await createEmpty(file);
    await backup(db, copy, { rate: PAGES_AT_ONCE });
    await vacuumInto(copy, whole);
    await writeThrough(whole);
    await rename(whole, target);
    const { size: bytes } = await stat(target);
    return { path: target, bytes, durationMs: performance.now() - begunMs };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new StoreError('refused', `No backup of ${path} could be made: ${reason}.`, error);
  } finally {
    for (const file of [copy, whole]) await remove(file).catch(() => undefined);
  }
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
