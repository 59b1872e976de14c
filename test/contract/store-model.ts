import * as fc from 'fast-check';
import { expect } from 'vitest';
import type { RunRecord, RunState, RunStore } from '../../src/store/store.ts';
import { newRun, type Note, recordOf } from './new-run.ts';

const states: RunState[] = ['waiting', 'sending', 'running', 'ended', 'posted'];
const requesters = ['U0', 'U1'];
const workspaces = ['T0', 'T1'];
const threads = ['', '1.1'];
const requests = ['d0', 'd1', 'd2', 'd3', 'd4', 'd5', 'd6', 'd7'];

const oneOf = <T>(values: readonly T[]) => fc.constantFrom(...values);
const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });
/** Times are small, so that they meet. */
const time = fc.integer({ min: 1, max: 9 });
/** Which of the records that were ever seen, so that removed ones are among them. */
const seen = fc.nat();
const block = fc.string({ maxLength: 5 });

const accept = fc.record({
  kind: fc.constant('accept' as const),
  request: oneOf(requests),
  requester: oneOf(requesters),
  workspace: oneOf(workspaces),
  thread: oneOf(threads),
  code: fc.array(block, { maxLength: 2 }),
  atMs: time,
});
const save = fc.record({
  kind: fc.constant('save' as const),
  seen,
  state: oneOf(states),
  thread: maybe(oneOf(threads)),
  note: block,
  code: maybe(fc.array(block, { maxLength: 2 })),
  atMs: time,
});
const markSeen = fc.record({ kind: fc.constant('markSeen' as const), request: oneOf(requests), atMs: time });
const forget = fc.record({ kind: fc.constant('forget' as const), request: oneOf(requests) });
const restore = fc.record({ kind: fc.constant('restore' as const), seen, request: oneOf(requests) });
const remove = fc.record({ kind: fc.constant('remove' as const), seen });
const withdraw = fc.record({ kind: fc.constant('withdraw' as const), seen, request: oneOf(requests) });
const purge = fc.record({ kind: fc.constant('purge' as const), runsBefore: time, requestsBefore: time });

