import { readdir } from 'node:fs/promises';
import { expect, test, vi } from 'vitest';
import type { RunView } from '../../../../src/runs/run-view.ts';
import { startSessionRig } from '../../../support/session-rig.ts';

test('one run from its acceptance to its final message', async () => {
  await using rig = await startSessionRig();
  const live = await rig.submit('one()');
  const run = await rig.held.untilBegun('one()');
  expect(rig.session().state).toBe('busy');
  run.end();
  expect(await rig.untilEnded(live)).toMatchObject({ kind: 'ok', kernelspec: 'python3' });
  await live.posted;
  await rig.session().settled;
  expect(await rig.store.runs.get(live.id)).toMatchObject({ state: 'posted' });
  expect(rig.session().state).toBe('ready');
  expect(rig.notices).toEqual(['ended one() ok']);
});

test('runs go to the kernel one at a time, in the order of their acceptance', async () => {
  await using rig = await startSessionRig();
  const lives = [await rig.submit('a()'), await rig.submit('b()'), await rig.submit('c()')];
  await rig.held.untilBegun('a()');
  await rig.untilShown(lives[2]!, ({ phase }) => phase.kind === 'waiting' && phase.ahead === 2);
  expect(rig.held.begun.map(({ code }) => code)).toEqual(['a()']);
  rig.held.letRun();
  for (const live of lives) await rig.untilEnded(live);
  expect(rig.held.begun.map(({ code }) => code)).toEqual(['a()', 'b()', 'c()']);
});

test('a run that is submitted late gets its place by its acceptance', async () => {
  await using rig = await startSessionRig();
  const first = await rig.submit('first()');
  await rig.held.untilBegun('first()');
  const later = await rig.submit('later()');
  rig.session().remove(later);
  const last = await rig.submit('last()');
  rig.session().submit(later);
  expect(rig.session().unfinished.map(({ id }) => id)).toEqual([first.id, later.id, last.id]);
});

test('a waiting run that is stopped is cancelled, and the kernel never gets it', async () => {
  await using rig = await startSessionRig();
  await rig.submit('long()');
  const run = await rig.held.untilBegun('long()');
  const waiting = await rig.submit('never()');
  expect(rig.session().stop(waiting, { kind: 'asked', by: 'U7' })).toBe(true);
  expect(await rig.untilEnded(waiting)).toMatchObject({ kind: 'cancelled', stoppedBy: 'U7' });
  run.end();
  const next = await rig.submit('next()');
  (await rig.held.untilBegun('next()')).end();
  await rig.untilEnded(next);
  expect(rig.held.begun.map(({ code }) => code)).toEqual(['long()', 'next()']);
  expect(rig.session().stop(waiting, { kind: 'asked', by: 'U1' })).toBe(false);
});

test('stop acts at once while the start of the kernel hangs', async () => {
  await using rig = await startSessionRig();
  rig.gateway.answer = ({ method }) => (method === 'POST' ? 'hang' : undefined);
  const posted = rig.gateway.untilCall(({ method }) => method === 'POST');
  const live = await rig.submit('hangs()');
  await posted;
  expect(rig.session().stop(live, { kind: 'asked', by: 'U7' })).toBe(true);
  expect(await rig.untilEnded(live)).toMatchObject({ kind: 'cancelled', stoppedBy: 'U7' });
});

test('a run in another language asks, blocks nobody, and runs after somebody has agreed', async () => {
  await using rig = await startSessionRig();
  rig.held.letRun();
  await rig.untilEnded(await rig.submit('python()'));
  const scala = await rig.submit('scala()', { kernelspec: 'scala-spark' });
  await rig.untilShown(scala, ({ phase }) => phase.kind === 'switchAsked');
  expect(rig.session().unfinished).toEqual([]);
  await rig.untilEnded(await rig.submit('meanwhile()'));
  expect(rig.session().agreeToSwitch(scala, 'U1')).toBe(true);
  expect((await rig.untilEnded(scala)).kernelspec).toBe('scala-spark');
  expect(rig.session().record?.kernelspec).toBe('scala-spark');
  expect(rig.session().agreeToSwitch(scala, 'U1')).toBe(false);
});

test('a stop acts at once while the old kernel of a switch is being shut down', async () => {
  await using rig = await startSessionRig();
  rig.held.letRun();
  await rig.untilEnded(await rig.submit('python()'));
  const scala = await rig.submit('scala()', { kernelspec: 'scala-spark' });
  await rig.untilShown(scala, ({ phase }) => phase.kind === 'switchAsked');
  const deletion = Promise.withResolvers<undefined>();
  rig.gateway.answer = ({ method }) => (method === 'DELETE' ? deletion.promise : undefined);
  const asked = rig.gateway.untilCall(({ method }) => method === 'DELETE');
  rig.session().agreeToSwitch(scala, 'U1');
  await asked;
  rig.session().stop(scala, { kind: 'asked', by: 'U1' });
  expect((await rig.untilEnded(scala)).kind).toBe('cancelled');
  deletion.resolve(undefined);
  await expect.poll(() => rig.notices).toContain('switched python3 scala-spark');
});

test('a question whose kernel is shut down meanwhile is needless: the run goes on', async () => {
  await using rig = await startSessionRig();
  rig.held.letRun();
  await rig.untilEnded(await rig.submit('python()'));
  const scala = await rig.submit('scala()', { kernelspec: 'scala-spark' });
  await rig.untilShown(scala, ({ phase }) => phase.kind === 'switchAsked');
  await rig.session().shutDown();
  expect((await rig.untilEnded(scala)).kind).toBe('ok');
});

