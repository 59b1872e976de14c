import { expect, test } from 'vitest';
import { type SessionRig, startSessionRig } from '../../support/session-rig.ts';

async function fillQueue(rig: SessionRig): Promise<void> {
  await rig.submit('running()', { requester: 'U1' });
  await rig.held.untilBegun('running()');
  await rig.submit('mine()', { requester: 'U2' });
  await rig.submit('other()', { requester: 'U3' });
}

test('stop means the caller’s running run, else their first waiting one', async () => {
  await using rig = await startSessionRig();
  await fillQueue(rig);
  expect(rig.control.stopOwn('T1', 'C1', 'U2').data.preview).toBe('mine()');
  expect(rig.control.stopOwn('T1', 'C1', 'U1').data.preview).toBe('running()');
  expect(() => rig.control.stopOwn('T1', 'C1', 'U9')).toThrow(
    expect.objectContaining({ code: 'nothingToStop' }),
  );
});

test('an admin’s stop means their own run, else the running one', async () => {
  await using rig = await startSessionRig();
  await fillQueue(rig);
  expect(rig.control.stopRunning('T1', 'C1', 'U3').data.preview).toBe('other()');
  expect(rig.control.stopRunning('T1', 'C1', 'UADMIN').data.preview).toBe('running()');
});

test('stop in a thread means its newest unfinished run', async () => {
  await using rig = await startSessionRig();
  await rig.submit('one()', { thread: '5.0' });
  const two = await rig.submit('two()', { thread: '5.0' });
  await rig.submit('three()', { thread: '6.0' });
  expect(rig.control.newestUnfinished('T1', 'C1', '5.0').id).toBe(two.id);
  expect(() => rig.control.newestUnfinished('T1', 'C1', '7.0')).toThrow(
    expect.objectContaining({
      code: 'nothingToStop',
    }),
  );
});

test('D20: a long run is found behind 205 newer quick ones, with a session for each kernelspec', async () => {
  await using rig = await startSessionRig({ several: true });
  const long = await rig.submit('long()', { kernelspec: 'scala-spark' });
  await rig.held.untilBegun('long()');
  for (let n = 0; n < 205; n += 1) {
    const quick = await rig.submit(`quick(${n})`);
    (await rig.held.untilBegun(`quick(${n})`)).end();
    await rig.untilEnded(quick);
  }
  expect(rig.control.stopOwn('T1', 'C1', 'U1').id).toBe(long.id);
});

test('several kernels a channel: each is known, by its language’s own name too, until it is shut down', async () => {
  await using rig = await startSessionRig({ several: true });
  rig.held.letRun();
  await rig.untilDone(await rig.submit('python()'));
  await rig.untilDone(await rig.submit('scala()', { kernelspec: 'scala-spark' }));
  const status = await rig.control.status('T1', 'C1');
  expect(status.map(({ record, displayName }) => [record.kernelspec, displayName])).toEqual([
    ['python3', 'Python 3'],
    ['scala-spark', 'Scala'],
  ]);
  const specs = (): string[] => rig.control.kernelsOf('T1', 'C1').map(({ kernelspec }) => kernelspec);
  expect(specs()).toEqual(['python3', 'scala-spark']);
  expect(() => rig.control.kernelsOf('T1', 'C2')).toThrow('This channel has no kernel');
  const { record } = status[1]!;
  await rig.control.shutDown(record);
  expect(specs()).toEqual(['python3']);
  await expect(rig.control.shutDown(record)).rejects.toMatchObject({ code: 'noKernel' });
  await expect(rig.control.restart(record)).rejects.toMatchObject({ code: 'noKernel' });
});

test('status has the gateway’s state of a kernel and the unfinished runs', async () => {
  await using rig = await startSessionRig();
  await fillQueue(rig);
  rig.held.begun[0]!.kernel.executionState = 'busy';
  const [status] = await rig.control.status('T1', 'C1');
  expect(status).toMatchObject({ state: 'busy', record: { kernelspec: 'python3' } });
  expect(status?.unfinished).toHaveLength(3);
  rig.gateway.answer = ({ method }) =>
    method === 'GET' ? { status: 404, body: { message: 'Kernel does not exist: x' } } : undefined;
  expect((await rig.control.status('T1', 'C1'))[0]?.state).toBe('gone');
  rig.gateway.answer = () => 'reset';
  expect((await rig.control.status('T1', 'C1'))[0]?.state).toBe('unreachable');
});

test('an ended run cannot be stopped, and an ended prompt cannot be answered', async () => {
  await using rig = await startSessionRig();
  rig.held.letRun();
  const { run } = await rig.submit('code()');
  await rig.untilEnded(run);
  expect(() => rig.control.stop(run, 'U1')).toThrow(expect.objectContaining({ code: 'nothingToStop' }));
  expect(() => rig.control.agreeToSwitch(run, 'U1')).toThrow(
    expect.objectContaining({ code: 'nothingToStop' }),
  );
});

test('D16: buttons of old runs make no session', async () => {
  await using rig = await startSessionRig();
  const { run } = await rig.submit('code()');
  const old = { ...run, id: 'old', queue: 'T1/C7', channel: 'C7' };
  expect(rig.control.hasRunAlone(old)).toBe(true);
  expect(() => rig.control.stop(old, 'U1')).toThrow(expect.objectContaining({ code: 'nothingToStop' }));
  expect(rig.kernels.find('T1/C7')).toBeUndefined();
});

test('a kernel that is being started can be neither restarted nor shut down, because its start would be forgotten', async () => {
  await using rig = await startSessionRig();
  rig.gateway.answer = ({ method }) => (method === 'POST' ? 'hang' : undefined);
  const posted = rig.gateway.untilCall(({ method }) => method === 'POST');
  const live = await rig.submit('code()');
  await posted;
  const [record] = rig.control.kernelsOf('T1', 'C1');
  for (const change of [rig.control.restart(record!), rig.control.shutDown(record!)])
    await expect(change).rejects.toThrow('just being started');
  expect((await rig.records.readAll()).get('T1/C1')?.record).toMatchObject({ state: 'starting' });
  rig.control.stop(live.run, 'U1');
  await rig.untilDone(live);
});

test('a button names the kernel that it was made for', async () => {
  await using rig = await startSessionRig();
  rig.held.letRun();
  const live = await rig.submit('code()');
  await rig.untilDone(live);
  const { kernelId } = rig.control.kernelOf(live.run);
  expect(rig.control.kernelById('T1', kernelId).kernelId).toBe(kernelId);
  expect(rig.control.keep('T1/C1', kernelId)).toBe(true);
  expect(rig.control.keep('T1/C1', 'another')).toBe(false);
  expect(rig.control.keep('T1/C9', kernelId)).toBe(false);
  expect(() => rig.control.kernelById('T1', 'another')).toThrow(
    expect.objectContaining({ code: 'noKernel' }),
  );
  expect(rig.control.kernels('T1').map((record) => record.kernelId)).toEqual([kernelId]);
  expect(await rig.control.otherKernels('T1')).toBeUndefined();
});
