import * as fc from 'fast-check';
import { expect } from 'vitest';
import type { Ledger, RunRecord, RunState } from '../../src/store/run-store.ts';
import { newRun, type Note } from './new-run.ts';

const states: RunState[] = ['waiting', 'sending', 'sent', 'ended', 'posted'];
const isUnfinished = (run: { state: RunState }) => run.state !== 'ended' && run.state !== 'posted';

const lanes = ['l0', 'l1'];
const runners = ['U0', 'U1'];
const workspaces = ['T0', 'T1'];
const threads = ['', '1.1'];
const deliveries = ['d0', 'd1', 'd2', 'd3', 'd4', 'd5', 'd6', 'd7'];

const oneOf = <T>(values: readonly T[]) => fc.constantFrom(...values);
const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });
/** Times and limits are small, so that they meet. */
const time = fc.integer({ min: 1, max: 9 });

const admit = fc.record({
  kind: fc.constant('admit' as const),
  delivery: oneOf(deliveries),
  lane: oneOf(lanes),
  runner: oneOf(runners),
  workspace: oneOf(workspaces),
  thread: oneOf(threads),
  atMs: time,
  perLane: fc.integer({ min: 1, max: 4 }),
  perRunner: fc.integer({ min: 1, max: 4 }),
});
const change = fc.record({
  kind: fc.constant('change' as const),
  /** Which of the records that were ever seen, so that stale and removed ones are among them. */
  seen: fc.nat(),
  state: maybe(oneOf(states)),
  lane: maybe(oneOf(lanes)),
  thread: maybe(oneOf(threads)),
  code: maybe(fc.string({ maxLength: 5 })),
  atMs: time,
});
const claim = fc.record({ kind: fc.constant('claim' as const), delivery: oneOf(deliveries), atMs: time });
const remove = fc.record({ kind: fc.constant('remove' as const), seen: fc.nat() });
const purge = fc.record({ kind: fc.constant('purge' as const), runsBefore: time, deliveriesBefore: time });

