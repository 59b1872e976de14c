import * as z from 'zod';
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
import type { RedisConnection } from './connection.ts';

/** The answers of the scripts (scripts.ts). */
const ACCEPTANCE = z.union([
  z.tuple([z.literal('accepted'), z.coerce.number()]),
  z.tuple([z.literal('duplicate'), z.string()]),
]);
/** [field, value, …], as HGETALL returns it in RESP2. */
const FLAT_RUN = z.array(z.string());
const TEXT_OR_NONE = z.string().nullable();

/**
 * The runs in Redis. Each call is one Lua script. A call that rejects with `silent` may have succeeded, because only its
 * answer was lost; `findRequest` and `get` tell.
 */
export class RedisRuns<Data> implements RunStore<Data> {
  readonly #redis: RedisConnection;
  readonly #reader: RunReader<Data>;

  constructor(redis: RedisConnection, reader: RunReader<Data>) {
    this.#redis = redis;
    this.#reader = reader;
  }

  async accept(requestKey: string, run: NewRun<Data>): Promise<Acceptance> {
    const fields = fieldsOf({ ...run, state: 'waiting', updatedAt: run.createdAt });
    const given = [requestKey, JSON.stringify(run.code), ...fields];
    const [kind, value] = await this.#redis.write(ACCEPTANCE, 'accept', ...given);
    return kind === 'accepted' ? { kind, order: value } : { kind, runId: value };
  }

  async markSeen(requestKey: string, atMs: number): Promise<boolean> {
    return (await this.#redis.write(z.number(), 'markSeen', requestKey, atMs)) === 1;
  }

  async forgetRequest(requestKey: string): Promise<void> {
    await this.#redis.write(z.null(), 'forgetRequest', requestKey);
  }

  async findRequest(requestKey: string): Promise<string | undefined> {
    return (await this.#redis.read(TEXT_OR_NONE, 'findRequest', requestKey)) ?? undefined;
  }

  async save(run: RunRecord<Data>, code?: readonly string[]): Promise<boolean> {
    const given = [run.order, code === undefined ? '' : JSON.stringify(code), ...fieldsOf(run)];
    return (await this.#redis.write(z.number(), 'save', ...given)) === 1;
  }

  async restore(requestKey: string, run: RunRecord<Data>, code: readonly string[]): Promise<void> {
    const given = [requestKey, run.createdAt, run.order, JSON.stringify(code), ...fieldsOf(run)];
    await this.#redis.write(z.null(), 'restore', ...given);
  }

  async get(runId: string): Promise<RunRecord<Data> | undefined> {
    const fields = await this.#redis.read(FLAT_RUN, 'get', runId);
    return fields.length === 0 ? undefined : this.#reader.one(pairUp(fields));
  }

  async code(runId: string): Promise<string[] | undefined> {
    const stored = await this.#redis.read(TEXT_OR_NONE, 'code', runId);
    return stored === null ? undefined : this.#reader.code(stored, runId);
  }

  async unposted(): Promise<RunRecord<Data>[]> {
    const runs = await this.#redis.read(z.array(FLAT_RUN), 'unposted');
    return this.#reader.all(runs.map(pairUp));
  }

  async newest(index: RunIndex, of: readonly string[], limit: number): Promise<RunRecord<Data>[]> {
    const runs = await this.#redis.read(z.array(FLAT_RUN), 'newest', index, limit, ...of);
    return this.#reader.all(runs.map(pairUp));
  }

  async remove(runId: string): Promise<void> {
    await this.#redis.write(z.null(), 'remove', runId);
  }

  async withdraw(runId: string, requestKey: string): Promise<void> {
    await this.#redis.write(z.null(), 'withdraw', runId, requestKey);
  }

  async purge(before: { runsBefore: number; requestsBefore: number }): Promise<Purged> {
    const { runsBefore, requestsBefore } = before;
    const requests = await this.#redis.write(z.number(), 'purgeRequests', requestsBefore, PURGE_BATCH);
    const ids = await this.#redis.write(z.array(z.string()), 'purgeRuns', runsBefore, PURGE_BATCH);
    return { ids, isPartial: Math.max(requests, ids.length) === PURGE_BATCH };
  }

  async ping(): Promise<void> {
    await this.#redis.ping();
  }
}

/** In the order in which `given` of scripts.ts reads them. */
function fieldsOf(run: Omit<RunRecord<unknown>, 'order'>): (string | number)[] {
  const { id, workspace, channel, thread, queue, requester, state, createdAt, updatedAt, data } = run;
  const place = [id, workspace, channel, thread, queue, requester, state];
  return [...place, createdAt, updatedAt, JSON.stringify(data)];
}

function pairUp(flat: readonly string[]): Record<string, string | undefined> {
  const fields: Record<string, string | undefined> = {};
  for (let index = 0; index < flat.length; index += 2) fields[flat[index] ?? ''] = flat[index + 1];
  return fields;
}
