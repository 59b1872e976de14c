import * as z from 'zod';
import { StoreError } from '../../errors.ts';
import type { Log } from '../../log.ts';
import type { Admission, Ledger, Lease, NewRun, RunChange, RunRecord } from '../run-store.ts';
import type { RedisConnection } from './redis-connection.ts';
import type { ScriptName } from './redis-scripts.ts';
import type { RunReader } from '../run-record.ts';
import { checkPayload, type Signals } from '../signals.ts';

const noLimit = -1;
/** How many records one step erases: a long step would keep every other client of this Redis waiting. */
const purgeBatch = 200;

/** What the steps answer (redis-scripts.ts). */
const answers = {
  admission: z.union([
    z.tuple([z.literal('accepted'), z.coerce.number(), z.coerce.number()]),
    z.tuple([z.literal('duplicate'), z.string()]),
    z.tuple([z.enum(['laneFull', 'runnerFull']), z.coerce.number()]),
  ]),
  /** [field, value, …], as HGETALL answers in RESP2. */
  run: z.array(z.string()),
  runs: z.array(z.array(z.string())),
  ids: z.array(z.string()),
  runId: z.string().nullable(),
  count: z.number(),
  lease: z.tuple([z.string(), z.coerce.number()]),
  nothing: z.null(),
};

const signal = z.tuple([z.string(), z.string()]);

/**
 * The ledger in Redis, for several processes. Each call is one Lua step (redis-scripts.ts). A call that rejects with
 * `silent` may have been done all the same when the connection broke before the answer; `findDelivery` and `get` tell.
 *
 * Leases end by Redis' own clock, so that the clocks of two processes need not agree; `nowMs` only turns the time left
 * into the caller's. An owner who reads its clock before it asks never believes longer in a lease than Redis does.
 */
export class RedisLedger<Data> implements Ledger<Data> {
  readonly #redis: RedisConnection;
  readonly #signals: Signals;
  readonly #reader: RunReader<Data>;

  constructor(redis: RedisConnection, signals: Signals, reader: RunReader<Data>) {
    this.#redis = redis;
    this.#signals = signals;
    this.#reader = reader;
  }

  async admit(
    delivery: string,
    run: NewRun<Data>,
    limits: { perLane: number; perRunner: number },
  ): Promise<Admission<Data>> {
    const { id, workspace, channel, thread, lane, runner, createdAt, data } = run;
    const given = [delivery, limits.perLane, limits.perRunner, id, workspace, channel, thread, lane, runner];
    const answer = await this.#ask(answers.admission, 'admit', ...given, createdAt, JSON.stringify(data));
    const [kind, value, ahead] = answer;
    switch (kind) {
      case 'accepted': {
        const asked = { id, workspace, channel, thread, lane, runner, createdAt, data };
        return {
          kind,
          run: { ...asked, state: 'waiting', order: value, revision: 0, updatedAt: createdAt },
          ahead,
        };
      }
      case 'duplicate':
        return { kind, runId: value };
      case 'laneFull':
      case 'runnerFull':
        return { kind, unfinished: value };
    }
  }

