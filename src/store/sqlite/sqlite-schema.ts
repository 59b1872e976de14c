import type { DatabaseSync } from 'node:sqlite';
import { StoreError } from '../../errors.ts';

/** What counts as unfinished, in the words that SQLite compares with the partial indexes. */
export const unfinished = `state IN ('waiting', 'sending', 'sent')`;

/** One step per version, oldest first. A step that was released is never changed: a later one follows it. */
const migrations = [
  `
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
  CREATE INDEX runs_lane ON runs (lane, admitted) WHERE ${unfinished};
  CREATE INDEX runs_busy_runner ON runs (workspace, runner) WHERE ${unfinished};
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
  `,
];

/** Brings an open file to this version's tables. Throws `refused` for a newer file and for another program's. */
export function migrate(db: DatabaseSync, path: string): void {
  const version = Number(db.prepare('PRAGMA user_version').get()?.['user_version']);
  if (version > migrations.length) {
    throw new StoreError(
      'refused',
      `${path} was written by a newer Sparkthread (its tables are version ${version}, this one knows ${migrations.length}). Start the newer one, or another file.`,
    );
  }
  if (version === 0 && db.prepare('SELECT 1 FROM sqlite_schema LIMIT 1').get() !== undefined) {
    throw new StoreError('refused', `${path} holds tables of another program. Give STORE_URL another file.`);
  }
  for (const [index, step] of migrations.entries()) {
    if (index < version) continue;
    // One transaction per step: a crash leaves the version before or the version after.
    db.exec(`BEGIN; ${step} PRAGMA user_version = ${index + 1}; COMMIT;`);
  }
}
