import { expect, test } from 'vitest';
import { type SessionRig, startSessionRig } from '../../../support/session-rig.ts';
import { silent } from '../../../support/store-faults.ts';

async function empty(rig: SessionRig): Promise<void> {
  for (const { id, data } of await rig.store.runs.unposted())
    await rig.store.runs.withdraw(id, data.requestKey);
  await rig.store.keyv('kernel').clear();
}

test('waiting runs are told that they are lost; the running one and its kernel are stored again', async () => {
  await using rig = await startSessionRig();
  const running = await rig.submit('running()');
  const run = await rig.held.untilBegun('running()');
  await rig.untilShown(running, ({ output }) => output !== undefined);
  const waiting = await rig.submit('waiting()');
  await empty(rig);
  rig.kernels.notifyLost();
  expect(await rig.untilEnded(waiting)).toMatchObject({ kind: 'notStarted' });
  await running.commit({});
  expect(await rig.store.runs.get(running.id)).toMatchObject({ state: 'running' });
  await expect
    .poll(async () => (await rig.records.readAll()).get('T1/C1')?.record?.kernelId)
    .toBe(rig.session().record?.kernelId);
  run.end();
  expect((await rig.untilDone(running)).kind).toBe('ok');
  expect(rig.held.begun.map(({ code }) => code)).toEqual(['running()']);
});

test('which kernels of lost starts are being deleted is stored again', async () => {
  await using rig = await startSessionRig();
  const stored = () => rig.store.keyv('kernel').get('lost starts');
  rig.records.noteLost('k1', true);
  await expect.poll(stored).toEqual(['k1']);
  await empty(rig);
  rig.kernels.notifyLost();
  await expect.poll(stored).toEqual(['k1']);
});

test('which kernels of lost starts are being deleted is stored once the store answers again', async () => {
  await using rig = await startSessionRig();
  rig.faults.before = () => Promise.reject(silent());
  rig.records.noteLost('k1', true);
  await expect.poll(() => rig.faults.calls).toContain('keyv.set');
  rig.faults.before = () => undefined;
  await expect.poll(() => rig.store.keyv('kernel').get('lost starts')).toEqual(['k1']);
});

test('a run whose kernel is just starting runs and is not told that it is lost', async () => {
  await using rig = await startSessionRig();
  const start = Promise.withResolvers<void>();
  rig.gateway.answer = async ({ method }) => {
    if (method === 'POST') await start.promise;
    return undefined;
  };
  const posted = rig.gateway.untilCall(({ method }) => method === 'POST');
  const live = await rig.submit('code()');
  await posted;
  await empty(rig);
  rig.kernels.notifyLost();
  start.resolve();
  rig.held.letRun();
  expect((await rig.untilDone(live)).kind).toBe('ok');
  expect(rig.notices).toEqual(['ended code() ok']);
  expect(await rig.store.runs.get(live.id)).toMatchObject({ state: 'posted' });
});

test('a waiting run that the store still has waits on: only the lease had expired', async () => {
  await using rig = await startSessionRig();
  await rig.submit('running()');
  const run = await rig.held.untilBegun('running()');
  const waiting = await rig.submit('waiting()');
  rig.kernels.notifyLost();
  await waiting.commit({});
  run.end();
  rig.held.letRun();
  expect((await rig.untilDone(waiting)).kind).toBe('ok');
});
