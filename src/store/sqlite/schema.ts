import type { DatabaseSync } from 'node:sqlite';
import { StoreError } from '../../errors.ts';
import { upgradeData, upgradeState } from '../version-1.ts';

const VERSION = 2;

/** The code has its own table, so that listings and updates of records do not touch its pages. */
const TABLES = `
  CREATE TABLE runs (
    accepted INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    workspace TEXT NOT NULL,
    channel TEXT NOT NULL,
    thread TEXT NOT NULL,
    queue TEXT NOT NULL,
    requester TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('waiting', 'sending', 'running', 'ended', 'posted')),
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    data TEXT NOT NULL
  ) STRICT;
  CREATE INDEX runs_unposted ON runs (accepted) WHERE state <> 'posted';
  CREATE INDEX runs_posted ON runs (updated_at) WHERE state = 'posted';
  CREATE INDEX runs_thread ON runs (workspace, channel, thread, accepted);
  CREATE INDEX runs_channel ON runs (workspace, channel, accepted);
  CREATE INDEX runs_requester ON runs (workspace, requester, accepted);

  CREATE TABLE code (
    run_id TEXT PRIMARY KEY,
    blocks TEXT NOT NULL
  ) STRICT;

  CREATE TABLE requests (
    request_key TEXT PRIMARY KEY,
    run_id TEXT NOT NULL,
    at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX requests_at ON requests (at);

  CREATE TABLE leader (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    holder TEXT NOT NULL,
    epoch INTEGER NOT NULL
  ) STRICT;

  CREATE TABLE keyv (
    namespace TEXT NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    expires INTEGER,
    PRIMARY KEY (namespace, key)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX keyv_expires ON keyv (expires) WHERE expires IS NOT NULL;
`;

/** Creates or migrates the tables. Throws `newer` for a newer version's file, and `refused` for another program's. */
export function migrate(db: DatabaseSync, path: string): void {
  const version = Number(db.prepare('PRAGMA user_version').get()?.['user_version']);
  if (version > VERSION) {
    throw new StoreError(
      'newer',
      `${path} was written by a newer Sparkthread (its tables have version ${version}, this one knows ${VERSION}). Start the newer one, or set STORE_URL to another file.`,
    );
  }
  if (version === 0 && db.prepare('SELECT 1 FROM sqlite_schema LIMIT 1').get() !== undefined) {
    throw new StoreError('refused', `${path} has tables of another program. Set STORE_URL to another file.`);
  }
  if (version === VERSION) return;
  // In one transaction: after a crash the file has either version, never a mixture.
  db.exec('BEGIN');
  try {
    if (version === 1) upgrade(db);
    else db.exec(TABLES);
    db.exec(`PRAGMA user_version = ${VERSION}; COMMIT;`);
  } catch (error) {
    if (db.isTransaction) db.exec('ROLLBACK');
    throw error;
  }
}

/** Moves the rows of 0.1.0's tables to the new ones. Old tables and indexes with the same names are renamed or dropped first. */
function upgrade(db: DatabaseSync): void {
  db.exec(`
    DROP INDEX runs_unposted; DROP INDEX runs_posted; DROP INDEX runs_thread; DROP INDEX runs_channel;
    DROP INDEX keyv_expires; DROP TABLE leases;
    ALTER TABLE runs RENAME TO runs_1;
    ALTER TABLE keyv RENAME TO keyv_1;
    ${TABLES}
    INSERT INTO requests SELECT delivery, run_id, at FROM deliveries;
    INSERT INTO keyv SELECT namespace, key, value, expires FROM keyv_1;
  `);
  const insertRun = db.prepare('INSERT INTO runs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)');
  const insertCode = db.prepare('INSERT INTO code VALUES (?, ?)');
  for (const run of db.prepare('SELECT * FROM runs_1').iterate()) {
    const { data, code } = upgradeData(String(run['data']));
    const placed = ['admitted', 'id', 'workspace', 'channel', 'thread', 'lane', 'runner'].map(
      (column) => run[column] ?? null,
    );
    const times = [run['created_at'] ?? null, run['updated_at'] ?? null];
    insertRun.run(...placed, upgradeState(String(run['state'])), ...times, data);
    insertCode.run(String(run['id']), JSON.stringify(code));
  }
  // The order of a run that was erased must not be given out again.
  db.exec(`
    DELETE FROM sqlite_sequence WHERE name = 'runs';
    INSERT INTO sqlite_sequence SELECT 'runs', seq FROM sqlite_sequence WHERE name = 'runs_1';
    DROP TABLE runs_1; DROP TABLE deliveries; DROP TABLE keyv_1;
  `);
}
