import { expect, test, vi } from 'vitest';
import { newRun } from '../../../../src/runs/admission/new-run.ts';
import type { BlockRequest } from '../../../../src/runs/run.ts';
import { type SessionRig, startSessionRig } from '../../../support/session-rig.ts';
import { silent } from '../../../support/store-faults.ts';

/** As a process leaves it that dies in the middle of the run. */
async function setBack(
  rig: SessionRig,
  runId: string,
  state: 'sending' | 'running',
  request: BlockRequest,
): Promise<void> {
  const stored = await rig.store.runs.get(runId);
  if (stored === undefined) throw new Error('no such run');
  const { outcome: _, ...data } = stored.data;
  await rig.store.runs.save({ ...stored, state, data: { ...data, request } });
}

test('a killed process: what waited runs in its order, what ran is resumed, nothing is sent twice', async () => {
  await using rig = await startSessionRig();
  const first = await rig.submit('first()');
  const run = await rig.held.untilBegun('first()');
  await rig.untilShown(first, ({ output }) => output !== undefined);
  const second = await rig.submit('second()');
  await rig.replace('killed');
  run.end();
  expect((await rig.untilEnded(first)).kind).toBe('ok');
  (await rig.held.untilBegun('second()')).end();
  expect((await rig.untilEnded(second)).kind).toBe('ok');
  expect(rig.held.begun.map(({ code }) => code)).toEqual(['first()', 'second()']);
});

test('an edit that waits behind its first run takes over that one’s message only when it has ended', async () => {
  await using rig = await startSessionRig();
  rig.onFinish = () => ({ delivered: true, messageTs: '7.0' });
  const first = await rig.submit('first()');
  const run = await rig.held.untilBegun('first()');
  const second = await rig.submit('second()', { data: { follows: first.id, edition: 2 } });
  await rig.replace('killed');
  const takesOver = vi.fn<(ts: string | undefined) => void>();
  void rig.opened.get(second.id)?.predecessor?.then(takesOver);
  run.print('goes on\n');
  await rig.untilShown(first, ({ output }) => (JSON.stringify(output?.parts) ?? '').includes('goes on'));
  expect(takesOver).not.toHaveBeenCalled();
  run.end();
  await expect.poll(() => takesOver.mock.lastCall).toEqual(['7.0']);
});

test('killed while its kernel said nothing: the answer lacks nothing, and nothing is said to be missing', async () => {
  await using rig = await startSessionRig();
  const live = await rig.submit('quiet()');
  const run = await rig.held.untilBegun('quiet()');
  await expect.poll(async () => (await rig.store.runs.get(live.id))?.data.request?.checkpoint).toBeDefined();
  await rig.replace('killed');
  run.end();
  expect(await rig.untilEnded(live)).toMatchObject({ kind: 'ok', possibleGap: false });
  expect(rig.views(live).at(-1)?.output?.losses).toEqual([]);
});

test('killed after its kernel said more than the store knows of: something may be missing', async () => {
  await using rig = await startSessionRig();
  const live = await rig.submit('talks()');
  const run = await rig.held.untilBegun('talks()');
  await expect.poll(async () => (await rig.store.runs.get(live.id))?.data.request?.checkpoint).toBeDefined();
  rig.faults.before = () => Promise.reject(silent());
  run.print('the store does not know\n');
  await rig.untilShown(live, ({ output }) => (JSON.stringify(output?.parts) ?? '').includes('does not know'));
  await rig.replace('killed');
  run.end();
  expect(await rig.untilEnded(live)).toMatchObject({ kind: 'ok', possibleGap: true });
});

test('waiting runs are resumed in their order, also those whose code has to be read', async () => {
  await using rig = await startSessionRig();
  await rig.submit('running()');
  const running = await rig.held.untilBegun('running()');
  await rig.submit('slash()', { thread: '', data: { needsRoot: true } });
  const last = await rig.submit('mention()');
  await rig.store.runs.remove('run-1');
  await rig.replace('killed');
  running.end();
  rig.held.letRun();
  await rig.untilEnded(last);
  expect(rig.held.begun.map(({ code }) => code)).toEqual(['running()', 'slash()', 'mention()']);
});

test('sent and no trace of it in the kernel: not known, and never sent again', async () => {
  await using rig = await startSessionRig();
  rig.held.letRun();
  await rig.untilDone(await rig.submit('before()'));
  const { kernelId, sessionId } = rig.session().record!;
  const live = await rig.submit('lost()');
  await rig.untilDone(live);
  const request = { msgId: 'never-written', kernelId, sessionId };
  await setBack(rig, live.id, 'sending', request);
  await rig.replace('killed');
  await rig.untilShown(live, ({ phase }) => phase.kind === 'ended' && phase.outcome.kind === 'unknown');
  expect(rig.held.begun).toHaveLength(2);
});

