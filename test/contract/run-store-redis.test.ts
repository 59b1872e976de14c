import { randomUUID } from 'node:crypto';
import * as fc from 'fast-check';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { silentLog } from '../../src/log.ts';
import type { Ledger } from '../../src/store/run-store.ts';
import { openStore, type Store } from '../../src/store/open-store.ts';
import { admitted, ledgerContract } from './run-store-contract.ts';
import { playOnBoth, steps } from './run-store-model.ts';
import { at, newRun, type Note } from './new-run.ts';
import type { RedisServer } from '../support/redis-server.ts';
import { withRedis } from './redis.ts';

const roomy = { perLane: 1_000, perRunner: 1_000 };
const patient = { timeout: 30_000, interval: 50 };

/** One call of each kind, by name. */
function everyCall(store: Store<Note>): Record<string, () => Promise<unknown>> {
  const { ledger } = store;
  const kernels = store.keyv('kernels');
  const run = { ...newRun(), state: 'waiting', order: 1, revision: 0, updatedAt: at } as const;
  return {
    admit: () => ledger.admit('away', newRun({ id: 'away' }), roomy),
    claim: () => ledger.claim('away too', at),
    findDelivery: () => ledger.findDelivery('d'),
    get: () => ledger.get('r'),
    change: () => ledger.change(run, { updatedAt: at }),
    lane: () => ledger.lane('l'),
    unposted: () => ledger.unposted(),
    thread: () => ledger.thread('T', 'C', 't', 1),
    channel: () => ledger.channel('T', 'C', 1),
    runner: () => ledger.runner('T', 'U', 1),
    remove: () => ledger.remove('r'),
    purge: () => ledger.purge({ runsBefore: 1, deliveriesBefore: 1 }),
    lease: () => ledger.lease('away', 'o', 60_000, at),
    release: () => ledger.release('l', 'o'),
    signal: () => ledger.signal('t', '{}'),
    ping: () => ledger.ping(),
    'keyv.get': () => kernels.get('k'),
    'keyv.getMany': () => kernels.get(['k']),
    'keyv.set': () => kernels.set('other', 1),
    'keyv.setMany': () => kernels.setMany([{ key: 'k', value: 'written while away' }]),
    'keyv.has': () => kernels.has('k'),
    'keyv.hasMany': () => kernels.has(['k']),
    'keyv.delete': () => kernels.delete('d'),
    'keyv.deleteMany': () => kernels.delete(['d']),
    'keyv.clear': () => kernels.clear(),
    'keyv.iterator': async () => kernels.iterator?.(undefined).next(),
  };
}

async function expectSilence(store: Store<Note>, reason: RegExp): Promise<void> {
  const calls = Object.entries(everyCall(store)).map(async ([name, call]) => {
    const outcome: unknown = await call().catch((error: unknown) => error);
    expect(outcome, name).toMatchObject({
      name: 'StoreError',
      code: 'silent',
      message: expect.stringMatching(reason),
    });
  });
  await Promise.all(calls);
}

/**
 * Cuts every connection and lets the next ones wait for their first answer until the pause ends; resolves when the store
 * has seen it.
 */
async function cut(server: RedisServer, store: Store<Note>): Promise<{ end: Promise<unknown> }> {
  // Its own last answer comes when the pause ends.
  const end = server.commands(
    ['CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes'],
    ['CLIENT', 'KILL', 'TYPE', 'pubsub'],
    ['CLIENT', 'PAUSE', '2000', 'ALL'],
  );
  await vi.waitFor(() => expect(store.ledger.ping()).rejects.toThrow('is not connected'), patient);
  return { end };
}

