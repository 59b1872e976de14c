import { expect, test } from 'vitest';
import { syntheticOutcome } from '../../../../../src/runs/outcome.ts';
import { startSessionRig } from '../../../../support/session-rig.ts';
import { silent } from '../../../../support/store-faults.ts';

test('a run ends once', async () => {
  await using rig = await startSessionRig();
  const live = await rig.submit('code()', { queue: 'T1/C2', data: { switchAskedAt: Date.now() } });
  expect(await live.end(syntheticOutcome('cancelled', 'python3'))).toBe(true);
  expect(await live.end(syntheticOutcome('ok', 'python3'))).toBe(false);
  expect(await rig.store.runs.get(live.id)).toMatchObject({ data: { outcome: { kind: 'cancelled' } } });
});

test('the first reason to stop counts', async () => {
  await using rig = await startSessionRig();
  const live = await rig.submit('code()');
  await rig.held.untilBegun('code()');
  live.stop({ kind: 'asked', by: 'U7' });
  live.stop({ kind: 'timeout' });
  expect(live.signal.reason).toEqual({ kind: 'asked', by: 'U7' });
  expect(live.run.data.stoppedBy).toBe('U7');
});

test('a change is in memory at once, and in the store when that answers again', async () => {
  await using rig = await startSessionRig();
  const live = await rig.submit('code()');
  await rig.held.untilBegun('code()');
  await rig.untilShown(live, ({ output }) => output !== undefined);
  const tried = Promise.withResolvers<void>();
  rig.faults.before = () => {
    tried.resolve();
    throw silent();
  };
  live.note({ data: { notes: ['said'] } });
  expect(live.run.data.notes).toEqual(['said']);
  await tried.promise;
  rig.faults.before = () => undefined;
  await live.commit({});
  expect((await rig.store.runs.get(live.id))?.data.notes).toEqual(['said']);
});

test('output is shown only once the store says that the kernel has the run', async () => {
  await using rig = await startSessionRig();
  rig.held.letRun();
  await rig.untilDone(await rig.submit('before()'));
  const writing = Promise.withResolvers<void>();
  let saves = 0;
  rig.faults.before = (method) => (method === 'save' && (saves += 1) > 1 ? writing.promise : undefined);
  const live = await rig.submit('code()');
  await rig.untilShown(live, ({ phase }) => phase.kind === 'running');
  expect(rig.views(live).every(({ output }) => output === undefined)).toBe(true);
  writing.resolve();
  await rig.untilDone(live);
  expect(rig.views(live).at(-1)?.output).toBeDefined();
});

test('a run that was left to a successor changes nothing in the store any more', async () => {
  await using rig = await startSessionRig();
  const live = await rig.submit('code()');
  await rig.held.untilBegun('code()');
  await live.release();
  expect(await live.commit({ state: 'ended' })).toBe(false);
  expect((await rig.store.runs.get(live.id))?.state).not.toBe('ended');
});

test.each([
  ['how do I list tables?', 'Object `tables` not found.\n', true],
  ['could you count the rows, please?', 'Object `please` not found.\n', true],
  ['tables?', 'Object `tables` not found.\n', false],
  ['count the rows of df?', 'Signature: df()\n', false],
  ['df.head?', 'Object `df.head` not found.\n', false],
])('%j that IPython answers with %j is told as a sentence: %j', async (code, printed, isTold) => {
  await using rig = await startSessionRig();
  rig.gateway.onStart = (kernel) => {
    kernel.onExecute = (request) => {
      kernel.begin(request);
      kernel.stream(request, printed);
      kernel.end(request);
    };
  };
  const live = await rig.submit(code);
  await rig.untilDone(live);
  expect(rig.views(live).at(-1)?.notes).toEqual(
    isTold ? [expect.stringContaining('reads like a sentence')] : [],
  );
});