test('a run that is accepted while the idle kernel is being shut down waits and gets a new kernel', async () => {
  await using rig = await startSessionRig();
  rig.held.letRun();
  await rig.untilEnded(await rig.submit('before()'));
  const [old] = rig.gateway.kernels.keys();
  const deletion = Promise.withResolvers<void>();
  const asked = Promise.withResolvers<void>();
  rig.gateway.answer = async ({ method }) => {
    if (method !== 'DELETE') return undefined;
    asked.resolve();
    await deletion.promise;
    return undefined;
  };
  const ending = rig.session().shutDown();
  await asked.promise;
  expect(rig.session().state).toBe('ending');
  const live = await rig.submit('after()');
  deletion.resolve();
  await ending;
  expect((await rig.untilEnded(live)).kind).toBe('ok');
  expect(rig.session().record?.kernelId).not.toBe(old);
});

test('after a shutdown the next run starts a new kernel', async () => {
  await using rig = await startSessionRig();
  rig.held.letRun();
  await rig.untilEnded(await rig.submit('before()'));
  await rig.session().settled;
  await rig.session().shutDown();
  expect(rig.session().state).toBe('none');
  expect((await rig.untilEnded(await rig.submit('after()'))).kind).toBe('ok');
  expect([...rig.gateway.kernels.values()].filter(({ isDeleted }) => !isDeleted)).toHaveLength(1);
});

test('a restart ends the run in hand, and the next one finds the kernel restarted', async () => {
  await using rig = await startSessionRig();
  const live = await rig.submit('long()');
  const run = await rig.held.untilBegun('long()');
  run.kernel.onRestart = () => run.kernel.comeUp();
  await rig.session().restart();
  expect((await rig.untilEnded(live)).kind).toBe('kernelRestarted');
  run.end();
  const next = await rig.submit('next()');
  (await rig.held.untilBegun('next()')).end();
  expect((await rig.untilEnded(next)).kind).toBe('ok');
});

test('the idle websocket is closed also after a run that reached no kernel', async () => {
  await using rig = await startSessionRig();
  rig.held.letRun();
  await rig.untilDone(await rig.submit('before()'));
  const [kernel] = rig.gateway.kernels.values();
  const begun = rig.held.begun.length;
  // The timer that the first run left is a real one and goes on for three minutes: what closes is the second run's.
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'], shouldClearNativeTimers: true });
  try {
    const live = await rig.submit('stopped()');
    rig.session().stop(live, { kind: 'asked', by: 'U1' });
    await rig.untilDone(live);
    expect(rig.held.begun).toHaveLength(begun);
    await vi.advanceTimersByTimeAsync(179_999);
    expect(kernel?.sockets.size).toBe(1);
    await vi.advanceTimersByTimeAsync(1);
    await expect.poll(() => kernel?.sockets.size).toBe(0);
  } finally {
    vi.useRealTimers();
  }
});

test('output of a run whose kernel is gone is deleted once it is posted, because nothing can come late', async () => {
  await using rig = await startSessionRig();
  const live = await rig.submit('dies()');
  const session = rig.session();
  const run = await rig.held.untilBegun('dies()');
  await session.shutDown();
  expect((await rig.untilEnded(live)).kind).toBe('kernelGone');
  await live.posted;
  await session.settled;
  await session.close();
  expect(rig.spool.budget.usedBytes).toBe(0);
  expect(await readdir(rig.spool.dir)).toEqual([]);
  expect(run.code).toBe('dies()');
});

test('a kernel that died before it began its code, and that its gateway gave up, is forgotten at once', async () => {
  await using rig = await startSessionRig();
  rig.held.letRun();
  await rig.untilDone(await rig.submit('before()'));
  const [kernel] = rig.gateway.kernels.values();
  kernel!.onExecute = () => {
    kernel!.status('restarting');
    kernel!.isDeleted = true;
    kernel!.status('dead');
  };
  const live = await rig.submit('dies()');
  const session = rig.session();
  expect((await rig.untilDone(live)).kind).toBe('kernelDied');
  await session.settled;
  expect(session.record).toBeUndefined();
  const next = await rig.submit('next()');
  expect((await rig.untilDone(next)).kind).toBe('ok');
  expect(next.run.data.notes).toEqual([expect.stringContaining('kernel was gone')]);
});

test('a full spool makes nobody wait: posted output makes room, and output without room is cut, which is said', async () => {
  await using rig = await startSessionRig({ spoolLimit: 1_000 });
  const print = async (code: string, bytes: number): Promise<RunView | undefined> => {
    const live = await rig.submit(code);
    const run = await rig.held.untilBegun(code);
    run.print('x'.repeat(bytes));
    run.end();
    expect((await rig.untilEnded(live)).kind).toBe('ok');
    await live.posted;
    return await rig.untilShown(live, ({ phase }) => phase.kind === 'ended');
  };
  for (const code of ['a()', 'b()', 'c()']) expect((await print(code, 900))?.output?.losses).toEqual([]);
  expect(rig.spool.budget.usedBytes).toBeLessThanOrEqual(1_000);
  expect((await print('d()', 2_000))?.output?.losses).toEqual([{ kind: 'spoolFull' }]);
});
