import { accessSync, closeSync, constants, existsSync, mkdirSync, openSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as delay } from 'node:timers/promises';
import { StoreError } from '../../errors.ts';
import { migrate } from './sqlite-schema.ts';

const lockRetryMs = 100;

/**
 * Opens a file (created with its folder when missing, readable by its owner only) and holds it alone: the lock is the
 * operating system's, so it ends with this process however that ends. Waits up to `lockWaitMs` for another holder.
 * Rejects with `locked`, or `refused` when the file cannot be used.
 *
 * Nothing else in this process may open and close the file while it is held: POSIX drops every lock of a process on a
 * file with the first descriptor it closes.
 */
export async function openSqliteFile(path: string, lockWaitMs: number): Promise<DatabaseSync> {
  const file = resolve(path);
  const deadline = performance.now() + lockWaitMs;
  createFile(file);
  for (;;) {
    const db = tryOpen(file);
    if (db !== undefined) return db;
    if (performance.now() >= deadline) {
      throw new StoreError(
        'locked',
        `${file} is held by another process, which did not let go of it within ${lockWaitMs} ms. One process per file: stop the other one, or give STORE_URL another file or a redis:// address.`,
      );
    }
    await delay(lockRetryMs);
  }
}

/** The same tables without a file, gone with the process. */
export function openSqliteMemory(): DatabaseSync {
  const db = new DatabaseSync(':memory:');
  migrate(db, 'memory:');
  return db;
}

/** Runs `work` in one transaction that is undone when it throws. */
export function inTransaction<T>(db: DatabaseSync, work: () => T): T {
  db.exec('BEGIN IMMEDIATE');
  try {
    const result = work();
    db.exec('COMMIT');
    return result;
  } catch (error) {
    // SQLite has already undone it on some errors (full disk), and a second ROLLBACK would hide the reason.
    if (db.isTransaction) db.exec('ROLLBACK');
    throw error;
  }
}

/** Runs `work` on an open database; what goes wrong is thrown as `StoreError`. */
export function atStore<T>(db: DatabaseSync, work: () => T): T {
  if (!db.isOpen) throw new StoreError('refused', 'The store is closed.');
  try {
    return work();
  } catch (error) {
    if (error instanceof StoreError) throw error;
    throw new StoreError('refused', `SQLite: ${reasonOf(error)}`, error);
  }
}

function createFile(file: string): void {
  try {
    createFolder(dirname(file));
    // 'wx' never opens a file that exists: closing that descriptor would drop this process's lock on it.
    closeSync(openSync(file, 'wx', 0o600));
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw unusable(file, error);
    mustBeWritable(file);
  }
}

/** SQLite calls it a disk I/O error where it may not write the file, or beside it. */
function mustBeWritable(file: string): void {
  try {
    for (const path of [file, dirname(file)]) accessSync(path, constants.R_OK | constants.W_OK);
  } catch (error) {
    throw unusable(file, error);
  }
}

/** One level at a time: Node's own `recursive` never returns where a file system allows no folders (`/proc`). */
function createFolder(folder: string): void {
  if (existsSync(folder)) return;
  createFolder(dirname(folder));
  mkdirSync(folder, { mode: 0o700 });
}

/** Undefined while another process holds the file. */
function tryOpen(file: string): DatabaseSync | undefined {
  let db: DatabaseSync | undefined;
  try {
    // No busy time-out: SQLite would wait by blocking the event loop.
    db = new DatabaseSync(file, { timeout: 0 });
    // WAL with synchronous=NORMAL: what is committed survives the end of the process without an fsync per write.
    db.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;');
    // The lock is taken by the first transaction and, in this mode, kept until the file is closed.
    db.exec('BEGIN EXCLUSIVE; COMMIT;');
    migrate(db, file);
    return db;
  } catch (error) {
    db?.close();
    if (isBusy(error)) return undefined;
    throw error instanceof StoreError ? error : unusable(file, error);
  }
}

function unusable(file: string, error: unknown): StoreError {
  return new StoreError('refused', `${file} cannot be used as a store: ${reasonOf(error)}.`, error);
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** SQLITE_BUSY: somebody else has the lock. */
function isBusy(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error && error.errcode === 5;
}
