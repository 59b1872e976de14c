import { randomUUID } from 'node:crypto';
import { accessSync, closeSync, constants, openSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { setTimeout as delay } from 'node:timers/promises';
import { StoreError } from '../../errors.ts';
import { createFolder } from '../../folders.ts';
import type { LeaderLease, LeaseAnswer } from '../store.ts';
import { migrate } from './schema.ts';

const LOCK_RETRY_MS = 100;
/** SQLite's own: so many pages of the log are taken over into the file at once. */
const LOG_PAGES = 1_000;

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
        `${file} is held by another process, which did not release it within ${lockWaitMs} ms. One process per file: stop the other one, or give STORE_URL another file or a redis:// address.`,
      );
    }
    await delay(LOCK_RETRY_MS);
  }
}

/** The same tables without a file, gone with the process. */
export function openSqliteMemory(): DatabaseSync {
  const db = new DatabaseSync(':memory:');
  db.exec('PRAGMA secure_delete = ON');
  migrate(db, 'memory:');
  return db;
}

/**
 * The lease of the process that has the file, and the way to its tables: only a holder of the lease writes. The file's
 * lock keeps other processes away, so the lease is always to be had and does not end by itself.
 */
export class SqliteLease implements LeaderLease {
  readonly holder = randomUUID();
  readonly db: DatabaseSync;
  readonly #select: StatementSync;
  #epoch = 0;

  constructor(db: DatabaseSync) {
    this.db = db;
    this.#select = db.prepare('SELECT holder, epoch FROM leader');
    // A file that is damaged behind its first page is found to be here, not at the first run.
    this.#record();
  }

  async acquire(): Promise<LeaseAnswer> {
    this.#epoch = this.#atOnce(() => {
      this.db
        .prepare(
          `INSERT INTO leader VALUES (1, ?, 1)
           ON CONFLICT DO UPDATE SET holder = excluded.holder, epoch = leader.epoch + 1`,
        )
        .run(this.holder);
      return this.#record()?.epoch ?? 0;
    });
    return { kind: 'held', epoch: this.#epoch };
  }

  async renew(): Promise<'held' | 'taken' | 'missing'> {
    return this.read(() => {
      const record = this.#record();
      if (record === undefined || record.holder === '') return 'missing';
      return record.holder === this.holder && record.epoch === this.#epoch ? 'held' : 'taken';
    });
  }

  /** The epoch stays, so that the next one is higher. */
  async release(): Promise<void> {
    this.#atOnce(() =>
      this.db
        .prepare(`UPDATE leader SET holder = '' WHERE holder = ? AND epoch = ?`)
        .run(this.holder, this.#epoch),
    );
  }

  /** Runs `work` on the open database; what goes wrong is thrown as `StoreError`. */
  read<T>(work: () => T): T {
    return atStore(this.db, work);
  }

  /** The same in one transaction that is undone when it throws. Throws `notLeader` without the lease. */
  write<T>(work: () => T): T {
    return this.#atOnce(() => {
      const record = this.#record();
      if (record?.holder === this.holder && record.epoch === this.#epoch) return work();
      throw new StoreError('notLeader', 'This process does not hold the lease of the store.');
    });
  }

  /** Until then the log of writes keeps the bytes that were erased from the tables. */
  cutLog(): void {
    this.read(() => cutLog(this.db));
  }

  #record(): { holder: string; epoch: number } | undefined {
    const row = this.#select.get();
    return row && { holder: String(row['holder']), epoch: Number(row['epoch']) };
  }

  #atOnce<T>(work: () => T): T {
    return atStore(this.db, () => inTransaction(this.db, work));
  }
}

/** Runs `work` in one transaction that is undone when it throws. */
function inTransaction<T>(db: DatabaseSync, work: () => T): T {
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
    createFolder(dirname(file), 0o700);
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

/** Undefined while another process holds the file. */
function tryOpen(file: string): DatabaseSync | undefined {
  let db: DatabaseSync | undefined;
  try {
    // No busy time-out: SQLite would wait by blocking the event loop.
    db = new DatabaseSync(file, { timeout: 0 });
    // WAL with synchronous=NORMAL: what is committed survives the end of the process without an fsync per write.
    db.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;');
    // Erased code is overwritten with zeros.
    db.exec('PRAGMA secure_delete = ON');
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

/** SQLITE_BUSY: another process has the lock. */
function isBusy(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error && error.errcode === 5;
}

/** Takes all of the log of writes over into the file and empties it; not while it is held. */
function cutLog(db: DatabaseSync): void {
  if (db.prepare('PRAGMA wal_autocheckpoint').get()?.['wal_autocheckpoint'] === 0) return;
  db.prepare('PRAGMA wal_checkpoint(TRUNCATE)').all();
}

/** From now on what is written is in the log alone, and the file stays as it is. */
export function holdLog(db: DatabaseSync): void {
  cutLog(db);
  db.exec('PRAGMA wal_autocheckpoint = 0');
}

export function releaseLog(db: DatabaseSync): void {
  db.exec(`PRAGMA wal_autocheckpoint = ${LOG_PAGES}`);
  cutLog(db);
}
