import { randomUUID } from 'node:crypto';
import { accessSync, closeSync, constants, existsSync, mkdirSync, openSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { setTimeout as delay } from 'node:timers/promises';
import { StoreError } from '../../errors.ts';
import type { LeaderLease, LeaseAnswer } from '../store.ts';
import { migrate } from './schema.ts';

const LOCK_RETRY_MS = 100;
/** SQLite's default: a checkpoint runs when the log has this many pages. */
const CHECKPOINT_PAGES = 1_000;

/**
 * Opens a database file and locks it for this process alone. A missing file is created with its folder; only its owner can
 * read it. The operating system holds the lock and drops it when the process ends in any way. Waits up to `lockWaitMs` if
 * another process has the lock. Rejects with `locked`, or with `refused` if the file cannot be used.
 *
 * Nothing else in this process may open and close the file meanwhile: POSIX drops all locks of a process on a file when the
 * process closes any descriptor of it.
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
        `${file} is held by another process, which did not release it within ${lockWaitMs} ms. Only one process can use a file: stop the other one, or set STORE_URL to another file or to a redis:// address.`,
      );
    }
    await delay(LOCK_RETRY_MS);
  }
}

/** The same tables in memory, lost when the process ends. */
export function openSqliteMemory(): DatabaseSync {
  const db = new DatabaseSync(':memory:');
  db.exec('PRAGMA secure_delete = ON');
  migrate(db, 'memory:');
  return db;
}

/**
 * The lease on a database, and access to its tables: only the holder of the lease can write. The file's lock keeps other
 * processes away, so the lease is always free and does not expire.
 */
export class SqliteLease implements LeaderLease {
  readonly holder = randomUUID();
  readonly db: DatabaseSync;
  readonly #select: StatementSync;
  #epoch = 0;

  constructor(db: DatabaseSync) {
    this.db = db;
    this.#select = db.prepare('SELECT holder, epoch FROM leader');
    // This read finds a damaged file now and not at the first run.
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

  /** The epoch stays in the table, so that the next one is higher. */
  async release(): Promise<void> {
    this.#atOnce(() =>
      this.db
        .prepare(`UPDATE leader SET holder = '' WHERE holder = ? AND epoch = ?`)
        .run(this.holder, this.#epoch),
    );
  }

  /** Runs `work` on the open database. Errors are thrown as `StoreError`. */
  read<T>(work: () => T): T {
    return atStore(this.db, work);
  }

  /** Runs `work` in one transaction, which is rolled back if it throws. Throws `notLeader` without the lease. */
  write<T>(work: () => T): T {
    return this.#atOnce(() => {
      const record = this.#record();
      if (record?.holder === this.holder && record.epoch === this.#epoch) return work();
      throw new StoreError('notLeader', 'This process does not hold the lease of the store.');
    });
  }

  /** Truncates the write-ahead log, which still has the bytes that were erased from the tables. */
  truncateLog(): void {
    this.read(() => truncateLog(this.db));
  }

  #record(): { holder: string; epoch: number } | undefined {
    const row = this.#select.get();
    return row && { holder: String(row['holder']), epoch: Number(row['epoch']) };
  }

  #atOnce<T>(work: () => T): T {
    return atStore(this.db, () => inTransaction(this.db, work));
  }
}

/** Runs `work` in one transaction, which is rolled back if it throws. */
function inTransaction<T>(db: DatabaseSync, work: () => T): T {
  db.exec('BEGIN IMMEDIATE');
  try {
    const result = work();
    db.exec('COMMIT');
    return result;
  } catch (error) {
    // After some errors (a full disk) SQLite has rolled back already, and a second ROLLBACK would hide the reason.
    if (db.isTransaction) db.exec('ROLLBACK');
    throw error;
  }
}

/** Runs `work` on an open database. Errors are thrown as `StoreError`. */
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
    // 'wx' does not open an existing file: closing its descriptor would drop this process's lock.
    closeSync(openSync(file, 'wx', 0o600));
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw unusable(file, error);
    mustBeWritable(file);
  }
}

/** Without write permission on the file or its folder SQLite would only report a disk I/O error. */
function mustBeWritable(file: string): void {
  try {
    for (const path of [file, dirname(file)]) accessSync(path, constants.R_OK | constants.W_OK);
  } catch (error) {
    throw unusable(file, error);
  }
}

/** One level at a time: Node's `recursive` option never returns on a file system without folders of its own (`/proc`). */
function createFolder(folder: string): void {
  if (existsSync(folder)) return;
  createFolder(dirname(folder));
  mkdirSync(folder, { mode: 0o700 });
}

/** Undefined if another process has the lock. */
function tryOpen(file: string): DatabaseSync | undefined {
  let db: DatabaseSync | undefined;
  try {
    // No busy timeout: SQLite would block the event loop while it waits.
    db = new DatabaseSync(file, { timeout: 0 });
    // With WAL and synchronous=NORMAL a commit survives the end of the process without an fsync for each write.
    db.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;');
    // Overwrites erased code with zeros.
    db.exec('PRAGMA secure_delete = ON');
    // The first transaction takes the lock. In this mode SQLite keeps it until the file is closed.
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

/** Writes the log into the file and empties it, unless checkpoints are off. */
function truncateLog(db: DatabaseSync): void {
  if (db.prepare('PRAGMA wal_autocheckpoint').get()?.['wal_autocheckpoint'] === 0) return;
  db.prepare('PRAGMA wal_checkpoint(TRUNCATE)').all();
}

/** Turns checkpoints off: from now on writes go to the log alone, and the file does not change. */
export function stopCheckpoints(db: DatabaseSync): void {
  truncateLog(db);
  db.exec('PRAGMA wal_autocheckpoint = 0');
}

export function resumeCheckpoints(db: DatabaseSync): void {
  db.exec(`PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES}`);
  truncateLog(db);
}