  async claim(delivery: string, atMs: number): Promise<boolean> {
    return (await this.#ask(answers.count, 'claimDelivery', delivery, '', atMs)) === 1;
  }

  async findDelivery(delivery: string): Promise<string | undefined> {
    return (await this.#ask(answers.runId, 'findDelivery', delivery)) ?? undefined;
  }

  async get(runId: string): Promise<RunRecord<Data> | undefined> {
    return this.#readFields(await this.#ask(answers.run, 'get', runId));
  }

  async change(run: RunRecord<Data>, change: RunChange<Data>): Promise<RunRecord<Data> | undefined> {
    const { state, thread, lane, updatedAt } = change;
    const data = change.data === undefined ? undefined : JSON.stringify(change.data);
    const fields = Object.entries({ state, thread, lane, updatedAt, data }).flatMap(([field, value]) =>
      value === undefined ? [] : [field, value],
    );
    return this.#readFields(await this.#ask(answers.run, 'change', run.id, run.revision, ...fields));
  }

  async lane(lane: string): Promise<RunRecord<Data>[]> {
    return this.#list('oldest', 'lane', noLimit, lane);
  }

  async unposted(): Promise<RunRecord<Data>[]> {
    return this.#list('oldest', 'unposted', noLimit);
  }

  async thread(
    workspace: string,
    channel: string,
    thread: string,
    limit: number,
  ): Promise<RunRecord<Data>[]> {
    return this.#list('newest', 'thread', limit, workspace, channel, thread);
  }

  async channel(workspace: string, channel: string, limit: number): Promise<RunRecord<Data>[]> {
    return this.#list('newest', 'channel', limit, workspace, channel);
  }

  async runner(workspace: string, runner: string, limit: number): Promise<RunRecord<Data>[]> {
    return this.#list('newest', 'runner', limit, workspace, runner);
  }

  async remove(runId: string): Promise<void> {
    await this.#ask(answers.nothing, 'remove', runId);
  }

  async purge(before: { runsBefore: number; deliveriesBefore: number }): Promise<string[]> {
    const { runsBefore, deliveriesBefore } = before;
    let deliveries = purgeBatch;
    while (deliveries === purgeBatch) {
      deliveries = await this.#ask(answers.count, 'purgeDeliveries', deliveriesBefore, purgeBatch);
    }
    const erased: string[] = [];
    for (;;) {
      const batch = await this.#ask(answers.ids, 'purgeRuns', runsBefore, purgeBatch);
      erased.push(...batch);
      if (batch.length < purgeBatch) return erased;
    }
  }

  async lease(name: string, owner: string, ttlMs: number, nowMs: number): Promise<Lease> {
    const [holder, leftMs] = await this.#ask(answers.lease, 'lease', name, owner, ttlMs);
    return { owner: holder, until: nowMs + leftMs };
  }

  async release(name: string, owner: string): Promise<void> {
    await this.#ask(answers.nothing, 'release', name, owner);
  }

  async signal(topic: string, payload: string): Promise<void> {
    checkPayload(topic, payload);
    await this.#redis.signal(JSON.stringify([topic, payload]));
  }

  onSignal(listener: (topic: string, payload: string) => void): () => void {
    return this.#signals.listen(listener);
  }

  async ping(): Promise<void> {
    await this.#redis.ping();
  }

  async close(): Promise<void> {
    this.#redis.close();
  }

  async #list(
    step: 'oldest' | 'newest',
    index: string,
    limit: number,
    ...parts: string[]
  ): Promise<RunRecord<Data>[]> {
    const runs = await this.#ask(answers.runs, step, index, limit, ...parts);
    return this.#reader.all(runs.map(pairUp));
  }

  #readFields(fields: readonly string[]): RunRecord<Data> | undefined {
    return fields.length === 0 ? undefined : this.#reader.one(pairUp(fields));
  }

  async #ask<T>(answer: z.ZodType<T>, step: ScriptName, ...args: (string | number)[]): Promise<T> {
    const read = answer.safeParse(await this.#redis.run(step, ...args));
    if (read.success) return read.data;
    throw new StoreError(
      'refused',
      `Redis answered ${step} with what no ledger of this version answers.`,
      read.error,
    );
  }
}

/** What came over the channel of signals → the listeners. Anyone on that Redis can publish there: other text is dropped. */
export function deliverSignal(signals: Signals, log: Log, message: string): void {
  let parts: unknown;
  try {
    parts = JSON.parse(message);
  } catch {
    parts = undefined;
  }
  const read = signal.safeParse(parts);
  if (read.success) signals.deliver(...read.data);
  else log.warn('a message on the channel of signals is none of ours');
}

function pairUp(flat: readonly string[]): Record<string, string | undefined> {
  const fields: Record<string, string | undefined> = {};
  for (let index = 0; index < flat.length; index += 2) fields[flat[index] ?? ''] = flat[index + 1];
  return fields;
}
