import type { DatabaseSync } from 'node:sqlite';
import { StoreError } from '../../errors.ts';
import { upgradeData, upgradeState } from '../version-1.ts';

const VERSION_1 = `
  CREATE TABLE runs (
    admitted INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    workspace TEXT NOT NULL,
    channel TEXT NOT NULL,
    thread TEXT NOT NULL,
    lane TEXT NOT NULL,
    runner TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('waiting', 'sending', 'sent', 'ended', 'posted')),
    revision INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    data TEXT NOT NULL
  ) STRICT;
  CREATE INDEX runs_lane ON runs (lane, admitted) WHERE state IN ('waiting', 'sending', 'sent');
  CREATE INDEX runs_busy_runner ON runs (workspace, runner) WHERE state IN ('waiting', 'sending', 'sent');
  CREATE INDEX runs_unposted ON runs (admitted) WHERE state <> 'posted';
  CREATE INDEX runs_posted ON runs (updated_at) WHERE state = 'posted';
  CREATE INDEX runs_thread ON runs (workspace, channel, thread, admitted);
  CREATE INDEX runs_channel ON runs (workspace, channel, admitted);
  CREATE INDEX runs_runner ON runs (workspace, runner, admitted);

  CREATE TABLE deliveries (
    delivery TEXT PRIMARY KEY,
    run_id TEXT NOT NULL,
    at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX deliveries_at ON deliveries (at);

  CREATE TABLE leases (
    name TEXT PRIMARY KEY,
    owner TEXT NOT NULL,
    until INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE keyv (
    namespace TEXT NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    expires INTEGER,
    PRIMARY KEY (namespace, key)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX keyv_expires ON keyv (expires) WHERE expires IS NOT NULL;
`;

/** The code has a table of its own, so that no listing and no change of a record touches its pages. */
const VERSION_2 = `
  DROP INDEX runs_lane; DROP INDEX runs_busy_runner; DROP INDEX runs_unposted; DROP INDEX runs_posted;
  DROP INDEX runs_thread; DROP INDEX runs_channel; DROP INDEX runs_runner;
  ALTER TABLE runs RENAME TO runs_1;
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

  DROP INDEX deliveries_at;
  ALTER TABLE deliveries RENAME TO requests;
  ALTER TABLE requests RENAME COLUMN delivery TO request_key;
  CREATE INDEX requests_at ON requests (at);

  DROP TABLE leases;
  CREATE TABLE leader (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    holder TEXT NOT NULL,
    epoch INTEGER NOT NULL
  ) STRICT;
`;

/** One step per version, oldest first. A step that was released is never changed: a later one follows it. */
const MIGRATIONS: readonly ((db: DatabaseSync) => void)[] = [(db) => db.exec(VERSION_1), toVersion2];

/** Brings an open file to this version's tables. Throws `refused` for a newer file and for another program's. */
export function migrate(db: DatabaseSync, path: string): void {
  const version = Number(db.prepare('PRAGMA user_version').get()?.['user_version']);
  if (version > MIGRATIONS.length) {
    throw new StoreError(
      'refused',
      `${path} was written by a newer Sparkthread (its tables are version ${version}, this one knows ${MIGRATIONS.length}). Start the newer one, or another file.`,
    );
  }
  if (version === 0 && db.prepare('SELECT 1 FROM sqlite_schema LIMIT 1').get() !== undefined) {
    throw new StoreError('refused', `${path} holds tables of another program. Give STORE_URL another file.`);
  }
  if (version === MIGRATIONS.length) return;
  // One transaction: a crash leaves the version before or this one.
  db.exec('BEGIN');
  try {
    for (const step of MIGRATIONS.slice(version)) step(db);
    db.exec(`PRAGMA user_version = ${MIGRATIONS.length}; COMMIT;`);
  } catch (error) {
    if (db.isTransaction) db.exec('ROLLBACK');
    throw error;
  }
}

function toVersion2(db: DatabaseSync): void {
  db.exec(VERSION_2);
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
  // An order that was given out is not given out again, though its run is erased.
  db.exec(`
    DELETE FROM sqlite_sequence WHERE name = 'runs';
    INSERT INTO sqlite_sequence SELECT 'runs', seq FROM sqlite_sequence WHERE name = 'runs_1';
    DROP TABLE runs_1;
  `);
}
