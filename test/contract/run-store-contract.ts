import { randomUUID } from 'node:crypto';
import { afterEach, describe, expect, test } from 'vitest';
import { StoreError } from '../../src/errors.ts';
import type { Ledger, NewRun, RunRecord, RunState } from '../../src/store/run-store.ts';
import { at, newRun, type Note } from './new-run.ts';

/** A backend as the contract suite sees it. */
export interface LedgerBackend {
  /** A ledger over an empty store. */
  openEmpty(): Promise<Ledger<Note>>;
  /** Resolves when a lease of `ttlMs` that was taken at `nowMs` has ended; gives the time it is then. */
  leaseEnd(ledger: Ledger<Note>, name: string, nowMs: number, ttlMs: number): Promise<number>;
}

const roomy = { perLane: 100, perRunner: 100 };
/** Admits a run that must be accepted. */
export async function admitted(
  ledger: Ledger<Note>,
  over: Partial<NewRun<Note>> = {},
): Promise<RunRecord<Note>> {
  const admission = await ledger.admit(randomUUID(), newRun(over), roomy);
  if (admission.kind !== 'accepted') throw new Error(`not accepted but ${admission.kind}`);
  return admission.run;
}

/** Changes a run that nobody else changes. */
async function moved(ledger: Ledger<Note>, run: RunRecord<Note>, state: RunState): Promise<RunRecord<Note>> {
  const changed = await ledger.change(run, { state, updatedAt: at + 1 });
  if (changed === undefined) throw new Error('somebody else changed it');
  return changed;
}

const ids = (runs: readonly { id: string }[]) => runs.map((run) => run.id);

