import { expect, test } from 'vitest';
import { RunQueue, type RunWork } from '../../../../src/runs/session/run-queue.ts';
import type { LiveRun } from '../../../../src/runs/session/run/live-run.ts';
import { type SessionRig, startSessionRig } from '../../../support/session-rig.ts';

const NO_WORK: RunWork = { runOne: async () => {}, onBusy() {}, onDone() {}, onIdle() {} };

async function accept(rig: SessionRig, count: number): Promise<LiveRun[]> {
  const lives: LiveRun[] = [];
  for (let n = 0; n < count; n += 1)
    lives.push(await rig.submit(`code(${n})`, { channel: `C${n}`, queue: `T1/C${n}` }));
  return lives;
}

test('runs stand in order of acceptance, however they come', async () => {
  await using rig = await startSessionRig();
  const lives = await accept(rig, 4);
  const queue = new RunQueue(NO_WORK);
  for (const at of [2, 0, 3, 1]) queue.add(lives[at]!);
  expect(queue.all.map(({ id }) => id)).toEqual(lives.map(({ id }) => id));
  queue.remove(lives[1]!);
  expect(queue.all).not.toContain(lives[1]);
  expect(queue.isEmpty).toBe(false);
});

test('one whose requester is asked keeps no place', async () => {
  await using rig = await startSessionRig();
  const [first, asked] = await accept(rig, 2);
  const queue = new RunQueue(NO_WORK);
  queue.add(first!);
  queue.add(asked!);
  asked!.run = { ...asked!.run, state: 'waiting', data: { ...asked!.run.data, switchAskedAt: 1 } };
  expect(queue.placed).toEqual([first]);
  expect(queue.undecided).toEqual([asked]);
  expect(queue.unfinished.map(({ id }) => id)).toEqual([first!.id]);
});

test('one whose end is stored takes no place any more, though its worker has not left it', async () => {
  await using rig = await startSessionRig();
  const [ended, waiting] = await accept(rig, 2);
  const queue = new RunQueue(NO_WORK);
  queue.add(ended!);
  queue.add(waiting!);
  ended!.run = { ...ended!.run, state: 'ended' };
  expect(queue.unfinished.map(({ id }) => id)).toEqual([waiting!.id]);
  expect(queue.placed).toEqual([ended, waiting]);
});

test('only the first places are shown anew with each run that ends', async () => {
  await using rig = await startSessionRig();
  await rig.submit('running()');
  await rig.held.untilBegun('running()');
  const waiting: LiveRun[] = [];
  for (let n = 0; n < 10; n += 1) waiting.push(await rig.submit(`code(${n})`));
  expect(waiting.map((live) => rig.views(live).length > 0)).not.toContain(false);
  const before = rig.views(waiting[9]!).length;
  rig.held.begun[0]!.end();
  await rig.held.untilBegun('code(0)');
  await rig.untilShown(waiting[1]!, ({ phase }) => phase.kind === 'waiting' && phase.ahead === 1);
  expect(rig.views(waiting[9]!)).toHaveLength(before);
});