const step = fc.oneof(
  { weight: 6, arbitrary: accept },
  { weight: 8, arbitrary: save },
  { weight: 1, arbitrary: markSeen },
  { weight: 1, arbitrary: forget },
  { weight: 1, arbitrary: restore },
  { weight: 1, arbitrary: remove },
  { weight: 1, arbitrary: withdraw },
  { weight: 1, arbitrary: purge },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;
export const steps: fc.Arbitrary<Step[]> = fc.array(step, { minLength: 1, maxLength: 40 });

/** The promise in its simplest form: lists and maps. `order` is left to the store: the model knows only the list's. */
class Model {
  runs: RunRecord<Note>[] = [];
  readonly code = new Map<string, readonly string[]>();
  readonly requests = new Map<string, { runId: string; atMs: number }>();
  readonly seen: RunRecord<Note>[] = [];

  has(runId: string): boolean {
    return this.runs.some((run) => run.id === runId);
  }
  put(run: RunRecord<Note>): void {
    this.runs = [...this.runs.filter((other) => other.id !== run.id), run].toSorted(
      (a, b) => a.order - b.order,
    );
    this.seen.push(run);
  }
  erase(runId: string): void {
    this.runs = this.runs.filter((run) => run.id !== runId);
    this.code.delete(runId);
  }
}

/** Plays the same steps on a store and on the model; every answer and every view must be the same. */
export async function playOnBoth(runs: RunStore<Note>, played: readonly Step[]): Promise<void> {
  const model = new Model();
  for (const one of played) {
    await playStep(runs, model, one);
    await compareViews(runs, model);
  }
}

async function playStep(runs: RunStore<Note>, model: Model, one: Step): Promise<void> {
  const known = 'seen' in one ? model.seen[one.seen % Math.max(1, model.seen.length)] : undefined;
  switch (one.kind) {
    case 'accept': {
      const { request, requester, workspace, thread, code, atMs } = one;
      const run = newRun({ requester, workspace, thread, code, createdAt: atMs });
      const acceptance = await runs.accept(request, run);
      const before = model.requests.get(request);
      if (before !== undefined) {
        expect(acceptance).toEqual({ kind: 'duplicate', runId: before.runId });
        return;
      }
      if (acceptance.kind !== 'accepted') throw new Error(`not accepted but ${acceptance.kind}`);
      expect(acceptance.order).toBeGreaterThan(Math.max(0, ...model.seen.map(({ order }) => order)));
      model.put(recordOf(run, acceptance.order));
      model.code.set(run.id, code);
      model.requests.set(request, { runId: run.id, atMs });
      return;
    }
    case 'save': {
      if (known === undefined) return;
      const changed: RunRecord<Note> = {
        ...known,
        state: one.state,
        thread: one.thread ?? known.thread,
        data: { note: one.note },
        updatedAt: one.atMs,
      };
      const isSaved = await runs.save(changed, one.code);
      expect(isSaved).toBe(model.has(known.id));
      if (!isSaved) return;
      model.put(changed);
      if (one.code !== undefined) model.code.set(known.id, one.code);
      return;
    }
    case 'markSeen': {
      const isNew = !model.requests.has(one.request);
      expect(await runs.markSeen(one.request, one.atMs)).toBe(isNew);
      if (isNew) model.requests.set(one.request, { runId: '', atMs: one.atMs });
      return;
    }
    case 'forget': {
      await runs.forgetRequest(one.request);
      model.requests.delete(one.request);
      return;
    }
    case 'restore': {
      if (known === undefined) return;
      await runs.restore(one.request, known, ['restored']);
      model.put(known);
      model.code.set(known.id, ['restored']);
      model.requests.set(one.request, { runId: known.id, atMs: known.createdAt });
      return;
    }
    case 'remove': {
      if (known === undefined) return;
      await runs.remove(known.id);
      model.erase(known.id);
      return;
    }
    case 'withdraw': {
      if (known === undefined) return;
      await runs.withdraw(known.id, one.request);
      model.erase(known.id);
      model.requests.delete(one.request);
      return;
    }
    case 'purge': {
      const old = model.runs.filter((run) => run.state === 'posted' && run.updatedAt < one.runsBefore);
      const { ids } = await runs.purge(one);
      expect(ids.toSorted()).toEqual(old.map((run) => run.id).toSorted());
      for (const run of old) model.erase(run.id);
      for (const [request, { atMs }] of model.requests) {
        if (atMs < one.requestsBefore) model.requests.delete(request);
      }
    }
  }
}

async function compareViews(runs: RunStore<Note>, model: Model): Promise<void> {
  const newest = (isWanted: (run: RunRecord<Note>) => boolean, limit: number) =>
    model.runs.filter(isWanted).toReversed().slice(0, limit);
  expect(await runs.unposted()).toEqual(model.runs.filter((run) => run.state !== 'posted'));
  for (const workspace of workspaces) {
    const inWorkspace = (run: RunRecord<Note>) => run.workspace === workspace;
    expect(await runs.newest('channel', [workspace, 'C1'], 3)).toEqual(newest(inWorkspace, 3));
    for (const thread of threads) {
      expect(await runs.newest('thread', [workspace, 'C1', thread], 2)).toEqual(
        newest((run) => inWorkspace(run) && run.thread === thread, 2),
      );
    }
    for (const requester of requesters) {
      expect(await runs.newest('requester', [workspace, requester], 9)).toEqual(
        newest((run) => inWorkspace(run) && run.requester === requester, 9),
      );
    }
  }
  for (const request of requests) {
    expect(await runs.findRequest(request)).toBe(model.requests.get(request)?.runId);
  }
  for (const { id } of model.seen) expect(await runs.code(id)).toEqual(model.code.get(id));
}
