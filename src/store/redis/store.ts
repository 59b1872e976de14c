import * as z from 'zod';
import type { Log } from '../../log.ts';
import { type Entries, onePerNamespace } from '../keyv.ts';
import type { RunReader } from '../run-reader.ts';
import { PURGE_BATCH, type RunRecord, type RunStore, type Store } from '../store.ts';
import { RedisConnection } from './connection.ts';
import { checkVersion, RedisLease } from './lease.ts';
import { PREFIX } from './scripts.ts';

/** The answers of the scripts (scripts.ts). */
const ACCEPTANCE = z.union([
  z.tuple([z.literal('accepted'), z.coerce.number()]),
  z.tuple([z.literal('duplicate'), z.string()]),
]);
/** [field, value, …], as HGETALL returns it in RESP2. */
const FLAT_RUN = z.array(z.string());
const TEXT_OR_NONE = z.string().nullable();

/** Rejects with `StoreError`. */
export async function openRedisStore<Data>(
  url: string,
  reader: RunReader<Data>,
  log: Log,
): Promise<Store<Data>> {
  const redis = new RedisConnection(url, log);
  await redis.open();
  try {
    checkVersion(await redis.read(z.string(), 'version'));
  } catch (error) {
    redis.close();
    throw error;
  }
  return {
    kind: 'redis',
    keyv: onePerNamespace(createRedisEntries(redis), log),
    runs: createRedisRuns(redis, reader),
    lease: new RedisLease(redis),
    close: async () => redis.close(),
  };
}

/**
 * The runs in Redis. Each call is one Lua script. A call that rejects with `silent` may have succeeded, because only its
 * answer was lost; `findRequest` and `get` tell.
 */
function createRedisRuns<Data>(redis: RedisConnection, reader: RunReader<Data>): RunStore<Data> {
  return {
    accept: async (requestKey, run) => {
      const fields = fieldsOf({ ...run, state: 'waiting', updatedAt: run.createdAt });
      const given = [requestKey, JSON.stringify(run.code), ...fields];
      const [kind, value] = await redis.write(ACCEPTANCE, 'accept', ...given);
      return kind === 'accepted' ? { kind, order: value } : { kind, runId: value };
    },
    markSeen: async (requestKey, atMs) => (await redis.write(z.number(), 'markSeen', requestKey, atMs)) === 1,
    forgetRequest: async (requestKey) => void (await redis.write(z.null(), 'forgetRequest', requestKey)),
    findRequest: async (requestKey) =>
      (await redis.read(TEXT_OR_NONE, 'findRequest', requestKey)) ?? undefined,
    save: async (run, code) => {
      const given = [run.order, code === undefined ? '' : JSON.stringify(code), ...fieldsOf(run)];
      return (await redis.write(z.number(), 'save', ...given)) === 1;
    },
    restore: async (requestKey, run, code) => {
      const given = [requestKey, run.createdAt, run.order, JSON.stringify(code), ...fieldsOf(run)];
      await redis.write(z.null(), 'restore', ...given);
    },
    get: async (runId) => {
      const fields = await redis.read(FLAT_RUN, 'get', runId);
      return fields.length === 0 ? undefined : reader.one(pairUp(fields));
    },
    code: async (runId) => {
      const stored = await redis.read(TEXT_OR_NONE, 'code', runId);
      return stored === null ? undefined : reader.code(stored, runId);
    },
    unposted: async () => reader.all((await redis.read(z.array(FLAT_RUN), 'unposted')).map(pairUp)),
    newest: async (index, of, limit) =>
      reader.all((await redis.read(z.array(FLAT_RUN), 'newest', index, limit, ...of)).map(pairUp)),
    remove: async (runId) => void (await redis.write(z.null(), 'remove', runId)),
    withdraw: async (runId, requestKey) => void (await redis.write(z.null(), 'withdraw', runId, requestKey)),
    purge: async ({ runsBefore, requestsBefore }) => {
      const requests = await redis.write(z.number(), 'purgeRequests', requestsBefore, PURGE_BATCH);
      const ids = await redis.write(z.array(z.string()), 'purgeRuns', runsBefore, PURGE_BATCH);
      return { ids, isPartial: Math.max(requests, ids.length) === PURGE_BATCH };
    },
    ping: () => redis.ping(),
  };
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

/**
 * One key for each entry, which expires by itself, and one index for each namespace, so that listing a namespace does not
 * depend on how many other keys this Redis has. @keyv/redis lists with SCAN over all keys, and its writes need no lease.
 */
export function createRedisEntries(redis: RedisConnection): Entries {
  return {
    values: async (namespace, keys) => {
      if (keys.length === 0) return [];
      const stored = keys.map((key) => `${PREFIX}keyv:${encodeURIComponent(namespace)}:${key}`);
      const values = await redis.call(() => redis.client.mGet(stored));
      return values.map((value) => value ?? undefined);
    },
    set: async (namespace, key, value, ttl) => {
      // Redis takes only whole milliseconds, at least one.
      const ms = ttl === undefined ? '' : Math.max(1, Math.ceil(ttl));
      await redis.write(z.null(), 'setEntry', encodeURIComponent(namespace), key, value, ms);
    },
    delete: async (namespace, key) =>
      (await redis.write(z.number(), 'deleteEntry', encodeURIComponent(namespace), key)) === 1,
    clear: async (namespace) =>
      void (await redis.write(z.null(), 'clearEntries', encodeURIComponent(namespace))),
    keys: (namespace) => redis.read(z.array(z.string()), 'listEntries', encodeURIComponent(namespace)),
  };
}