const step = fc.oneof(
  { weight: 6, arbitrary: admit },
  { weight: 8, arbitrary: change },
  { weight: 1, arbitrary: claim },
  { weight: 1, arbitrary: remove },
  { weight: 1, arbitrary: purge },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;
export const steps: fc.Arbitrary<Step[]> = fc.array(step, { minLength: 1, maxLength: 40 });

/** The promise in its simplest form: a list and a map. `order` is left to the ledger: the model knows only the list's. */
class Model {
  runs: RunRecord<Note>[] = [];
  readonly deliveries = new Map<string, { runId: string; atMs: number }>();
  readonly seen: RunRecord<Note>[] = [];
  count = 0;
}

/** Plays the same steps on a ledger and on the model; every answer and every view must be the same. */
export async function playOnBoth(ledger: Ledger<Note>, played: readonly Step[]): Promise<void> {
  const model = new Model();
  for (const one of played) {
    await playStep(ledger, model, one);
    await compareViews(ledger, model);
  }
}

async function playStep(ledger: Ledger<Note>, model: Model, one: Step): Promise<void> {
  switch (one.kind) {
    case 'admit': {
      const { delivery, lane, runner, workspace, thread, atMs, perLane, perRunner } = one;
      const run = newRun({
        lane,
        runner,
        workspace,
        thread,
        createdAt: atMs,
        data: { code: `${(model.count += 1)}` },
      });
      const admission = await ledger.admit(delivery, run, { perLane, perRunner });
      const known = model.deliveries.get(delivery);
      const inLane = model.runs.filter((other) => other.lane === lane && isUnfinished(other)).length;
      const ofRunner = model.runs.filter(
        (other) => other.workspace === workspace && other.runner === runner && isUnfinished(other),
      ).length;
      if (known !== undefined) expect(admission).toEqual({ kind: 'duplicate', runId: known.runId });
      else if (inLane >= perLane) expect(admission).toEqual({ kind: 'laneFull', unfinished: inLane });
      else if (ofRunner >= perRunner) expect(admission).toEqual({ kind: 'runnerFull', unfinished: ofRunner });
      else {
        if (admission.kind !== 'accepted') throw new Error(`not accepted but ${admission.kind}`);
        const { order } = admission.run;
        const accepted: RunRecord<Note> = { ...run, state: 'waiting', order, revision: 0, updatedAt: atMs };
        expect(admission).toEqual({ kind: 'accepted', run: accepted, ahead: inLane });
        expect(order).toBeGreaterThan(Math.max(0, ...model.seen.map((seen) => seen.order)));
        model.runs.push(accepted);
        model.seen.push(accepted);
        model.deliveries.set(delivery, { runId: run.id, atMs });
      }
      return;
    }
    case 'change': {
      const stale = model.seen[one.seen % Math.max(1, model.seen.length)];
      if (stale === undefined) return;
      const changes = {
        ...(one.state && { state: one.state }),
        ...(one.lane && { lane: one.lane }),
        ...(one.thread !== undefined && { thread: one.thread }),
        ...(one.code !== undefined && { data: { code: one.code } }),
        updatedAt: one.atMs,
      };
      const changed = await ledger.change(stale, changes);
      const index = model.runs.findIndex((run) => run.id === stale.id && run.revision === stale.revision);
      const expected = index < 0 ? undefined : { ...stale, ...changes, revision: stale.revision + 1 };
      expect(changed).toEqual(expected);
      if (expected === undefined) return;
      model.runs[index] = expected;
      model.seen.push(expected);
      return;
    }
    case 'claim': {
      const isNew = !model.deliveries.has(one.delivery);
      expect(await ledger.claim(one.delivery, one.atMs)).toBe(isNew);
      if (isNew) model.deliveries.set(one.delivery, { runId: '', atMs: one.atMs });
      return;
    }
    case 'remove': {
      const seen = model.seen[one.seen % Math.max(1, model.seen.length)];
      if (seen === undefined) return;
      await ledger.remove(seen.id);
      model.runs = model.runs.filter((run) => run.id !== seen.id);
      return;
    }
    case 'purge': {
      const isOld = (run: RunRecord<Note>) => run.state === 'posted' && run.updatedAt < one.runsBefore;
      const erased = await ledger.purge(one);
      expect(erased.toSorted()).toEqual(
        model.runs
          .filter(isOld)
          .map((run) => run.id)
          .toSorted(),
      );
      model.runs = model.runs.filter((run) => !isOld(run));
      for (const [delivery, { atMs }] of model.deliveries) {
        if (atMs < one.deliveriesBefore) model.deliveries.delete(delivery);
      }
    }
  }
}

async function compareViews(ledger: Ledger<Note>, model: Model): Promise<void> {
  const newest = (isWanted: (run: RunRecord<Note>) => boolean, limit: number) =>
    model.runs.filter(isWanted).toReversed().slice(0, limit);
  for (const lane of lanes) {
    expect(await ledger.lane(lane)).toEqual(
      model.runs.filter((run) => run.lane === lane && isUnfinished(run)),
    );
  }
  expect(await ledger.unposted()).toEqual(model.runs.filter((run) => run.state !== 'posted'));
  for (const workspace of workspaces) {
    const inWorkspace = (run: RunRecord<Note>) => run.workspace === workspace;
    expect(await ledger.channel(workspace, 'C1', 3)).toEqual(newest(inWorkspace, 3));
    for (const thread of threads) {
      expect(await ledger.thread(workspace, 'C1', thread, 2)).toEqual(
        newest((run) => inWorkspace(run) && run.thread === thread, 2),
      );
    }
    for (const runner of runners) {
      expect(await ledger.runner(workspace, runner, 9)).toEqual(
        newest((run) => inWorkspace(run) && run.runner === runner, 9),
      );
    }
  }
  for (const delivery of deliveries) {
    expect(await ledger.findDelivery(delivery)).toBe(model.deliveries.get(delivery)?.runId);
  }
}
