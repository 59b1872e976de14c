import { randomUUID } from 'node:crypto';
import { afterEach, describe, expect, test } from 'vitest';
import type { StoreError } from '../../src/errors.ts';
import type { RunRecord, RunState, RunStore, Store } from '../../src/store/store.ts';
import { accepted, at, newRun, type Note, recordOf } from './new-run.ts';

/** A kind of store as the contract suite sees it. */
export interface StoreBackend {
  /** An empty store whose lease nobody holds. */
  openEmpty(): Promise<Store<Note>>;
  /** Another holder on what the last one was opened on. */
  openSecond(): Promise<Store<Note>>;
}

const TTL_MS = 60_000;

/** Saves a run in another state. */
async function moved(runs: RunStore<Note>, run: RunRecord<Note>, state: RunState): Promise<RunRecord<Note>> {
  const changed = { ...run, state, updatedAt: at + 1 };
  expect(await runs.save(changed)).toBe(true);
  return changed;
}

const ids = (runs: readonly { id: string }[]) => runs.map((run) => run.id);

/** Every call that writes, by name, on things that need not be there. */
export function everyWrite(store: Store<Note>): Record<string, () => Promise<unknown>> {
  const { runs } = store;
  const run = recordOf(newRun({ id: 'written' }), 99);
  const kernels = store.keyv('kernels');
  return {
    accept: () => runs.accept('away', newRun({ id: 'away' })),
    markSeen: () => runs.markSeen('away too', at),
    forgetRequest: () => runs.forgetRequest('known'),
    save: () => runs.save(run),
    saveWithCode: () => runs.save(run, ['new']),
    restore: () => runs.restore('restored', run, ['old']),
    remove: () => runs.remove('known'),
    withdraw: () => runs.withdraw('known', 'known'),
    purge: () => runs.purge({ runsBefore: at * 2, requestsBefore: at * 2 }),
    'keyv.set': () => kernels.set('other', 1),
    'keyv.setMany': () => kernels.setMany([{ key: 'k', value: 'written' }]),
    'keyv.delete': () => kernels.delete('k'),
    'keyv.deleteMany': () => kernels.delete(['k']),
    'keyv.clear': () => kernels.clear(),
  };
}

/** Every call that reads. */
export function everyRead(store: Store<Note>): Record<string, () => Promise<unknown>> {
  const { runs } = store;
  const kernels = store.keyv('kernels');
  return {
    findRequest: () => runs.findRequest('d'),
    get: () => runs.get('r'),
    code: () => runs.code('r'),
    unposted: () => runs.unposted(),
    thread: () => runs.newest('thread', ['T', 'C', 't'], 1),
    channel: () => runs.newest('channel', ['T', 'C'], 1),
    requester: () => runs.newest('requester', ['T', 'U'], 1),
    ping: () => runs.ping(),
    'keyv.get': () => kernels.get('k'),
    'keyv.getMany': () => kernels.get(['k']),
    'keyv.has': () => kernels.has('k'),
    'keyv.hasMany': () => kernels.has(['k']),
    'keyv.iterator': async () => kernels.iterator?.(undefined).next(),
  };
}

/** Each of the calls rejects with that code. */
export async function expectRefused(
  calls: Record<string, () => Promise<unknown>>,
  code: StoreError['code'],
  reason = /./,
): Promise<void> {
  await Promise.all(
    Object.entries(calls).map(async ([name, call]) => {
      const outcome: unknown = await call().catch((error: unknown) => error);
      const message: unknown = expect.stringMatching(reason);
      expect(outcome, name).toMatchObject({ name: 'StoreError', code, message });
    }),
  );
}