test('a kernel that was replaced meanwhile: what ran in it is lost, what was only sent is not known', async () => {
  await using rig = await startSessionRig();
  rig.held.letRun();
  const ran = await rig.submit('ran()');
  const sent = await rig.submit('sent()');
  await rig.untilDone(sent);
  const request = { msgId: 'm', kernelId: 'another', sessionId: 's' };
  for (const [id, state] of [
    [ran.id, 'running'],
    [sent.id, 'sending'],
  ] as const) {
    await setBack(rig, id, state, request);
  }
  await rig.replace('killed');
  await rig.untilShown(ran, ({ phase }) => phase.kind === 'ended' && phase.outcome.kind === 'kernelGone');
  await rig.untilShown(sent, ({ phase }) => phase.kind === 'ended' && phase.outcome.kind === 'unknown');
});

test('a kernel that ends while the successor opens its websocket is told with what is lost', async () => {
  await using rig = await startSessionRig();
  const live = await rig.submit('code()');
  const { kernel } = await rig.held.untilBegun('code()');
  await rig.untilShown(live, ({ output }) => output !== undefined);
  kernel.upgradable = new Promise(() => undefined);
  await rig.replace('killed');
  for (const _ of [1, 2]) await rig.gateway.untilCall((call) => call.method === 'GET' && !call.isUpgrade);
  kernel.isDeleted = true;
  expect(await rig.untilEnded(live)).toMatchObject({ kind: 'kernelGone', variablesLost: true });
});

test('a run between two blocks goes on with the next one', async () => {
  await using rig = await startSessionRig();
  const live = await rig.submit('one()', { blocks: ['one()', 'two()'] });
  (await rig.held.untilBegun('one()')).end();
  const two = await rig.held.untilBegun('two()');
  await rig.replace('closed');
  two.end();
  expect((await rig.untilEnded(live)).kind).toBe('ok');
  expect(rig.held.begun.map(({ code }) => code)).toEqual(['one()', 'two()']);
});

test('a run that was asked to stop before its kernel got it is cancelled', async () => {
  await using rig = await startSessionRig();
  const live = await rig.submit('code()', { data: { stoppedBy: 'U7' } });
  expect(await rig.untilEnded(live)).toMatchObject({ kind: 'cancelled', stoppedBy: 'U7' });
  expect(rig.held.begun).toEqual([]);
});

test('a run that was asked to stop while it ran is interrupted by the successor', async () => {
  await using rig = await startSessionRig();
  const live = await rig.submit('code()');
  const run = await rig.held.untilBegun('code()');
  await rig.untilShown(live, ({ output }) => output !== undefined);
  run.kernel.onInterrupt = () => run.end();
  await rig.replace('killed');
  const stored = (await rig.store.runs.get(live.id))!;
  expect(stored.state).toBe('running');
  rig.session().stop(rig.kernels.run(live.id)!, { kind: 'asked', by: 'U7' });
  await rig.untilEnded(live);
  expect(run.kernel.interrupts).toBe(1);
});

test('records that cannot be read: nothing of them runs, and those behind them do', async () => {
  await using rig = await startSessionRig();
  rig.held.letRun();
  const unreadable = await rig.submit('unreadable()', { data: { isUnreadable: true } });
  const next = await rig.submit('next()');
  expect((await rig.untilEnded(unreadable)).kind).toBe('notStarted');
  expect((await rig.untilEnded(next)).kind).toBe('ok');
  expect(rig.held.begun.map(({ code }) => code)).toEqual(['next()']);
});

test('runs of another workspace on the same store are left alone', async () => {
  await using rig = await startSessionRig();
  const other = await rig.submit('theirs()', { workspace: 'T2', queue: 'T2/C1' });
  await rig.held.untilBegun('theirs()');
  await rig.replace('closed');
  expect(rig.kernels.run(other.id)).toBeUndefined();
  expect(rig.kernels.find('T2/C1')).toBeUndefined();
});

test('a run that asks about a switch asks again, and keeps no place', async () => {
  await using rig = await startSessionRig();
  rig.held.letRun();
  await rig.untilDone(await rig.submit('python()'));
  const scala = await rig.submit('scala()', { kernelspec: 'scala-spark' });
  await rig.untilShown(scala, ({ phase }) => phase.kind === 'switchAsked');
  await rig.replace('closed');
  expect(rig.session().unfinished).toEqual([]);
  await rig.untilDone(await rig.submit('meanwhile()'));
  rig.control.agreeToSwitch(scala.run, 'U1');
  await rig.untilShown(scala, ({ phase }) => phase.kind === 'ended' && phase.outcome.kind === 'ok');
});

