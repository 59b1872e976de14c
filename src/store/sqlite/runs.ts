import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { RunReader } from '../run-reader.ts';
import {
  type Acceptance,
  type NewRun,
  PURGE_BATCH,
  type Purged,
  type RunIndex,
  type RunRecord,
  type RunStore,
} from '../store.ts';
import type { SqliteLease } from './database.ts';

/**
 * The runs in one SQLite database that no other process has open. SQLite works synchronously, so two calls of this process
 * never interleave.
 */
export class SqliteRuns<Data> implements RunStore<Data> {
  readonly #lease: SqliteLease;
  readonly #reader: RunReader<Data>;
  readonly #sql: ReturnType<typeof prepareRuns>;

  constructor(lease: SqliteLease, reader: RunReader<Data>) {
    this.#lease = lease;
    this.#reader = reader;
    this.#sql = prepareRuns(lease.db);
  }

  async accept(requestKey: string, run: NewRun<Data>): Promise<Acceptance> {
    return this.#lease.write(() => {
      const isNew = this.#sql.markSeen.run(requestKey, run.id, run.createdAt).changes === 1;
      if (!isNew) return { kind: 'duplicate', runId: this.#runOf(requestKey) ?? '' };
      this.#sql.insertCode.run(run.id, JSON.stringify(run.code));
      const accepted = { ...run, state: 'waiting', updatedAt: run.createdAt } as const;
      const { lastInsertRowid } = this.#sql.insert.run({ ...rowOf(accepted), order: null });
      return { kind: 'accepted', order: Number(lastInsertRowid) };
    });
  }

  async markSeen(requestKey: string, atMs: number): Promise<boolean> {
    return this.#lease.write(() => this.#sql.markSeen.run(requestKey, '', atMs).changes === 1);
  }

  async forgetRequest(requestKey: string): Promise<void> {
    this.#lease.write(() => this.#sql.forgetRequest.run(requestKey));
  }

  async findRequest(requestKey: string): Promise<string | undefined> {
    return this.#lease.read(() => this.#runOf(requestKey));
  }

  async save(run: RunRecord<Data>, code?: readonly string[]): Promise<boolean> {
    const isThere = this.#lease.write(() => {
      if (!this.#update(run)) return false;
      if (code !== undefined) this.#sql.insertCode.run(run.id, JSON.stringify(code));
      return true;
    });
    if (code?.length === 0) this.#lease.truncateLog();
    return isThere;
  }

  async restore(requestKey: string, run: RunRecord<Data>, code: readonly string[]): Promise<void> {
    this.#lease.write(() => {
      this.#sql.forgetRequest.run(requestKey);
      this.#sql.markSeen.run(requestKey, run.id, run.createdAt);
      this.#sql.remove.run(run.id);
      this.#sql.insertCode.run(run.id, JSON.stringify(code));
      this.#sql.insert.run({ ...rowOf(run), order: run.order });
    });
  }

  async get(runId: string): Promise<RunRecord<Data> | undefined> {
    return this.#lease.read(() => {
      const row = this.#sql.get.get(runId);
      return row && this.#reader.one(row);
    });
  }

  async code(runId: string): Promise<string[] | undefined> {
    return this.#lease.read(() => {
      const row = this.#sql.getCode.get(runId);
      return row && this.#reader.code(String(row['blocks']), runId);
    });
  }

  async unposted(): Promise<RunRecord<Data>[]> {
    return this.#list(this.#sql.unposted);
  }

  async newest(index: RunIndex, of: readonly string[], limit: number): Promise<RunRecord<Data>[]> {
    return this.#list(this.#sql[index], ...of, limit);
  }

  async remove(runId: string): Promise<void> {
    this.#lease.write(() => this.#erase(runId));
    this.#lease.truncateLog();
  }

  async withdraw(runId: string, requestKey: string): Promise<void> {
    this.#lease.write(() => {
      this.#erase(runId);
      this.#sql.forgetRequest.run(requestKey);
    });
    this.#lease.truncateLog();
  }

  async purge(before: { runsBefore: number; requestsBefore: number }): Promise<Purged> {
    const purged = this.#lease.write(() => {
      const requests = Number(this.#sql.purgeRequests.run(before.requestsBefore).changes);
      const ids = this.#sql.oldRuns.all(before.runsBefore).map((row) => String(row['id']));
      for (const runId of ids) this.#erase(runId);
      return { ids, isPartial: Math.max(requests, ids.length) === PURGE_BATCH };
    });
    if (purged.ids.length > 0) this.#lease.truncateLog();
    return purged;
  }

  async ping(): Promise<void> {
    this.#lease.read(() => this.#sql.ping.get());
  }

  #runOf(requestKey: string): string | undefined {
    const known = this.#sql.findRequest.get(requestKey);
    return known && String(known['runId']);
  }

  #update(run: RunRecord<Data>): boolean {
    const { queue, state, updatedAt, data, ...place } = rowOf(run);
    if (this.#sql.update.run({ id: run.id, queue, state, updatedAt, data }).changes !== 1) return false;
    this.#sql.move.run(place);
    return true;
  }

  #erase(runId: string): void {
    this.#sql.remove.run(runId);
    this.#sql.removeCode.run(runId);
  }

  #list(statement: StatementSync, ...values: (string | number)[]): RunRecord<Data>[] {
    return this.#lease.read(() => this.#reader.all(statement.all(...values)));
  }
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
