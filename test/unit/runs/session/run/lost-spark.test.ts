import { expect, test } from 'vitest';
import { startSessionRig } from '../../../../support/session-rig.ts';

const gone = { ename: 'Py4JNetworkError', evalue: 'Answer from Java side is empty', traceback: [] };

test('whoever finds the kernel’s Spark gone gets a Restart, until the kernel was restarted', async () => {
  await using rig = await startSessionRig();
  const live = await rig.submit('spark()');
  (await rig.held.untilBegun('spark()')).fail(gone);
  await rig.untilDone(live);
  const [action] = rig.views(live).at(-1)?.actions ?? [];
  expect(action).toBe('restart');
  expect(rig.control.hasLostSpark(live.run)).toBe(true);
  await rig.session().restart();
  rig.held.letRun();
  expect(rig.control.hasLostSpark(live.run)).toBe(false);
});

test('a call to Spark that a stop cut off is no sign of that', async () => {
  await using rig = await startSessionRig();
  const live = await rig.submit('spark()');
  const run = await rig.held.untilBegun('spark()');
  rig.session().stop(live, { kind: 'asked', by: 'U1' });
  run.fail(gone);
  await rig.untilDone(live);
  expect(rig.views(live).at(-1)?.actions).not.toContain('restart');
  expect(rig.control.hasLostSpark(live.run)).toBe(false);
});

test('another error offers none', async () => {
  await using rig = await startSessionRig();
  const live = await rig.submit('wrong()');
  (await rig.held.untilBegun('wrong()')).fail({ ename: 'ValueError', evalue: 'x', traceback: [] });
  await rig.untilDone(live);
  expect(rig.views(live).at(-1)?.actions).not.toContain('restart');
  expect(rig.control.hasLostSpark(live.run)).toBe(false);
});

test('the kernel of a run is its own until it is restarted or gone', async () => {
  await using rig = await startSessionRig();
  const live = await rig.submit('df');
  rig.held.letRun();
  await rig.untilDone(live);
  expect(rig.control.hasKernelOf(live.run)).toBe(true);
  const never = { ...live.run, data: { ...live.run.data, request: undefined } };
  expect(rig.control.hasKernelOf(never)).toBe(false);
  await rig.session().restart();
  expect(rig.control.hasKernelOf(live.run)).toBe(false);
  expect(rig.control.hasKernelOf({ ...live.run, queue: 'another' })).toBe(false);
});

test('a process that has taken its place unasked is another kernel', async () => {
  await using rig = await startSessionRig();
  const live = await rig.submit('df');
  const { kernel } = await rig.held.untilBegun('df');
  rig.held.letRun();
  await rig.untilDone(live);
  kernel.comeUp();
  await expect.poll(() => rig.control.hasKernelOf(live.run)).toBe(false);
});

test('before its final message is posted', async () => {
  await using rig = await startSessionRig();
  const posted = Promise.withResolvers<void>();
  const asked: boolean[] = [];
  rig.onFinish = async () => {
    await Promise.resolve();
    asked.push(rig.control.hasKernelOf(live.run));
    await posted.promise;
    return { delivered: true, messageTs: '2.0' };
  };
  rig.held.letRun();
  const live = await rig.submit('df');
  await rig.untilEnded(live);
  await rig.session().settled;
  await rig.session().restart();
  asked.push(rig.control.hasKernelOf(live.run));
  posted.resolve();
  await rig.untilDone(live);
  expect(asked).toEqual([true, false]);
});