await withRedis('Redis', (server) => {
  const opened: Store<Note>[] = [];
  const open = async (url = server.url) => {
    const store = await openStore<Note>({ url, log: silentLog });
    opened.push(store);
    return store;
  };
  const openTwo = async () => {
    await server.command('FLUSHALL');
    return Promise.all([open(), open()]);
  };
  afterEach(async () => {
    server.resume();
    for (const store of opened.splice(0)) await store.close();
  });

  ledgerContract('Redis', {
    openEmpty: async () => {
      await server.command('FLUSHALL');
      return (await open()).ledger;
    },
    leaseEnd: async (_ledger, name) => {
      const isThere = async () =>
        server.command('EXISTS', `sparkthread:{v1}:lease:${JSON.stringify([name])}`);
      await vi.waitFor(async () => expect(await isThere()).toMatch(/^:0/), patient);
      return Date.now();
    },
  });

  test('the Redis ledger does what the model does', async () => {
    const { ledger } = await open();
    await fc.assert(
      fc.asyncProperty(steps, async (played) => {
        await server.command('FLUSHALL');
        await playOnBoth(ledger, played);
      }),
      { numRuns: 25 },
    );
  });

  test('a record that somebody has damaged hides none of the others', async () => {
    const { ledger } = await open();
    await server.command('FLUSHALL');
    const [torn, stateless, whole] = [await admitted(ledger), await admitted(ledger), await admitted(ledger)];
    await server.command('HSET', `sparkthread:{v1}:run:["${torn.id}"]`, 'data', '{"code":');
    await server.command('HSET', `sparkthread:{v1}:run:["${stateless.id}"]`, 'state', 'elsewhere');
    expect(await ledger.unposted()).toEqual([{ ...torn, data: undefined }, whole]);
    expect(await ledger.lane(whole.lane)).toEqual([{ ...torn, data: undefined }, whole]);
    expect(await ledger.get(torn.id)).toEqual({ ...torn, data: undefined });
    await expect(ledger.get(stateless.id)).rejects.toMatchObject({ name: 'StoreError', code: 'refused' });
  });

  describe('two processes on one Redis', () => {
    test('both admit the same delivery at once: one is accepted, the other told whose it is', async () => {
      const [one, two] = await openTwo();
      for (let round = 0; round < 30; round += 1) {
        const both = await Promise.all(
          [one, two].map(({ ledger }) => ledger.admit(`d${round}`, newRun(), roomy)),
        );
        const accepted = both.find((admission) => admission.kind === 'accepted');
        expect(both.filter((admission) => admission !== accepted)).toEqual([
          { kind: 'duplicate', runId: accepted?.run.id },
        ]);
      }
      expect(await one.ledger.unposted()).toHaveLength(30);
      expect(await two.ledger.unposted()).toEqual(await one.ledger.unposted());
    });

    test('the limits hold over both', async () => {
      const [one, two] = await openTwo();
      const ledgers = Array.from({ length: 20 }, (_, index) => (index % 2 === 0 ? one : two).ledger);
      const limits = { perLane: 7, perRunner: 100 };
      const kinds = await Promise.all(ledgers.map((ledger) => ledger.admit(randomUUID(), newRun(), limits)));
      expect(kinds.filter(({ kind }) => kind === 'accepted')).toHaveLength(7);
      expect(kinds.filter(({ kind }) => kind === 'laneFull')).toHaveLength(13);
    });

    test('both change the same record at once: one wins', async () => {
      const [one, two] = await openTwo();
      let run = await admitted(one.ledger);
      for (let round = 0; round < 30; round += 1) {
        const changed = await Promise.all(
          [one, two].map(({ ledger }, index) =>
            ledger.change(run, { data: { code: `${index}` }, updatedAt: at + round }),
          ),
        );
        const won = changed.filter((change) => change !== undefined);
        expect(won).toHaveLength(1);
        run = won[0] ?? run;
        expect(await two.ledger.get(run.id)).toEqual(run);
      }
      expect(run.revision).toBe(30);
    });

    test('a lease is one owner’s at a time', async () => {
      const [one, two] = await openTwo();
      expect(await one.ledger.lease('kernel', 'one', 60_000, at)).toMatchObject({ owner: 'one' });
      expect(await two.ledger.lease('kernel', 'two', 60_000, at)).toMatchObject({ owner: 'one' });
      await two.ledger.release('kernel', 'two');
      expect(await one.ledger.lease('kernel', 'one', 60_000, at)).toMatchObject({ owner: 'one' });
      await one.ledger.release('kernel', 'one');
      expect(await two.ledger.lease('kernel', 'two', 60_000, at)).toMatchObject({ owner: 'two' });
    });

    test('a signal of one is heard by both, and not on another database', async () => {
      const [one, two] = await openTwo();
      const elsewhere = await open(`${server.url}/3`);
      const heard: string[] = [];
      const listen = async (name: string, { ledger }: { ledger: Ledger<Note> }) =>
        new Promise<void>((resolve) => {
          ledger.onSignal((topic, payload) => {
            heard.push(`${name} ${topic} ${payload}`);
            if (topic === 'end') resolve();
          });
        });
      const ends = [listen('one', one), listen('two', two), listen('elsewhere', elsewhere)];
      await one.ledger.signal('stop', '{"run":1}');
      await one.ledger.signal('end', '1');
      await Promise.all(ends.slice(0, 2));
      await elsewhere.ledger.signal('end', '3');
      await Promise.all(ends);
      expect(heard.toSorted()).toEqual([
        'elsewhere end 3',
        'one end 1',
        'one stop {"run":1}',
        'two end 1',
        'two stop {"run":1}',
      ]);
    });
  });

  describe('while Redis is away', () => {
    test('every call is told so; nothing is kept for later; it comes back by itself, signals too', async () => {
      const store = await open();
      await server.kill();
      await expectSilence(store, /Redis at 127/);
      await expectSilence(store, /is not connected/);
      await server.start();
      await vi.waitFor(() => store.ledger.ping(), patient);
      expect(await store.keyv('kernels').get('k')).toBeUndefined();
      expect(await store.ledger.unposted()).toEqual([]);
      expect(await store.ledger.findDelivery('away')).toBeUndefined();
      const heard = new Set<string>();
      store.ledger.onSignal((topic) => heard.add(topic));
      // Signals are heard on a connection of their own, which comes back in its own time.
      await vi.waitFor(async () => {
        await store.ledger.signal('again', '{}');
        expect(heard).toContain('again');
      }, patient);
    });

    test('and when it only stands still; a step that it reads too late does nothing', async () => {
      await server.command('FLUSHALL');
      const store = await open();
      const run = await admitted(store.ledger);
      const noAnswer = /gave no answer within 1000 ms/;
      server.pause();
      const late = store.ledger.change(run, { state: 'posted', updatedAt: at });
      await Promise.all([expect(late).rejects.toThrow(noAnswer), expectSilence(store, noAnswer)]);
      server.resume();
      await vi.waitFor(() => store.ledger.ping(), patient);
      expect(await store.ledger.findDelivery('away')).toBeUndefined();
      expect(await store.ledger.claim('away too', at)).toBe(true);
      expect(await store.ledger.get(run.id)).toEqual(run);
      expect(await store.ledger.lease('away', 'somebody else', 60_000, at)).toMatchObject({
        owner: 'somebody else',
      });
    });

    /** Choosing a database is a first command that a pause holds up. */
    const databaseOne = `${server.url}/1`;

    test('a batch that was called silent is not written when the connection is back', async () => {
      await server.command('FLUSHALL');
      const store = await open(databaseOne);
      const pause = await cut(server, store);
      const written = await store
        .keyv('kernels')
        .setMany([{ key: 'k', value: 1 }])
        .then(
          () => 1,
          () => undefined,
        );
      await pause.end;
      await vi.waitFor(() => store.ledger.ping(), patient);
      expect(await store.keyv('kernels').get('k')).toBe(written);
    });

    test('it can be closed while it is connecting again, and leaves no connection', async () => {
      const store = await open(databaseOne);
      const pause = await cut(server, store);
      await store.close();
      await pause.end;
      await vi.waitFor(async () => {
        const clients = await server.command('CLIENT', 'LIST');
        expect(clients.match(/^id=/gm)).toHaveLength(1);
      }, patient);
    });

    test('it can be closed, and stays closed when Redis comes back', async () => {
      const store = await open();
      await server.kill();
      await expect(store.ledger.ping()).rejects.toMatchObject({ code: 'silent' });
      await store.close();
      await server.start();
      await expect(store.ledger.ping()).rejects.toMatchObject({
        code: 'refused',
        message: 'The store is closed.',
      });
      await vi.waitFor(async () => {
        const clients = await server.command('CLIENT', 'LIST');
        expect(clients.match(/^id=/gm)).toHaveLength(1);
      }, patient);
    });
  });

  test('steps work again after Redis forgot its scripts', async () => {
    const { ledger } = await open();
    await ledger.claim('before', at);
    await server.command('SCRIPT', 'FLUSH');
    expect(await ledger.claim('before', at)).toBe(false);
  });

  test('steps work when one of the two clocks was set', async () => {
    const { ledger } = await open();
    const real = performance.now.bind(performance);
    const clock = vi.spyOn(performance, 'now').mockImplementation(() => real() - 60_000);
    expect(await ledger.claim(randomUUID(), at)).toBe(true);
    clock.mockImplementation(() => real() + 60_000);
    expect(await ledger.claim(randomUUID(), at)).toBe(true);
    clock.mockRestore();
  });

  test('every key stands under one prefix, in one slot of a cluster', async () => {
    await server.command('FLUSHALL');
    const store = await open();
    const run = await admitted(store.ledger);
    await store.ledger.change(run, { state: 'posted', updatedAt: at });
    await admitted(store.ledger);
    await store.ledger.lease('kernel', 'o', 60_000, at);
    await store.keyv('kernels').set('k', 1);
    const keys = (await server.command('KEYS', '*')).split('\r\n').filter((line) => /^[^*$+]/.test(line));
    expect(keys.length).toBeGreaterThan(8);
    expect(keys.filter((key) => !key.startsWith('sparkthread:{v1}:'))).toEqual([]);
  });

  test('a foreign message on the channel of signals is dropped', async () => {
    const { ledger } = await open();
    const heard: string[] = [];
    const end = new Promise<void>((resolve) => {
      ledger.onSignal((topic) => {
        heard.push(topic);
        if (topic === 'end') resolve();
      });
    });
    for (const foreign of ['', '{', '[1,2]', '["only one"]', 'null']) {
      await server.command('PUBLISH', 'sparkthread:{v1}:signals:0', foreign);
    }
    await ledger.signal('end', '{}');
    await end;
    expect(heard).toEqual(['end']);
  });

  test('a run that Redis has dropped, being full, is in nobody’s way', async () => {
    await server.command('FLUSHALL');
    const { ledger } = await open();
    const dropped = await admitted(ledger);
    const kept = await admitted(ledger);
    await server.command('DEL', `sparkthread:{v1}:run:["${dropped.id}"]`);
    const { workspace, channel, thread, lane, runner } = kept;
    expect(await ledger.lane(lane)).toEqual([kept]);
    expect(await ledger.unposted()).toEqual([kept]);
    expect(await ledger.thread(workspace, channel, thread, 5)).toEqual([kept]);
    expect(await ledger.channel(workspace, channel, 5)).toEqual([kept]);
    expect(await ledger.runner(workspace, runner, 5)).toEqual([kept]);
    const full = await ledger.admit(randomUUID(), newRun({ lane }), { perLane: 1, perRunner: 5 });
    expect(full).toEqual({ kind: 'laneFull', unfinished: 1 });
  });

  test('a key that somebody else made is refused, not misread', async () => {
    const { ledger } = await open();
    await server.command('SET', 'sparkthread:{v1}:run:["r"]', 'theirs');
    await expect(ledger.get('r')).rejects.toMatchObject({ name: 'StoreError', code: 'refused' });
    await server.command('DEL', 'sparkthread:{v1}:run:["r"]');
    await server.command('HSET', 'sparkthread:{v1}:run:["r"]', 'state', 'lost');
    await expect(ledger.get('r')).rejects.toMatchObject({ name: 'StoreError', code: 'refused' });
  });
});
