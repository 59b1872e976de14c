import { randomUUID } from 'node:crypto';
import { createClient } from '@keyv/redis';
import * as fc from 'fast-check';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { silentLog } from '../../src/log.ts';
import { openStore } from '../../src/store/open.ts';
import { shaOf } from '../../src/store/redis/scripts.ts';
import type { Store } from '../../src/store/store.ts';
import { startRedisProxy } from '../support/redis-proxy.ts';
import type { RedisServer } from '../support/redis-server.ts';
import { accepted, at, newRun, type Note } from './new-run.ts';
import { patient, withRedis } from './redis.ts';
import { everyRead, everyWrite, expectRefused, storeContract } from './store-contract.ts';
import { playOnBoth, steps } from './store-model.ts';

const TTL_MS = 60_000;
/** A lease whose end a test can wait for. */
const SHORT_MS = 500;
const LEASE = 'sparkthread:{v2}:lease';

const everyCall = (store: Store<Note>) => ({ ...everyWrite(store), ...everyRead(store) });

/** What is known afterwards of a store whose every call was made in vain. */
async function expectUntouched(store: Store<Note>): Promise<void> {
  const { runs } = store;
  expect(await runs.findRequest('away')).toBeUndefined();
  expect(await runs.findRequest('away too')).toBeUndefined();
  expect(await runs.findRequest('restored')).toBeUndefined();
  expect(await store.keyv('kernels').get(['k', 'other'])).toEqual([undefined, undefined]);
}

/**
 * Cuts every connection and lets the next ones wait for their first answer until the pause ends; resolves when the store
 * has seen it.
 */
async function cut(server: RedisServer, store: Store<Note>): Promise<{ end: Promise<unknown> }> {
  // Its own last answer comes when the pause ends.
  const end = server.commands(
    ['CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes'],
    ['CLIENT', 'PAUSE', '2000', 'ALL'],
  );
  await vi.waitFor(() => expect(store.runs.ping()).rejects.toThrow('is not connected'), patient);
  return { end };
}

