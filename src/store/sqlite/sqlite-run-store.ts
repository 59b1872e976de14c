import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Admission, Ledger, Lease, NewRun, RunChange, RunRecord } from '../run-store.ts';
import type { RunReader } from '../run-record.ts';
import { checkPayload, type Signals } from '../signals.ts';
import { atStore, inTransaction } from './sqlite-file.ts';
import { prepareLedger } from './sqlite-statements.ts';

/**
 * The ledger in one SQLite database that no other process has open. Every call is done when it returns, so that two
 * calls of this process never mix.
 */
export class SqliteLedger<Data> implements Ledger<Data> {
  readonly #db: DatabaseSync;
  readonly #signals: Signals;
  readonly #reader: RunReader<Data>;
  readonly #sql: ReturnType<typeof prepareLedger>;

  constructor(db: DatabaseSync, signals: Signals, reader: RunReader<Data>) {
    this.#db = db;
    this.#signals = signals;
    this.#reader = reader;
    this.#sql = prepareLedger(db);
    // The process that held these is gone, or this one would not have the file.
    db.exec('DELETE FROM leases');
  }

  async admit(
    delivery: string,
    run: NewRun<Data>,
    limits: { perLane: number; perRunner: number },
  ): Promise<Admission<Data>> {
    return this.#atOnce(() => {
      const known = this.#sql.findDelivery.get(delivery);
      if (known !== undefined) return { kind: 'duplicate', runId: String(known['runId']) };
      const inLane = count(this.#sql.countLane.get(run.lane));
      if (inLane >= limits.perLane) return { kind: 'laneFull', unfinished: inLane };
      const ofRunner = count(this.#sql.countRunner.get(run.workspace, run.runner));
      if (ofRunner >= limits.perRunner) return { kind: 'runnerFull', unfinished: ofRunner };
      this.#sql.claim.run(delivery, run.id, run.createdAt);
      const { id, workspace, channel, thread, lane, runner, createdAt } = run;
      const data = JSON.stringify(run.data);
      const stored = this.#sql.insert.get(
        id,
        workspace,
        channel,
        thread,
        lane,
        runner,
        createdAt,
        createdAt,
        data,
      );
      return { kind: 'accepted', run: this.#reader.one(stored), ahead: inLane };
    });
  }

  async claim(delivery: string, atMs: number): Promise<boolean> {
    return this.#step(() => this.#sql.claim.run(delivery, '', atMs).changes === 1);
  }

  async findDelivery(delivery: string): Promise<string | undefined> {
    return this.#step(() => {
      const known = this.#sql.findDelivery.get(delivery);
      return known === undefined ? undefined : String(known['runId']);
    });
  }

  async get(runId: string): Promise<RunRecord<Data> | undefined> {
    return this.#all(this.#sql.get, runId)[0];
  }

  async change(run: RunRecord<Data>, change: RunChange<Data>): Promise<RunRecord<Data> | undefined> {
    const { state = null, thread = null, lane = null, updatedAt } = change;
    const data = change.data === undefined ? null : JSON.stringify(change.data);
    // `get` gives the row before SQLite commits and never hears that it could not (a full disk); `all` goes to the end.
    return this.#all(this.#sql.change, state, thread, lane, data, updatedAt, run.id, run.revision)[0];
  }

  async lane(lane: string): Promise<RunRecord<Data>[]> {
    return this.#all(this.#sql.lane, lane);
  }

  async unposted(): Promise<RunRecord<Data>[]> {
    return this.#all(this.#sql.unposted);
  }

  async thread(
    workspace: string,
    channel: string,
    thread: string,
    limit: number,
  ): Promise<RunRecord<Data>[]> {
    return this.#all(this.#sql.thread, workspace, channel, thread, limit);
  }

  async channel(workspace: string, channel: string, limit: number): Promise<RunRecord<Data>[]> {
    return this.#all(this.#sql.channel, workspace, channel, limit);
  }

  async runner(workspace: string, runner: string, limit: number): Promise<RunRecord<Data>[]> {
    return this.#all(this.#sql.runner, workspace, runner, limit);
  }

  async remove(runId: string): Promise<void> {
    this.#step(() => this.#sql.remove.run(runId));
  }

  async purge(before: { runsBefore: number; deliveriesBefore: number }): Promise<string[]> {
    return this.#atOnce(() => {
      this.#sql.purgeDeliveries.run(before.deliveriesBefore);
      return this.#sql.purgeRuns.all(before.runsBefore).map((row) => String(row['id']));
    });
  }

  async lease(name: string, owner: string, ttlMs: number, nowMs: number): Promise<Lease> {
    return this.#atOnce(() => {
      this.#sql.takeLease.run(name, owner, nowMs + ttlMs, nowMs);
      const held = this.#sql.getLease.get(name);
      return { owner: String(held?.['owner']), until: Number(held?.['until']) };
    });
  }

  async release(name: string, owner: string): Promise<void> {
    this.#step(() => this.#sql.release.run(name, owner));
  }

  /** One process per file: there is nobody else to tell. */
  async signal(topic: string, payload: string): Promise<void> {
    checkPayload(topic, payload);
    await this.ping();
    queueMicrotask(() => this.#signals.deliver(topic, payload));
  }

  onSignal(listener: (topic: string, payload: string) => void): () => void {
    return this.#signals.listen(listener);
  }

  async ping(): Promise<void> {
    this.#step(() => this.#sql.ping.get());
  }

  async close(): Promise<void> {
    if (this.#db.isOpen) this.#step(() => this.#db.close());
  }

  #all(statement: StatementSync, ...values: (string | number | null)[]): RunRecord<Data>[] {
    return this.#step(() => this.#reader.all(statement.all(...values)));
  }

  #atOnce<T>(work: () => T): T {
    return this.#step(() => inTransaction(this.#db, work));
  }

  #step<T>(work: () => T): T {
    return atStore(this.#db, work);
  }
}

function count(row: Record<string, unknown> | undefined): number {
  return Number(row?.['unfinished']);
}
