import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Log } from '../../log.ts';
import { type Entries, onePerNamespace } from '../keyv.ts';
import type { RunReader } from '../run-reader.ts';
import { PURGE_BATCH, type RunRecord, type RunStore, type Store } from '../store.ts';
import { atStore, SqliteLease } from './database.ts';

/** A store with a new lease holder on an open database. */
export function createSqliteStore<Data>(
  kind: 'sqlite' | 'memory',
  db: DatabaseSync,
  reader: RunReader<Data>,
  log: Log,
): Store<Data> {
  const lease = new SqliteLease(db);
  return {
    kind,
    keyv: onePerNamespace(createSqliteEntries(lease), log),
    runs: createSqliteRuns(lease, reader),
    lease,
    close: async () => {
      if (db.isOpen) atStore(db, () => db.close());
    },
  };
}

/**
 * The runs in one SQLite database that no other process has open. SQLite works synchronously, so two calls of this process
 * never interleave.
 */
function createSqliteRuns<Data>(lease: SqliteLease, reader: RunReader<Data>): RunStore<Data> {
  const sql = prepareRuns(lease.db);
  const runOf = (requestKey: string): string | undefined => {
    const known = sql.findRequest.get(requestKey);
    return known && String(known['runId']);
  };
  const erase = (runId: string): void => {
    sql.remove.run(runId);
    sql.removeCode.run(runId);
  };
  const list = (statement: StatementSync, ...values: (string | number)[]): RunRecord<Data>[] =>
    lease.read(() => reader.all(statement.all(...values)));
  return {
    accept: async (requestKey, run) =>
      lease.write(() => {
        const isNew = sql.markSeen.run(requestKey, run.id, run.createdAt).changes === 1;
        if (!isNew) return { kind: 'duplicate', runId: runOf(requestKey) ?? '' };
        sql.insertCode.run(run.id, JSON.stringify(run.code));
        const accepted = { ...run, state: 'waiting', updatedAt: run.createdAt } as const;
        const { lastInsertRowid } = sql.insert.run({ ...rowOf(accepted), order: null });
        return { kind: 'accepted', order: Number(lastInsertRowid) };
      }),
    markSeen: async (requestKey, atMs) =>
      lease.write(() => sql.markSeen.run(requestKey, '', atMs).changes === 1),
    forgetRequest: async (requestKey) => void lease.write(() => sql.forgetRequest.run(requestKey)),
    findRequest: async (requestKey) => lease.read(() => runOf(requestKey)),
    save: async (run, code) => {
      const isThere = lease.write(() => {
        const { queue, state, updatedAt, data, ...place } = rowOf(run);
        if (sql.update.run({ id: run.id, queue, state, updatedAt, data }).changes !== 1) return false;
        sql.move.run(place);
        if (code !== undefined) sql.insertCode.run(run.id, JSON.stringify(code));
        return true;
      });
      if (code?.length === 0) lease.truncateLog();
      return isThere;
    },
    restore: async (requestKey, run, code) =>
      lease.write(() => {
        sql.forgetRequest.run(requestKey);
        sql.markSeen.run(requestKey, run.id, run.createdAt);
        sql.remove.run(run.id);
        sql.insertCode.run(run.id, JSON.stringify(code));
        sql.insert.run({ ...rowOf(run), order: run.order });
      }),
    get: async (runId) =>
      lease.read(() => {
        const row = sql.get.get(runId);
        return row && reader.one(row);
      }),
    code: async (runId) =>
      lease.read(() => {
        const row = sql.getCode.get(runId);
        return row && reader.code(String(row['blocks']), runId);
      }),
    unposted: async () => list(sql.unposted),
    newest: async (index, of, limit) => list(sql[index], ...of, limit),
    remove: async (runId) => {
      lease.write(() => erase(runId));
      lease.truncateLog();
    },
    withdraw: async (runId, requestKey) => {
      lease.write(() => {
        erase(runId);
        sql.forgetRequest.run(requestKey);
      });
      lease.truncateLog();
    },
    purge: async ({ runsBefore, requestsBefore }) => {
      const purged = lease.write(() => {
        const requests = Number(sql.purgeRequests.run(requestsBefore).changes);
        const ids = sql.oldRuns.all(runsBefore).map((row) => String(row['id']));
        for (const runId of ids) erase(runId);
        return { ids, isPartial: Math.max(requests, ids.length) === PURGE_BATCH };
      });
      if (purged.ids.length > 0) lease.truncateLog();
      return purged;
    },
    ping: async () => void lease.read(() => sql.ping.get()),
  };
}

/** The named parameters of the statements. */
function rowOf({ data, ...run }: Omit<RunRecord<unknown>, 'order'>) {
  const { id, workspace, channel, thread, queue, requester, state, createdAt, updatedAt } = run;
  const place = { id, workspace, channel, thread, queue, requester };
  return { ...place, state, createdAt, updatedAt, data: JSON.stringify(data) };
}