test('a kernel whose start was cut short is started under the same id', async () => {
  await using rig = await startSessionRig();
  rig.gateway.answer = ({ method }) => (method === 'POST' ? 'hang' : undefined);
  const posted = rig.gateway.untilCall(({ method }) => method === 'POST');
  const live = await rig.submit('code()');
  const { body } = await posted;
  await rig.replace('killed');
  rig.gateway.answer = () => undefined;
  await rig.replace('killed');
  (await rig.held.untilBegun('code()')).end();
  expect((await rig.untilEnded(live)).kind).toBe('ok');
  expect(rig.session().record?.kernelId).toBe((body as { kernel_id: string }).kernel_id);
});

test('a start that was cut short goes on under the same id also where the gateway is away at first', async () => {
  await using rig = await startSessionRig();
  const { opening, letGo } = rig.holdUpgrades();
  const live = await rig.submit('code()');
  await opening;
  rig.gateway.answer = () => 'reset';
  await rig.replace('killed');
  const looks = () => rig.gateway.calls.filter(({ method, isUpgrade }) => method === 'GET' && !isUpgrade);
  await expect.poll(() => looks().length, { timeout: 10_000 }).toBeGreaterThan(5);
  rig.gateway.answer = () => undefined;
  letGo();
  rig.held.letRun();
  expect((await rig.untilEnded(live)).kind).toBe('ok');
  expect([...rig.gateway.kernels.values()].filter(({ isDeleted }) => !isDeleted)).toHaveLength(1);
});

test('a run that may have been sent never ends as cancelled, even if it is stopped behind another', async () => {
  await using rig = await startSessionRig();
  const first = await rig.submit('first()');
  const run = await rig.held.untilBegun('first()');
  await rig.untilShown(first, ({ output }) => output !== undefined);
  const second = await rig.submit('second()');
  const { kernelId, sessionId } = rig.session().record!;
  await setBack(rig, second.id, 'sending', { msgId: 'never-written', kernelId, sessionId });
  await rig.replace('killed');
  rig.control.stop(second.run, 'U1');
  run.end();
  expect((await rig.untilEnded(second)).kind).toBe('unknown');
});

test('a run whose message is deleted as its process dies does not run any more', async () => {
  await using rig = await startSessionRig();
  await rig.submit('running()');
  const run = await rig.held.untilBegun('running()');
  const live = await rig.submit('secret()');
  let saves = 0;
  rig.faults.before = async (method) => {
    if (method === 'save' && (saves += 1) > 1) await new Promise(() => undefined);
  };
  void rig.runs.erase(live.run);
  await expect.poll(async () => (await rig.store.runs.get(live.id))?.data.erased).toBe(true);
  await rig.replace('killed');
  run.end();
  rig.held.letRun();
  await rig.untilDone(await rig.submit('last()'));
  expect(rig.held.begun.map(({ code }) => code)).toEqual(['running()', 'last()']);
  expect(await rig.store.runs.get(live.id)).toBeUndefined();
});

test('a run that a restored backup says may have been sent is not sent again', async () => {
  await using rig = await startSessionRig();
  rig.held.letRun();
  const live = await rig.submit('code()');
  await rig.untilDone(live);
  const { outcome: _, request: __, ...data } = live.run.data;
  await rig.store.runs.save({ ...live.run, state: 'sending', data });
  await rig.replace('killed');
  await rig.kernels.run(live.id)?.posted;
  expect(rig.views(live).at(-1)?.phase).toMatchObject({ kind: 'ended', outcome: { kind: 'unknown' } });
  expect(rig.held.begun).toHaveLength(1);
});

test('a process that is stopped during its takeover starts no run', async () => {
  await using rig = await startSessionRig();
  const chosen = { kernelspec: 'python3', language: 'python', displayName: 'Python 3' };
  const run = newRun(rig.request('code()', { thread: '' }), 'T1/C1', chosen);
  await rig.store.runs.accept(run.data.requestKey, run);
  const reading = Promise.withResolvers<void>();
  const read = Promise.withResolvers<void>();
  rig.faults.before = async (method) => {
    if (method !== 'code') return;
    reading.resolve();
    await read.promise;
  };
  const recovering = rig.recover();
  await reading.promise;
  await rig.runs.close();
  read.resolve();
  await recovering;
  expect(rig.kernels.run(run.id)).toBeUndefined();
});

test('a run that began while the clock was years ahead is not stopped by RUN_TIMEOUT at once', async () => {
  await using rig = await startSessionRig({ runTimeoutMs: 3_600_000 });
  const live = await rig.submit('code()');
  const run = await rig.held.untilBegun('code()');
  await rig.untilShown(live, ({ output }) => output !== undefined);
  const stored = (await rig.store.runs.get(live.id))!;
  await rig.store.runs.save({ ...stored, data: { ...stored.data, startedAt: Date.parse('2099-01-01') } });
  await rig.replace('killed');
  const resumed = rig.kernels.run(live.id)!;
  await expect.poll(() => resumed.execution).toBeDefined();
  run.print('more\n');
  await rig.untilShown(live, ({ output }) => JSON.stringify(output ?? {}).includes('more'));
  expect(resumed.signal.aborted).toBe(false);
  run.end();
});
