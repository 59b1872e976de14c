import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { silentLog } from '../../../../src/log.ts';
import { ActiveRun } from '../../../../src/runs/session/active-run.ts';
import { bareOutcome } from '../../../../src/runs/outcome.ts';
import type { RunData } from '../../../../src/runs/run.ts';
import type { RunMessage } from '../../../../src/runs/run-view.ts';
import type { Ledger } from '../../../../src/store/run-store.ts';
import { openStore } from '../../../../src/store/open-store.ts';

/** A run message that nobody sees. */
const unseen: RunMessage = {
  show: () => {},
  finish: async () => ({ delivered: true, messageTs: '1.1' }),
  release: async () => {},
  withdraw: async () => {},
};

/** A run that waits in a ledger, in a process's hands. */
async function waitingRun(): Promise<{ active: ActiveRun; ledger: Ledger<RunData> }> {
  const { ledger } = await openStore<RunData>({ url: 'memory:', log: silentLog });
  const delivery = randomUUID();
  const data: RunData = {
    door: 'mention',
    kernelspec: 'python3',
    blocks: ['1'],
    delivery,
    edition: 1,
    needsRoot: false,
    block: 0,
    notes: [],
  };
  const place = { workspace: 'T1', channel: 'C1', thread: '1.0', lane: 'T1/C1', runner: 'U1' };
  const admitted = await ledger.admit(
    delivery,
    { id: randomUUID(), ...place, createdAt: Date.now(), data },
    { perLane: 20, perRunner: 5 },
  );
  if (admitted.kind !== 'accepted') throw new Error(admitted.kind);
  return { active: new ActiveRun(admitted.run, unseen, ledger), ledger };
}

const cancelled = bareOutcome('cancelled', 'python3');

test('a run that was taken back is never sent, and ends in no other way', async () => {
  const { active, ledger } = await waitingRun();
  const taking = active.takeBack(cancelled);
  const sending = active.change({ state: 'sending' }, { block: 0 });
  expect(await Promise.all([taking, sending])).toEqual([true, false]);
  expect(await active.conclude(bareOutcome('notStarted', 'python3'))).toBe(false);
  expect(active.signal.aborted).toBe(true);
  expect(await ledger.get(active.run.id)).toMatchObject({ state: 'ended', data: { outcome: cancelled } });
  expect(await active.change({ state: 'posted' })).toBe(true);
  expect(await active.conclude(bareOutcome('ok', 'python3'))).toBe(false);
});

test('a run that is being sent is not taken back', async () => {
  const { active, ledger } = await waitingRun();
  const sending = active.change({ state: 'sending' }, { block: 0 });
  const taking = active.takeBack(cancelled);
  expect(await Promise.all([sending, taking])).toEqual([true, false]);
  expect(active.signal.aborted).toBe(false);
  expect(await ledger.get(active.run.id)).toMatchObject({ state: 'sending' });
});

test('a last word that stands is noted although the run was let go meanwhile', async () => {
  const { active, ledger } = await waitingRun();
  await active.conclude(bareOutcome('ok', 'python3'));
  await active.abandon();
  expect(await active.change({}, { notes: ['late'] })).toBe(false);
  expect(await active.close({ answerTs: '1.1' })).toBe(true);
  expect(await ledger.get(active.run.id)).toMatchObject({
    state: 'posted',
    data: { answerTs: '1.1', notes: [] },
  });
});