/** What every ledger promises, whatever keeps it. */
export function ledgerContract(name: string, backend: LedgerBackend): void {
  describe(`${name} ledger`, () => {
    const opened: Ledger<Note>[] = [];
    const openEmpty = async () => {
      const ledger = await backend.openEmpty();
      opened.push(ledger);
      return ledger;
    };
    afterEach(async () => {
      for (const ledger of opened.splice(0)) await ledger.close();
    });

    test('an accepted run is kept as it was given, waiting, at revision 0', async () => {
      const ledger = await openEmpty();
      const run = newRun({ data: { code: 'print("ä\u0000\u2028🚀")', message: null }, thread: '' });
      const admission = await ledger.admit('delivery', run, roomy);
      expect(admission).toEqual({
        kind: 'accepted',
        ahead: 0,
        run: { ...run, state: 'waiting', revision: 0, order: expect.any(Number), updatedAt: run.createdAt },
      });
      expect(await ledger.get(run.id)).toEqual(admission.kind === 'accepted' && admission.run);
      expect(await ledger.findDelivery('delivery')).toBe(run.id);
    });

    test('a known delivery is a duplicate and changes nothing, whatever it brings', async () => {
      const ledger = await openEmpty();
      const first = newRun();
      await ledger.admit('delivery', first, roomy);
      const again = await ledger.admit('delivery', newRun({ lane: 'other', runner: 'U9' }), {
        perLane: 0,
        perRunner: 0,
      });
      expect(again).toEqual({ kind: 'duplicate', runId: first.id });
      expect(ids(await ledger.unposted())).toEqual([first.id]);
    });

    test('of many admissions of one delivery at once, one is accepted and the others point at it', async () => {
      const ledger = await openEmpty();
      const admissions = await Promise.all(
        Array.from({ length: 20 }, () => ledger.admit('one', newRun(), roomy)),
      );
      const accepted = admissions.filter((admission) => admission.kind === 'accepted');
      expect(accepted).toHaveLength(1);
      const runId = accepted[0]?.run.id;
      const others = admissions.filter((admission) => admission.kind !== 'accepted');
      expect(others).toEqual(Array.from({ length: 19 }, () => ({ kind: 'duplicate', runId })));
      expect(ids(await ledger.unposted())).toEqual([runId]);
    });

    test('a run id that is taken is refused, and its delivery stays unknown', async () => {
      const ledger = await openEmpty();
      const run = await admitted(ledger);
      const taken = ledger.admit('second', newRun({ id: run.id, lane: 'other' }), roomy);
      await expect(taken).rejects.toMatchObject({ name: 'StoreError', code: 'refused' });
      expect(await ledger.findDelivery('second')).toBeUndefined();
      expect(await ledger.get(run.id)).toEqual(run);
      expect(await ledger.lane('other')).toEqual([]);
    });

    test('over the lane limit nothing is written, and the delivery may come again', async () => {
      const ledger = await openEmpty();
      const limits = { perLane: 2, perRunner: 100 };
      const first = await admitted(ledger);
      await admitted(ledger);
      const third = newRun();
      expect(await ledger.admit('third', third, limits)).toEqual({ kind: 'laneFull', unfinished: 2 });
      expect(await ledger.findDelivery('third')).toBeUndefined();
      expect(await ledger.get(third.id)).toBeUndefined();
      expect(await ledger.admit('elsewhere', newRun({ lane: 'other' }), limits)).toMatchObject({
        kind: 'accepted',
        ahead: 0,
      });
      await moved(ledger, first, 'ended');
      expect(await ledger.admit('third', third, limits)).toMatchObject({ kind: 'accepted', ahead: 1 });
    });

    test('over the runner limit nothing is written; the limit is per workspace and over all lanes', async () => {
      const ledger = await openEmpty();
      const limits = { perLane: 100, perRunner: 2 };
      const first = await admitted(ledger, { lane: 'a' });
      await admitted(ledger, { lane: 'b' });
      const third = newRun({ lane: 'c' });
      expect(await ledger.admit('third', third, limits)).toEqual({ kind: 'runnerFull', unfinished: 2 });
      expect(await ledger.findDelivery('third')).toBeUndefined();
      expect(await ledger.admit('x', newRun({ lane: 'c', workspace: 'T2' }), limits)).toMatchObject({
        kind: 'accepted',
      });
      await ledger.remove(first.id);
      expect(await ledger.admit('third', third, limits)).toMatchObject({ kind: 'accepted', ahead: 1 });
    });

    test('waiting, sending and sent stand in the lane in order of admission; ended and posted do not', async () => {
      const ledger = await openEmpty();
      const runs: RunRecord<Note>[] = [];
      for (let index = 0; index < 5; index += 1) runs.push(await admitted(ledger));
      const states: RunState[] = ['sent', 'sending', 'waiting', 'ended', 'posted'];
      for (const [index, run] of runs.entries()) await moved(ledger, run, states[index] ?? 'waiting');
      expect((await ledger.lane('T1/C1/python3')).map((run) => run.state)).toEqual([
        'sent',
        'sending',
        'waiting',
      ]);
      expect((await ledger.unposted()).map((run) => run.state)).toEqual([
        'sent',
        'sending',
        'waiting',
        'ended',
      ]);
      const next = await ledger.admit('next', newRun(), roomy);
      expect(next).toMatchObject({ kind: 'accepted', ahead: 3 });
      expect(await ledger.lane('nobody')).toEqual([]);
    });

    test('order is total over lanes, channels and workspaces, and no number comes twice', async () => {
      const ledger = await openEmpty();
      const orders: number[] = [];
      for (let index = 0; index < 6; index += 1) {
        const run = await admitted(ledger, { lane: `lane ${index % 3}`, workspace: `T${index % 2}` });
        orders.push(run.order);
        if (index === 3) await ledger.remove(run.id);
      }
      expect(orders).toEqual(orders.toSorted((a, b) => a - b));
      expect(new Set(orders).size).toBe(6);
      expect((await ledger.unposted()).map((run) => run.order)).toEqual(orders.toSpliced(3, 1));
    });

    test('a change keeps what it does not name and counts the revision', async () => {
      const ledger = await openEmpty();
      const run = await admitted(ledger, { thread: '' });
      const second = await ledger.change(run, { thread: '17.5', updatedAt: at + 5 });
      expect(second).toEqual({ ...run, thread: '17.5', revision: 1, updatedAt: at + 5 });
      if (second === undefined) return;
      const data = { code: 'x', message: '17.6' };
      const third = await ledger.change(second, { state: 'sending', lane: 'other', data, updatedAt: at + 6 });
      expect(third).toEqual({
        ...second,
        state: 'sending',
        lane: 'other',
        data,
        revision: 2,
        updatedAt: at + 6,
      });
      expect(await ledger.get(run.id)).toEqual(third);
      expect(await ledger.lane(run.lane)).toEqual([]);
      expect(await ledger.lane('other')).toEqual([third]);
    });

    test('a change of a stale record does nothing', async () => {
      const ledger = await openEmpty();
      const run = await admitted(ledger);
      const fresh = await moved(ledger, run, 'sending');
      expect(await ledger.change(run, { state: 'posted', updatedAt: at + 9 })).toBeUndefined();
      expect(await ledger.get(run.id)).toEqual(fresh);
    });

    test('of many changes at once of one record, one wins', async () => {
      const ledger = await openEmpty();
      const run = await admitted(ledger);
      const changes = await Promise.all(
        Array.from({ length: 20 }, (_, index) =>
          ledger.change(run, { data: { code: `${index}` }, updatedAt: at + index }),
        ),
      );
      const won = changes.filter((change) => change !== undefined);
      expect(won).toHaveLength(1);
      expect(await ledger.get(run.id)).toEqual(won[0]);
    });

    test('a removed run is nowhere, its delivery stays known, and a change of it does nothing', async () => {
      const ledger = await openEmpty();
      const run = newRun();
      const admission = await ledger.admit('delivery', run, roomy);
      await ledger.remove(run.id);
      await ledger.remove(run.id);
      expect(await ledger.get(run.id)).toBeUndefined();
      expect(await ledger.unposted()).toEqual([]);
      expect(await ledger.lane(run.lane)).toEqual([]);
      expect(await ledger.channel('T1', 'C1', 10)).toEqual([]);
      expect(await ledger.findDelivery('delivery')).toBe(run.id);
      const record = admission.kind === 'accepted' ? admission.run : undefined;
      expect(record && (await ledger.change(record, { state: 'sent', updatedAt: at }))).toBeUndefined();
      expect(await ledger.admit('delivery', newRun(), roomy)).toEqual({ kind: 'duplicate', runId: run.id });
    });

    test('runs of a thread, a channel and a person: newest first, up to the limit, of that workspace only', async () => {
      const ledger = await openEmpty();
      const old = await admitted(ledger);
      const posted = await moved(ledger, await admitted(ledger), 'posted');
      const otherThread = await admitted(ledger, { thread: '2' });
      const otherRunner = await admitted(ledger, { runner: 'U2' });
      await admitted(ledger, { workspace: 'T2' });
      const otherChannel = await admitted(ledger, { channel: 'C2' });
      expect(ids(await ledger.thread('T1', 'C1', old.thread, 10))).toEqual(ids([otherRunner, posted, old]));
      expect(ids(await ledger.thread('T1', 'C1', old.thread, 1))).toEqual(ids([otherRunner]));
      expect(ids(await ledger.channel('T1', 'C1', 3))).toEqual(ids([otherRunner, otherThread, posted]));
      expect(ids(await ledger.runner('T1', 'U1', 10))).toEqual(ids([otherChannel, otherThread, posted, old]));
      expect(await ledger.runner('T1', 'U1', 0)).toEqual([]);
      expect(await ledger.thread('T1', 'C1', 'unknown', 10)).toEqual([]);
    });

    test('a run is found in the thread that it was given later, at its own place', async () => {
      const ledger = await openEmpty();
      const early = await admitted(ledger, { thread: '' });
      const late = await admitted(ledger, { thread: '5' });
      await ledger.change(early, { thread: '5', updatedAt: at });
      expect(ids(await ledger.thread('T1', 'C1', '5', 10))).toEqual(ids([late, early]));
      expect(await ledger.thread('T1', 'C1', '', 10)).toEqual([]);
    });

    test('names that share their text do not share their records', async () => {
      const ledger = await openEmpty();
      await admitted(ledger, { workspace: 'T', channel: 'a:b', thread: 'c', lane: 'l:m', runner: 'u:v' });
      expect(await ledger.thread('T', 'a', 'b:c', 10)).toEqual([]);
      expect(await ledger.channel('T:a', 'b', 10)).toEqual([]);
      expect(await ledger.runner('T:u', 'v', 10)).toEqual([]);
      expect(await ledger.channel('T', 'a', 10)).toEqual([]);
    });

    test('a claim is true the first time only, and makes the delivery known', async () => {
      const ledger = await openEmpty();
      const claims = await Promise.all(Array.from({ length: 10 }, () => ledger.claim('press', at)));
      expect(claims.filter(Boolean)).toHaveLength(1);
      expect(await ledger.findDelivery('press')).toBe('');
      expect(await ledger.admit('press', newRun(), roomy)).toEqual({ kind: 'duplicate', runId: '' });
      expect(await ledger.findDelivery('never')).toBeUndefined();
    });

    test('purge erases old posted runs and old deliveries, and says which runs', async () => {
      const ledger = await openEmpty();
      const oldPosted = await ledger.change(await admitted(ledger), { state: 'posted', updatedAt: at + 10 });
      const newPosted = await ledger.change(await admitted(ledger), { state: 'posted', updatedAt: at + 20 });
      const oldEnded = await ledger.change(await admitted(ledger), { state: 'ended', updatedAt: at + 10 });
      await ledger.claim('old', at + 10);
      await ledger.claim('new', at + 20);
      expect(await ledger.purge({ runsBefore: at + 20, deliveriesBefore: at + 20 })).toEqual([oldPosted?.id]);
      expect(await ledger.get(oldPosted?.id ?? '')).toBeUndefined();
      expect(ids(await ledger.channel('T1', 'C1', 10))).toEqual([oldEnded?.id, newPosted?.id]);
      expect(await ledger.findDelivery('old')).toBeUndefined();
      expect(await ledger.findDelivery('new')).toBe('');
      expect(await ledger.claim('old', at + 30)).toBe(true);
      expect(await ledger.purge({ runsBefore: at + 20, deliveriesBefore: at + 20 })).toEqual([]);
    });

    test('a purge of more runs than one batch leaves none of them', async () => {
      const ledger = await openEmpty();
      const runs = await Promise.all(
        Array.from({ length: 250 }, () => admitted(ledger, { lane: randomUUID(), runner: randomUUID() })),
      );
      await Promise.all(runs.map((run) => moved(ledger, run, 'posted')));
      const erased = await ledger.purge({ runsBefore: at + 2, deliveriesBefore: at + 2 });
      expect(erased.toSorted()).toEqual(ids(runs).toSorted());
      expect(await ledger.channel('T1', 'C1', 10)).toEqual([]);
    });

    test('a lease has one owner, who may keep it and alone may give it back', async () => {
      const ledger = await openEmpty();
      const held = { owner: 'a', until: at + 60_000 };
      expect(await ledger.lease('kernel', 'a', 60_000, at)).toEqual(held);
      const theirs = await ledger.lease('kernel', 'b', 60_000, at);
      expect(theirs.owner).toBe('a');
      expect(theirs.until).toBeLessThanOrEqual(held.until);
      expect(theirs.until).toBeGreaterThan(at + 30_000);
      expect(await ledger.lease('kernel', 'a', 90_000, at)).toEqual({ owner: 'a', until: at + 90_000 });
      expect(await ledger.lease('another', 'b', 60_000, at)).toMatchObject({ owner: 'b' });
      await ledger.release('kernel', 'b');
      expect(await ledger.lease('kernel', 'b', 60_000, at)).toMatchObject({ owner: 'a' });
      await ledger.release('kernel', 'a');
      await ledger.release('kernel', 'a');
      expect(await ledger.lease('kernel', 'b', 60_000, at)).toEqual({ owner: 'b', until: at + 60_000 });
    });

    test('of many takers at once one gets the lease, and all are told the same owner', async () => {
      const ledger = await openEmpty();
      const leases = await Promise.all(
        Array.from({ length: 10 }, (_, index) => ledger.lease('kernel', `${index}`, 60_000, at)),
      );
      expect(new Set(leases.map((lease) => lease.owner)).size).toBe(1);
    });

    test('a lease that is not renewed ends and can be taken; the old owner is told so', async () => {
      const ledger = await openEmpty();
      const now = Date.now();
      await ledger.lease('kernel', 'a', 2_000, now);
      expect(await ledger.lease('kernel', 'b', 60_000, now)).toMatchObject({ owner: 'a' });
      const later = await backend.leaseEnd(ledger, 'kernel', now, 2_000);
      expect(await ledger.lease('kernel', 'b', 60_000, later)).toEqual({ owner: 'b', until: later + 60_000 });
      expect(await ledger.lease('kernel', 'a', 60_000, later)).toMatchObject({ owner: 'b' });
    });

    test('a signal reaches every listener of this process once, in order; one that throws hinders nobody', async () => {
      const ledger = await openEmpty();
      const heard: string[] = [];
      const done = Promise.withResolvers<void>();
      ledger.onSignal(() => {
        throw new Error('a listener of this test fails on purpose');
      });
      const off = ledger.onSignal((topic) => heard.push(`off ${topic}`));
      ledger.onSignal((topic, payload) => {
        heard.push(`${topic} ${payload}`);
        if (topic === 'last') done.resolve();
      });
      off();
      await ledger.signal('stop', '{"run":"ä 🚀"}');
      await ledger.signal('stop', '{}');
      await ledger.signal('last', '""');
      await done.promise;
      expect(heard).toEqual(['stop {"run":"ä 🚀"}', 'stop {}', 'last ""']);
    });

    test('a signal over 8 kB is refused', async () => {
      const ledger = await openEmpty();
      await ledger.signal('big', JSON.stringify('x'.repeat(8_000)));
      await expect(ledger.signal('big', JSON.stringify('x'.repeat(9_000)))).rejects.toMatchObject({
        code: 'refused',
      });
    });

    test('code of a megabyte comes back unchanged', async () => {
      const ledger = await openEmpty();
      const data = { code: 'é🚀\n'.repeat(120_000) };
      const run = await admitted(ledger, { data });
      expect((await ledger.get(run.id))?.data).toEqual(data);
    });

    test('a closed ledger rejects every call with StoreError, and closing twice is harmless', async () => {
      const ledger = await openEmpty();
      const run = await admitted(ledger);
      await ledger.ping();
      await ledger.close();
      await ledger.close();
      const calls = [
        ledger.ping(),
        ledger.get(run.id),
        ledger.admit('d', newRun(), roomy),
        ledger.claim('d', at),
        ledger.findDelivery('d'),
        ledger.change(run, { updatedAt: at }),
        ledger.lane('l'),
        ledger.unposted(),
        ledger.thread('T', 'C', 't', 1),
        ledger.channel('T', 'C', 1),
        ledger.runner('T', 'U', 1),
        ledger.remove(run.id),
        ledger.purge({ runsBefore: 0, deliveriesBefore: 0 }),
        ledger.lease('l', 'o', 1, 1),
        ledger.release('l', 'o'),
        ledger.signal('t', '{}'),
      ];
      const reasons = (await Promise.allSettled(calls)).map(
        (call) => call.status === 'rejected' && call.reason,
      );
      expect(reasons.filter((reason) => !(reason instanceof StoreError))).toEqual([]);
    });
  });
}
