import type { DatabaseSync } from 'node:sqlite';
import { unfinished } from './sqlite-schema.ts';

const columns = `id, workspace, channel, thread, lane, runner, state, admitted AS "order", revision,
  created_at AS createdAt, updated_at AS updatedAt, data`;

/** Every statement of the ledger. Each finds its rows by an index. */
export function prepareLedger(db: DatabaseSync) {
  const newest = 'ORDER BY admitted DESC LIMIT ?';
  return {
    findDelivery: db.prepare('SELECT run_id AS runId FROM deliveries WHERE delivery = ?'),
    claim: db.prepare(
      'INSERT INTO deliveries (delivery, run_id, at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING',
    ),
    countLane: db.prepare(`SELECT count(*) AS unfinished FROM runs WHERE lane = ? AND ${unfinished}`),
    countRunner: db.prepare(
      `SELECT count(*) AS unfinished FROM runs WHERE workspace = ? AND runner = ? AND ${unfinished}`,
    ),
    insert: db.prepare(
      `INSERT INTO runs (id, workspace, channel, thread, lane, runner, created_at, updated_at, data, state, revision)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 'waiting', 0) RETURNING ${columns}`,
    ),
    get: db.prepare(`SELECT ${columns} FROM runs WHERE id = ?`),
    change: db.prepare(
      `UPDATE runs SET state = coalesce(?, state), thread = coalesce(?, thread), lane = coalesce(?, lane),
         data = coalesce(?, data), updated_at = ?, revision = revision + 1
       WHERE id = ? AND revision = ? RETURNING ${columns}`,
    ),
    lane: db.prepare(`SELECT ${columns} FROM runs WHERE lane = ? AND ${unfinished} ORDER BY admitted`),
    unposted: db.prepare(`SELECT ${columns} FROM runs WHERE state <> 'posted' ORDER BY admitted`),
    thread: db.prepare(
      `SELECT ${columns} FROM runs WHERE workspace = ? AND channel = ? AND thread = ? ${newest}`,
    ),
    channel: db.prepare(`SELECT ${columns} FROM runs WHERE workspace = ? AND channel = ? ${newest}`),
    runner: db.prepare(`SELECT ${columns} FROM runs WHERE workspace = ? AND runner = ? ${newest}`),
    remove: db.prepare('DELETE FROM runs WHERE id = ?'),
    purgeDeliveries: db.prepare('DELETE FROM deliveries WHERE at < ?'),
    purgeRuns: db.prepare(`DELETE FROM runs WHERE state = 'posted' AND updated_at < ? RETURNING id`),
    takeLease: db.prepare(
      `INSERT INTO leases (name, owner, until) VALUES (?, ?, ?)
       ON CONFLICT DO UPDATE SET owner = excluded.owner, until = excluded.until
       WHERE leases.owner = excluded.owner OR leases.until <= ?`,
    ),
    getLease: db.prepare('SELECT owner, until FROM leases WHERE name = ?'),
    release: db.prepare('DELETE FROM leases WHERE name = ? AND owner = ?'),
    ping: db.prepare('SELECT 1'),
  };
}