/** What every store promises, whatever keeps it. */
export function storeContract(name: string, backend: StoreBackend): void {
  describe(`${name} store`, () => {
    const opened: Store<Note>[] = [];
    const openEmpty = async () => {
      const store = await backend.openEmpty();
      opened.push(store);
      return store;
    };
    const openRuns = async () => {
      const { lease, runs } = await openEmpty();
      await lease.acquire(TTL_MS);
      return runs;
    };
    const openTwo = async () => {
      const first = await openEmpty();
      const second = await backend.openSecond();
      opened.push(second);
      return [first, second] as const;
    };
    afterEach(async () => {
      for (const store of opened.splice(0)) await store.close();
    });

    describe('accepting', () => {
      test('an accepted run is stored as it was given, waiting', async () => {
        const runs = await openRuns();
        const run = newRun({ data: { note: 'ä\u0000\u2028🚀', message: null }, thread: '' });
        const acceptance = await runs.accept('request', run);
        expect(acceptance).toEqual({ kind: 'accepted', order: expect.any(Number) });
        const order = acceptance.kind === 'accepted' ? acceptance.order : 0;
        expect(await runs.get(run.id)).toEqual(recordOf(run, order));
        expect(await runs.findRequest('request')).toBe(run.id);
      });

      test('a known request is a duplicate and changes nothing, whatever it brings', async () => {
        const runs = await openRuns();
        const first = newRun();
        await runs.accept('request', first);
        const again = await runs.accept('request', newRun({ queue: 'other', requester: 'U9' }));
        expect(again).toEqual({ kind: 'duplicate', runId: first.id });
        expect(await runs.accept('request', first)).toEqual({ kind: 'duplicate', runId: first.id });
        expect(ids(await runs.unposted())).toEqual([first.id]);
      });

      test('of many acceptances of one request at once, one is accepted and the others point at it', async () => {
        const runs = await openRuns();
        const acceptances = await Promise.all(
          Array.from({ length: 20 }, async () => {
            const run = newRun();
            return { id: run.id, ...(await runs.accept('one', run)) };
          }),
        );
        const winners = acceptances.filter(({ kind }) => kind === 'accepted');
        expect(winners).toHaveLength(1);
        const runId = winners[0]?.id;
        const others = acceptances.filter(({ kind }) => kind !== 'accepted');
        expect(others.map((other) => 'runId' in other && other.runId)).toEqual(
          Array.from({ length: 19 }, () => runId),
        );
        expect(ids(await runs.unposted())).toEqual([runId]);
      });

      test('a run id that is taken is refused, and its request stays unknown', async () => {
        const runs = await openRuns();
        const run = await accepted(runs, { code: ['mine'] });
        const taken = runs.accept('second', newRun({ id: run.id, queue: 'other' }));
        await expect(taken).rejects.toMatchObject({ name: 'StoreError', code: 'refused' });
        expect(await runs.findRequest('second')).toBeUndefined();
        expect(await runs.get(run.id)).toEqual(run);
        expect(await runs.code(run.id)).toEqual(['mine']);
      });

      test('order is total over queues, channels and workspaces, and no number comes twice', async () => {
        const runs = await openRuns();
        const orders: number[] = [];
        for (let index = 0; index < 6; index += 1) {
          const run = await accepted(runs, { queue: `queue ${index % 3}`, workspace: `T${index % 2}` });
          orders.push(run.order);
          if (index === 3) await runs.remove(run.id);
        }
        expect(orders).toEqual(orders.toSorted((a, b) => a - b));
        expect(new Set(orders).size).toBe(6);
        expect((await runs.unposted()).map((run) => run.order)).toEqual(orders.toSpliced(3, 1));
      });

      test('a request that makes no run is new the first time only, and known from then on', async () => {
        const runs = await openRuns();
        const marks = await Promise.all(Array.from({ length: 10 }, () => runs.markSeen('press', at)));
        expect(marks.filter(Boolean)).toHaveLength(1);
        expect(await runs.findRequest('press')).toBe('');
        expect(await runs.accept('press', newRun())).toEqual({ kind: 'duplicate', runId: '' });
        expect(await runs.findRequest('never')).toBeUndefined();
      });

      test('a request that failed may be made again', async () => {
        const runs = await openRuns();
        await runs.markSeen('press', at);
        await runs.forgetRequest('press');
        await runs.forgetRequest('never');
        expect(await runs.findRequest('press')).toBeUndefined();
        expect(await runs.markSeen('press', at)).toBe(true);
      });

      test('a run that was withdrawn leaves nothing, and the very same submission is accepted again', async () => {
        const runs = await openRuns();
        const run = newRun();
        await runs.accept('view', run);
        await runs.withdraw(run.id, 'view');
        await runs.withdraw(run.id, 'view');
        expect(await runs.get(run.id)).toBeUndefined();
        expect(await runs.code(run.id)).toBeUndefined();
        expect(await runs.unposted()).toEqual([]);
        expect(await runs.accept('view', run)).toMatchObject({ kind: 'accepted' });
        expect(ids(await runs.unposted())).toEqual([run.id]);
      });
    });

    describe('changing', () => {
      test('a saved record replaces the whole record and leaves the code', async () => {
        const runs = await openRuns();
        const run = await accepted(runs, { thread: '', code: ['a', 'b'] });
        const changed: RunRecord<Note> = {
          ...run,
          thread: '17.5',
          state: 'sending',
          queue: 'other',
          requester: 'U2',
          data: { note: 'x', message: '17.6' },
          updatedAt: at + 6,
        };
        expect(await runs.save(changed)).toBe(true);
        expect(await runs.get(run.id)).toEqual(changed);
        expect(await runs.code(run.id)).toEqual(['a', 'b']);
        expect(await runs.newest('requester', ['T1', 'U1'], 9)).toEqual([]);
        expect(await runs.newest('requester', ['T1', 'U2'], 9)).toEqual([changed]);
      });

      test('of several saves at once the last stands', async () => {
        const runs = await openRuns();
        const run = await accepted(runs);
        await Promise.all(
          Array.from({ length: 20 }, (_, index) => runs.save({ ...run, data: { note: `${index}` } })),
        );
        expect((await runs.get(run.id))?.data).toEqual({ note: '19' });
      });

      test('code is replaced with its record in one step', async () => {
        const runs = await openRuns();
        const run = await accepted(runs, { code: ['before'] });
        const edited = { ...run, data: { note: 'edited' }, updatedAt: at + 1 };
        expect(await runs.save(edited, ['after', '🚀'])).toBe(true);
        expect(await runs.get(run.id)).toEqual(edited);
        expect(await runs.code(run.id)).toEqual(['after', '🚀']);
      });

      test('a run that the store does not have is not saved', async () => {
        const runs = await openRuns();
        const run = await accepted(runs);
        await runs.remove(run.id);
        expect(await runs.save(run)).toBe(false);
        expect(await runs.save(run, ['x'])).toBe(false);
        expect(await runs.get(run.id)).toBeUndefined();
        expect(await runs.code(run.id)).toBeUndefined();
        expect(await runs.unposted()).toEqual([]);
      });

      test('a run is written back at its own place, with its code and its request', async () => {
        const runs = await openRuns();
        const run = await accepted(runs);
        await runs.remove(run.id);
        const later = await accepted(runs);
        const high = { ...run, id: randomUUID(), order: later.order + 10, state: 'running' as const };
        await runs.restore('first', run, ['back']);
        await runs.restore('second', high, []);
        await runs.restore('second', high, ['again']);
        expect(await runs.unposted()).toEqual([run, later, high]);
        expect(await runs.code(run.id)).toEqual(['back']);
        expect(await runs.code(high.id)).toEqual(['again']);
        expect(await runs.findRequest('first')).toBe(run.id);
        expect((await accepted(runs)).order).toBeGreaterThan(high.order);
      });

      test('a removed run is nowhere, and its request stays known', async () => {
        const runs = await openRuns();
        const run = newRun();
        await runs.accept('request', run);
        await runs.remove(run.id);
        await runs.remove(run.id);
        expect(await runs.get(run.id)).toBeUndefined();
        expect(await runs.code(run.id)).toBeUndefined();
        expect(await runs.unposted()).toEqual([]);
        expect(await runs.newest('channel', ['T1', 'C1'], 10)).toEqual([]);
        expect(await runs.accept('request', newRun())).toEqual({ kind: 'duplicate', runId: run.id });
      });
    });

    describe('listing', () => {
      test('all that is not posted, in order of acceptance', async () => {
        const runs = await openRuns();
        const states: RunState[] = ['running', 'sending', 'waiting', 'ended', 'posted'];
        const all: RunRecord<Note>[] = [];
        for (const _ of states) all.push(await accepted(runs));
        for (const [index, run] of all.entries()) await moved(runs, run, states[index] ?? 'waiting');
        expect((await runs.unposted()).map((run) => run.state)).toEqual(states.slice(0, 4));
      });

      test('runs of a thread, a channel and a person: newest first, up to the limit, of that workspace only', async () => {
        const runs = await openRuns();
        const old = await accepted(runs);
        const posted = await moved(runs, await accepted(runs), 'posted');
        const otherThread = await accepted(runs, { thread: '2' });
        const otherPerson = await accepted(runs, { requester: 'U2' });
        await accepted(runs, { workspace: 'T2' });
        const otherChannel = await accepted(runs, { channel: 'C2' });
        expect(await runs.newest('thread', ['T1', 'C1', old.thread], 10)).toEqual([otherPerson, posted, old]);
        expect(await runs.newest('thread', ['T1', 'C1', old.thread], 1)).toEqual([otherPerson]);
        expect(await runs.newest('channel', ['T1', 'C1'], 3)).toEqual([otherPerson, otherThread, posted]);
        expect(await runs.newest('requester', ['T1', 'U1'], 10)).toEqual([
          otherChannel,
          otherThread,
          posted,
          old,
        ]);
        expect(await runs.newest('requester', ['T1', 'U1'], 0)).toEqual([]);
        expect(await runs.newest('thread', ['T1', 'C1', 'unknown'], 10)).toEqual([]);
      });

      test('a run is found in the thread that it was given later, at its own place', async () => {
        const runs = await openRuns();
        const early = await accepted(runs, { thread: '' });
        const late = await accepted(runs, { thread: '5' });
        await runs.save({ ...early, thread: '5' });
        expect(ids(await runs.newest('thread', ['T1', 'C1', '5'], 10))).toEqual(ids([late, early]));
        expect(await runs.newest('thread', ['T1', 'C1', ''], 10)).toEqual([]);
      });

      test('names that share their text do not share their records', async () => {
        const runs = await openRuns();
        await accepted(runs, { workspace: 'T', channel: 'a:b', thread: 'c', requester: 'u:v' });
        expect(await runs.newest('thread', ['T', 'a', 'b:c'], 10)).toEqual([]);
        expect(await runs.newest('channel', ['T:a', 'b'], 10)).toEqual([]);
        expect(await runs.newest('requester', ['T:u', 'v'], 10)).toEqual([]);
        expect(await runs.newest('channel', ['T', 'a'], 10)).toEqual([]);
      });
    });

    describe('code', () => {
      test('of a megabyte comes back unchanged', async () => {
        const runs = await openRuns();
        const code = ['é🚀\n'.repeat(120_000), ''];
        const run = await accepted(runs, { code });
        expect(await runs.code(run.id)).toEqual(code);
        expect(await runs.code('nobody')).toBeUndefined();
      });

      test('is in no listing', async () => {
        const runs = await openRuns();
        await accepted(runs, { code: ['a secret of the code'] });
        const listed = await Promise.all([
          runs.unposted(),
          runs.newest('channel', ['T1', 'C1'], 9),
          runs.newest('requester', ['T1', 'U1'], 9),
          runs.newest('thread', ['T1', 'C1', newRun().thread], 9),
        ]);
        expect(listed.map((list) => list.length)).toEqual([1, 1, 1, 1]);
        expect(JSON.stringify(listed)).not.toContain('secret');
      });
    });

    describe('purging', () => {
      test('erases old posted runs, their code and old requests, and says which runs', async () => {
        const runs = await openRuns();
        const saved = async (state: RunState, updatedAt: number) => {
          const run = { ...(await accepted(runs)), state, updatedAt };
          await runs.save(run);
          return run;
        };
        const oldPosted = await saved('posted', at + 10);
        const newPosted = await saved('posted', at + 20);
        const oldEnded = await saved('ended', at + 10);
        await runs.markSeen('old', at + 10);
        await runs.markSeen('new', at + 20);
        const before = { runsBefore: at + 20, requestsBefore: at + 20 };
        expect(await runs.purge(before)).toEqual({ ids: [oldPosted.id], isPartial: false });
        expect(await runs.get(oldPosted.id)).toBeUndefined();
        expect(await runs.code(oldPosted.id)).toBeUndefined();
        expect(ids(await runs.newest('channel', ['T1', 'C1'], 10))).toEqual([oldEnded.id, newPosted.id]);
        expect(await runs.findRequest('old')).toBeUndefined();
        expect(await runs.findRequest('new')).toBe('');
        expect(await runs.markSeen('old', at + 30)).toBe(true);
        expect(await runs.purge(before)).toEqual({ ids: [], isPartial: false });
      });

      test('of more runs than one step takes, none is left by the last one', async () => {
        const runs = await openRuns();
        const all = await Promise.all(Array.from({ length: 450 }, () => accepted(runs)));
        await Promise.all(all.map((run) => moved(runs, run, 'posted')));
        const erased: string[] = [];
        const sizes: number[] = [];
        for (let isPartial = true; isPartial;) {
          const purged = await runs.purge({ runsBefore: at + 2, requestsBefore: at + 2 });
          erased.push(...purged.ids);
          sizes.push(purged.ids.length);
          ({ isPartial } = purged);
        }
        expect(sizes).toEqual([200, 200, 50]);
        expect(erased.toSorted()).toEqual(ids(all).toSorted());
        expect(await runs.newest('channel', ['T1', 'C1'], 10)).toEqual([]);
      });
    });

    describe('the fence', () => {
      test('without the lease nothing is written, and everything is read', async () => {
        const store = await openEmpty();
        await expectRefused(everyWrite(store), 'notLeader');
        for (const read of Object.values(everyRead(store))) await read();
      });

      test('after a takeover the earlier holder writes nothing, the new one does, and the epoch is higher', async () => {
        const [first, second] = await openTwo();
        const before = await first.lease.acquire(TTL_MS);
        const run = await accepted(first.runs, { id: 'known' }, 'known');
        await first.keyv('kernels').set('k', 1);
        await first.lease.release();
        const after = await second.lease.acquire(TTL_MS);
        expect(after.kind === 'held' && before.kind === 'held' && after.epoch > before.epoch).toBe(true);
        await expectRefused(everyWrite(first), 'notLeader');
        expect(await first.lease.renew(TTL_MS)).toBe('taken');
        expect(await second.runs.unposted()).toEqual([run]);
        expect(await second.runs.code('known')).toEqual(newRun().code);
        expect(await first.keyv('kernels').get(['k', 'other'])).toEqual([1, undefined]);
        for (const write of Object.values(everyWrite(second))) await write();
      });

      test('the lease ends by release, and a late release takes it from nobody', async () => {
        const [first, second] = await openTwo();
        await first.lease.acquire(TTL_MS);
        expect(await first.lease.renew(TTL_MS)).toBe('held');
        await first.lease.release();
        expect(await first.lease.renew(TTL_MS)).toBe('missing');
        await expectRefused(everyWrite(first), 'notLeader');
        await second.lease.acquire(TTL_MS);
        await first.lease.release();
        expect(await second.lease.renew(TTL_MS)).toBe('held');
      });

      test('a holder that acquires once more gets a higher epoch and goes on', async () => {
        const { lease, runs } = await openEmpty();
        const epochs = [await lease.acquire(TTL_MS), await lease.acquire(TTL_MS)];
        expect(epochs).toEqual([
          { kind: 'held', epoch: 1 },
          { kind: 'held', epoch: 2 },
        ]);
        await accepted(runs);
      });
    });

    test('a closed store rejects every call with StoreError, and closing twice is harmless', async () => {
      const store = await openEmpty();
      await store.lease.acquire(TTL_MS);
      await store.runs.ping();
      const calls = { ...everyWrite(store), ...everyRead(store) };
      await store.close();
      await store.close();
      await expectRefused(calls, 'refused', /The store is closed/);
      await expectRefused(
        {
          acquire: () => store.lease.acquire(TTL_MS),
          renew: () => store.lease.renew(TTL_MS),
          release: () => store.lease.release(),
        },
        'refused',
      );
    });
  });
}