/** Each of the statements uses an index. */
export function prepareRuns(db: DatabaseSync) {
  const columns = `id, workspace, channel, thread, queue, requester, state, accepted AS "order",
    created_at AS createdAt, updated_at AS updatedAt, data`;
  const newest = 'ORDER BY accepted DESC LIMIT ?';
  return {
    findRequest: db.prepare('SELECT run_id AS runId FROM requests WHERE request_key = ?'),
    markSeen: db.prepare(
      'INSERT INTO requests (request_key, run_id, at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING',
    ),
    forgetRequest: db.prepare('DELETE FROM requests WHERE request_key = ?'),
    insert: db.prepare(
      `INSERT INTO runs (accepted, id, workspace, channel, thread, queue, requester, state, created_at, updated_at, data)
       VALUES (:order, :id, :workspace, :channel, :thread, :queue, :requester, :state, :createdAt, :updatedAt, :data)`,
    ),
    insertCode: db.prepare('INSERT OR REPLACE INTO code (run_id, blocks) VALUES (?, ?)'),
    update: db.prepare(
      'UPDATE runs SET queue = :queue, state = :state, updated_at = :updatedAt, data = :data WHERE id = :id',
    ),
    // A separate statement, because SQLite rewrites every index whose columns are named, even if they are unchanged.
    move: db.prepare(
      `UPDATE runs SET workspace = :workspace, channel = :channel, thread = :thread, requester = :requester,
         created_at = :createdAt
       WHERE id = :id AND (workspace, channel, thread, requester, created_at)
         IS NOT (:workspace, :channel, :thread, :requester, :createdAt)`,
    ),
    get: db.prepare(`SELECT ${columns} FROM runs WHERE id = ?`),
    getCode: db.prepare('SELECT blocks FROM code WHERE run_id = ?'),
    unposted: db.prepare(`SELECT ${columns} FROM runs WHERE state <> 'posted' ORDER BY accepted`),
    thread: db.prepare(
      `SELECT ${columns} FROM runs WHERE workspace = ? AND channel = ? AND thread = ? ${newest}`,
    ),
    channel: db.prepare(`SELECT ${columns} FROM runs WHERE workspace = ? AND channel = ? ${newest}`),
    requester: db.prepare(`SELECT ${columns} FROM runs WHERE workspace = ? AND requester = ? ${newest}`),
    remove: db.prepare('DELETE FROM runs WHERE id = ?'),
    removeCode: db.prepare('DELETE FROM code WHERE run_id = ?'),
    oldRuns: db.prepare(`SELECT id FROM runs WHERE state = 'posted' AND updated_at < ? LIMIT ${PURGE_BATCH}`),
    purgeRequests: db.prepare(
      `DELETE FROM requests WHERE request_key IN (SELECT request_key FROM requests WHERE at < ? LIMIT ${PURGE_BATCH})`,
    ),
    ping: db.prepare('SELECT 1'),
  };
}

/** Keyv's entries in one table for all namespaces. */
export function createSqliteEntries(lease: SqliteLease): Entries {
  const alive = '(expires IS NULL OR expires > ?)';
  const { db } = lease;
  const sql = {
    select: db.prepare(`SELECT value FROM keyv WHERE namespace = ? AND key = ? AND ${alive}`),
    keys: db.prepare(`SELECT key FROM keyv WHERE namespace = ? AND ${alive} ORDER BY key`),
    upsert: db.prepare('INSERT OR REPLACE INTO keyv (namespace, key, value, expires) VALUES (?, ?, ?, ?)'),
    delete: db.prepare('DELETE FROM keyv WHERE namespace = ? AND key = ?'),
    clear: db.prepare('DELETE FROM keyv WHERE namespace = ?'),
    expire: db.prepare('DELETE FROM keyv WHERE expires <= ?'),
  };
  return {
    values: async (namespace, keys) =>
      lease.read(() =>
        keys.map((key) => {
          const row = sql.select.get(namespace, key, Date.now());
          return row && String(row['value']);
        }),
      ),
    set: async (namespace, key, value, ttl) =>
      lease.write(() => {
        const now = Date.now();
        sql.expire.run(now);
        sql.upsert.run(namespace, key, value, ttl === undefined ? null : Math.ceil(now + ttl));
      }),
    delete: async (namespace, key) => lease.write(() => sql.delete.run(namespace, key).changes === 1),
    clear: async (namespace) => void lease.write(() => sql.clear.run(namespace)),
    keys: async (namespace) =>
      lease.read(() => sql.keys.all(namespace, Date.now()).map((row) => String(row['key']))),
  };
}
