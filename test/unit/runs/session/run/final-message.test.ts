import { expect, test } from 'vitest';
import { startSessionRig } from '../../../../support/session-rig.ts';
import { silent } from '../../../../support/store-faults.ts';

test('a posted message is in the record, with its files and replies', async () => {
  await using rig = await startSessionRig();
  rig.held.letRun();
  rig.onFinish = () => ({ delivered: true, messageTs: '3.0', files: ['F1'], replies: ['4.0'] });
  const live = await rig.submit('code()');
  await rig.untilDone(live);
  const data = { messageTs: '3.0', files: ['F1'], replies: ['4.0'] };
  expect(await rig.store.runs.get(live.id)).toMatchObject({ state: 'posted', data });
  expect(rig.kernels.run(live.id)).toBeUndefined();
});

test('a message that Slack did not accept leaves the run ended for the next start, and blocks nobody', async () => {
  await using rig = await startSessionRig();
  rig.held.letRun();
  rig.onFinish = () => ({ delivered: false, reason: 'away', isRefused: false });
  const live = await rig.submit('code()');
  await rig.untilDone(live);
  expect(await rig.store.runs.get(live.id)).toMatchObject({ state: 'ended' });
  expect((await rig.untilDone(await rig.submit('next()'))).kind).toBe('ok');
  expect((await rig.store.runs.unposted()).map(({ id }) => id)).toEqual(['run-1', 'run-2']);
});

test('D6: the store is away when the posted message is noted: it is noted later, and not posted again', async () => {
  await using rig = await startSessionRig();
  rig.held.letRun();
  let posts = 0;
  let isAway = false;
  rig.onFinish = () => {
    posts += 1;
    isAway = true;
    return { delivered: true, messageTs: '2.0' };
  };
  rig.faults.before = (method) => {
    if (method !== 'save' || !isAway) return;
    isAway = false;
    throw silent();
  };
  const live = await rig.submit('code()');
  await rig.untilDone(live);
  expect(posts).toBe(1);
  expect(await rig.store.runs.get(live.id)).toMatchObject({ state: 'posted' });
});