await withRedis('Redis', (server) => {
  const connections = async () => (await server.command('CLIENT', 'LIST')).match(/^id=/gm);
  const opened: Store<Note>[] = [];
  const open = async (url = server.url) => {
    const store = await openStore<Note>({ url, log: silentLog });
    opened.push(store);
    return store;
  };
  /** A leader of an empty Redis. */
  const lead = async (url?: string) => {
    await server.command('FLUSHALL');
    const store = await open(url);
    await store.lease.acquire(TTL_MS);
    return store;
  };
  afterEach(async () => {
    server.resume();
    for (const store of opened.splice(0)) await store.close();
  });

  storeContract('Redis', {
    openEmpty: async () => {
      await server.command('FLUSHALL');
      return openStore<Note>({ url: server.url, log: silentLog });
    },
    openSecond: async () => openStore<Note>({ url: server.url, log: silentLog }),
  });

  test('the Redis store does what the model does', async () => {
    const { runs, lease } = await open();
    await fc.assert(
      fc.asyncProperty(steps, async (played) => {
        await server.command('FLUSHALL');
        await lease.acquire(TTL_MS);
        await playOnBoth(runs, played);
      }),
      { numRuns: 25 },
    );
  });

  test('a damaged record hides none of the others', async () => {
    const { runs } = await lead();
    const [torn, stateless, whole] = [await accepted(runs), await accepted(runs), await accepted(runs)];
    await server.command('HSET', `sparkthread:{v2}:run:["${torn.id}"]`, 'data', '{"code":');
    await server.command('HSET', `sparkthread:{v2}:run:["${stateless.id}"]`, 'state', 'elsewhere');
    expect(await runs.unposted()).toEqual([{ ...torn, data: undefined }, whole]);
    expect(await runs.newest('channel', ['T1', 'C1'], 5)).toEqual([whole, { ...torn, data: undefined }]);
    expect(await runs.get(torn.id)).toEqual({ ...torn, data: undefined });
    await expect(runs.get(stateless.id)).rejects.toMatchObject({ name: 'StoreError', code: 'refused' });
    await server.command('SET', `sparkthread:{v2}:code:["${torn.id}"]`, '["code');
    expect(await runs.code(torn.id)).toBeUndefined();
  });

  describe('the lease', () => {
    test('is one holder’s at a time', async () => {
      const [one, two] = [await lead(), await open()];
      expect(await two.lease.acquire(TTL_MS)).toEqual({ kind: 'taken' });
      expect(await one.lease.renew(TTL_MS)).toBe('held');
      await two.lease.release();
      expect(await one.lease.renew(TTL_MS)).toBe('held');
      await one.lease.release();
      expect(await two.lease.acquire(TTL_MS)).toEqual({ kind: 'held', epoch: 2 });
    });

    test('goes to one of many that ask at the same time', async () => {
      await server.command('FLUSHALL');
      const stores = await Promise.all(Array.from({ length: 6 }, () => open()));
      const kinds = await Promise.all(stores.map(async ({ lease }) => (await lease.acquire(TTL_MS)).kind));
      expect(kinds.toSorted()).toEqual(['held', 'taken', 'taken', 'taken', 'taken', 'taken']);
    });

    test('that is not renewed expires; another process takes it, and the earlier holder is refused', async () => {
      await server.command('FLUSHALL');
      const [one, two] = [await open(), await open()];
      await one.lease.acquire(300);
      await expect.poll(() => two.lease.acquire(TTL_MS)).toEqual({ kind: 'held', epoch: 2 });
      expect(await one.lease.renew(TTL_MS)).toBe('taken');
      await expectRefused(everyWrite(one), 'notLeader');
      await expectUntouched(two);
    });

    test('that this process took without learning of it is missing, not another’s', async () => {
      await server.command('FLUSHALL');
      await using proxy = await startRedisProxy(server.port);
      const { lease, runs } = await open(proxy.url);
      await lease.acquire(TTL_MS);
      await server.command('DEL', LEASE);
      proxy.swallowAfter(shaOf('acquire'));
      await expect(lease.acquire(TTL_MS)).rejects.toMatchObject({ code: 'silent' });
      await vi.waitFor(() => runs.ping(), patient);
      expect(await lease.renew(TTL_MS)).toBe('missing');
      expect(await lease.acquire(TTL_MS)).toEqual({ kind: 'held', epoch: 3 });
    });

    test('of an emptied Redis is missing: nothing is written until a new one is made, with a higher epoch', async () => {
      const store = await lead();
      const run = await accepted(store.runs);
      await server.command('FLUSHALL');
      await expectRefused(everyWrite(store), 'notLeader');
      expect(await store.lease.renew(TTL_MS)).toBe('missing');
      await expectUntouched(store);
      expect(await store.lease.acquire(TTL_MS)).toEqual({ kind: 'held', epoch: 2 });
      expect(await store.runs.save(run)).toBe(false);
      await store.runs.restore('request', run, ['code']);
      expect(await store.runs.unposted()).toEqual([run]);
      expect(await store.runs.accept('request', newRun())).toEqual({ kind: 'duplicate', runId: run.id });
    });

    test('of an emptied Redis is left to its leader by a standby that saw it, for as long as a lease', async () => {
      const [leader, standby] = [await lead(), await open()];
      expect(await standby.lease.acquire(SHORT_MS)).toMatchObject({ kind: 'taken' });
      await server.command('FLUSHALL');
      expect(await standby.lease.acquire(SHORT_MS)).toMatchObject({ kind: 'taken' });
      expect(await leader.lease.acquire(TTL_MS)).toEqual({ kind: 'held', epoch: 2 });
      expect(await standby.lease.acquire(SHORT_MS)).toMatchObject({ kind: 'taken' });
      // This time the leader is gone too.
      await server.command('FLUSHALL');
      expect(await standby.lease.acquire(SHORT_MS)).toMatchObject({ kind: 'taken' });
      await expect.poll(() => standby.lease.acquire(SHORT_MS)).toMatchObject({ kind: 'held' });
    });

    test('of a Redis that was away for longer than it is left to its leader by a standby, for as long as a lease', async () => {
      const [leader, standby] = [await lead(), await open()];
      for (const isLeaderThere of [true, false]) {
        expect(await standby.lease.acquire(SHORT_MS)).toMatchObject({ kind: 'taken' });
        server.pause();
        await expect(standby.lease.acquire(SHORT_MS)).rejects.toThrow();
        server.resume();
        await server.command('DEL', LEASE);
        await expect.poll(() => standby.lease.acquire(SHORT_MS)).toMatchObject({ kind: 'taken' });
        expect(await server.command('EXISTS', LEASE)).toMatch(/^:0/);
        if (isLeaderThere) expect(await leader.lease.acquire(TTL_MS)).toMatchObject({ kind: 'held' });
      }
      await expect.poll(() => standby.lease.acquire(SHORT_MS)).toMatchObject({ kind: 'held' });
    });

    test('is not taken while 0.1.0 processes work on this store', async () => {
      await server.command('FLUSHALL');
      const store = await open();
      const old = createClient({ url: server.url });
      await old.connect();
      await old.subscribe('sparkthread:{v1}:signals:0', () => undefined);
      expect(await store.lease.acquire(TTL_MS)).toEqual({ kind: 'oldVersion' });
      expect(await server.command('EXISTS', LEASE)).toMatch(/^:0/);
      await old.unsubscribe();
      old.destroy();
      await expect.poll(() => store.lease.acquire(TTL_MS)).toMatchObject({ kind: 'held' });
    });

    test('of a store of a newer version is not taken, nor is such a store opened', async () => {
      const store = await lead();
      await store.lease.release();
      await server.command('SET', 'sparkthread:{v2}:version', '3');
      const newer = {
        code: 'newer',
        message: expect.stringMatching(/written by a newer Sparkthread .*version 3/),
      };
      await expect(store.lease.acquire(TTL_MS)).rejects.toMatchObject(newer);
      await expect(open()).rejects.toMatchObject(newer);
      expect(await server.command('EXISTS', LEASE)).toMatch(/^:0/);
    });
  });

  describe('while Redis is away', () => {
    test('every call is rejected and nothing is queued; the connection comes back by itself', async () => {
      const store = await lead();
      await server.kill();
      await expectRefused(everyCall(store), 'silent', /Redis at 127/);
      await expectRefused(everyCall(store), 'silent', /is not connected/);
      await server.start();
      await vi.waitFor(() => store.runs.ping(), patient);
      expect(await store.runs.unposted()).toEqual([]);
      await expectUntouched(store);
    });

    test('also when it only stands still; a script that it reads too late does nothing', async () => {
      const store = await lead();
      const run = await accepted(store.runs);
      const noAnswer = /gave no answer within 1000 ms/;
      server.pause();
      const late = store.runs.save({ ...run, state: 'posted' });
      const renewal = store.lease.renew(1);
      await Promise.all([
        expect(late).rejects.toThrow(noAnswer),
        expect(renewal).rejects.toThrow(noAnswer),
        expectRefused(everyCall(store), 'silent', noAnswer),
      ]);
      server.resume();
      await vi.waitFor(() => store.runs.ping(), patient);
      expect(await store.runs.get(run.id)).toEqual(run);
      expect(await store.lease.renew(TTL_MS)).toBe('held');
      await expectUntouched(store);
    });

    test.each([
      ['has too few replicas', ['SET', 'min-replicas-to-write', '1'], /NOREPLICAS/],
      ['has no room', ['SET', 'maxmemory', '1'], /OOM/],
    ])('one that %s is waited for', async (_what, setting, reason) => {
      const store = await lead();
      await server.command('CONFIG', ...setting);
      const { 'keyv.set': set, accept, markSeen } = everyWrite(store);
      if (set && accept && markSeen) await expectRefused({ set, accept, markSeen }, 'silent', reason);
      await server.command('CONFIG', 'SET', setting[1] ?? '', '0');
      await expectUntouched(store);
      expect(await store.runs.unposted()).toEqual([]);
      await accepted(store.runs);
    });

    /** Choosing a database is a first command that a pause holds up. */
    const databaseOne = `${server.url}/1`;

    test('a batch that was called silent is not written when the connection is back', async () => {
      const store = await lead(databaseOne);
      const pause = await cut(server, store);
      const written = await store
        .keyv('kernels')
        .setMany([{ key: 'k', value: 1 }])
        .then(
          () => 1,
          () => undefined,
        );
      await pause.end;
      await vi.waitFor(() => store.runs.ping(), patient);
      expect(await store.keyv('kernels').get('k')).toBe(written);
    });

    test('it can be closed while it is connecting again, and leaves no connection', async () => {
      const store = await open(databaseOne);
      const pause = await cut(server, store);
      await store.close();
      await pause.end;
      await expect.poll(connections).toHaveLength(1);
    });

    test('it can be closed, and stays closed when Redis comes back', async () => {
      const store = await open();
      await server.kill();
      await expect(store.runs.ping()).rejects.toMatchObject({ code: 'silent' });
      await store.close();
      await server.start();
      await expect(store.runs.ping()).rejects.toMatchObject({
        code: 'refused',
        message: 'The store is closed.',
      });
      await expect.poll(connections).toHaveLength(1);
    });
  });

  test('steps work again after Redis forgot its scripts', async () => {
    const { runs } = await lead();
    await runs.markSeen('before', at);
    await server.command('SCRIPT', 'FLUSH');
    expect(await runs.markSeen('before', at)).toBe(false);
  });

  test('scripts work after one of the two clocks was set', async () => {
    const { runs } = await lead();
    const real = performance.now.bind(performance);
    const clock = vi.spyOn(performance, 'now').mockImplementation(() => real() - 60_000);
    expect(await runs.markSeen(randomUUID(), at)).toBe(true);
    clock.mockImplementation(() => real() + 60_000);
    expect(await runs.markSeen(randomUUID(), at)).toBe(true);
    clock.mockRestore();
  });

  test('every key has the prefix', async () => {
    const store = await lead();
    const run = await accepted(store.runs);
    await store.runs.save({ ...run, state: 'posted' });
    await accepted(store.runs);
    await store.keyv('kernels').set('k', 1);
    const keys = (await server.command('KEYS', '*')).split('\r\n').filter((line) => /^[^*$+]/.test(line));
    expect(keys.length).toBeGreaterThan(8);
    expect(keys.filter((key) => !key.startsWith('sparkthread:{v2}:'))).toEqual([]);
  });

  test('60 runs with 500 kB of code each leave nothing once they are erased', async () => {
    const { runs, lease } = await lead();
    await lease.renew(TTL_MS);
    // Redis has a second for each step, also on a machine at work elsewhere.
    const code = ['x'.repeat(500_000)];
    for (let index = 0; index < 60; index += 1) {
      const run = await accepted(runs, { code });
      if (index % 2 === 0) await runs.remove(run.id);
      else await runs.save({ ...run, state: 'posted', updatedAt: at });
    }
    expect((await runs.purge({ runsBefore: at + 1, requestsBefore: at + 1 })).ids).toHaveLength(30);
    const keys = await server.command('KEYS', '*');
    expect(keys.match(/sparkthread:\{v2\}:\w+/g)?.toSorted()).toEqual(
      ['epoch', 'lease', 'order', 'version'].map((name) => `sparkthread:{v2}:${name}`),
    );
  });

  test('a run that a full Redis has evicted causes no failure', async () => {
    const { runs } = await lead();
    const dropped = await accepted(runs);
    const kept = await accepted(runs);
    await runs.save({ ...dropped, state: 'posted' });
    await server.command('DEL', `sparkthread:{v2}:run:["${dropped.id}"]`);
    const { workspace, channel, thread, requester } = kept;
    expect(await runs.unposted()).toEqual([kept]);
    expect(await runs.newest('thread', [workspace, channel, thread], 5)).toEqual([kept]);
    expect(await runs.newest('channel', [workspace, channel], 5)).toEqual([kept]);
    expect(await runs.newest('requester', [workspace, requester], 5)).toEqual([kept]);
    expect((await runs.purge({ runsBefore: at + 1, requestsBefore: at })).ids).toEqual([dropped.id]);
    expect((await runs.purge({ runsBefore: at + 1, requestsBefore: at })).ids).toEqual([]);
  });

  test('a key of another program is refused, not misread', async () => {
    const { runs } = await lead();
    await server.command('SET', 'sparkthread:{v2}:run:["r"]', 'theirs');
    await expect(runs.get('r')).rejects.toMatchObject({ name: 'StoreError', code: 'refused' });
    await server.command('DEL', 'sparkthread:{v2}:run:["r"]');
    await server.command('HSET', 'sparkthread:{v2}:run:["r"]', 'state', 'lost');
    await expect(runs.get('r')).rejects.toMatchObject({ name: 'StoreError', code: 'refused' });
  });
});
