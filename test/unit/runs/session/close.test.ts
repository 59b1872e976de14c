import { pino } from 'pino';
import { expect, test } from 'vitest';
import type { RunState } from '../../../../src/store/store.ts';
import { type SessionRig, startSessionRig } from '../../../support/session-rig.ts';
import { silent } from '../../../support/store-faults.ts';

async function stateOf(rig: SessionRig, runId: string): Promise<RunState | undefined> {
  return (await rig.store.runs.get(runId))?.state;
}

async function untilRan(rig: SessionRig, id: string): Promise<string> {
  const { kind } = await rig.untilEnded({ id });
  return kind;
}

test('a run that waits is left waiting, in its place', async () => {
  await using rig = await startSessionRig();
  const first = await rig.submit('first()');
  await rig.held.untilBegun('first()');
  const second = await rig.submit('second()');
  const third = await rig.submit('third()');
  await rig.replace('closed');
  expect(await stateOf(rig, second.id)).toBe('waiting');
  rig.held.letRun();
  for (const { id } of [first, second, third]) expect(await untilRan(rig, id)).toBe('ok');
  expect(rig.held.begun.map(({ code }) => code)).toEqual(['first()', 'second()', 'third()']);
});

test('a run whose kernel is just being connected waits for the successor', async () => {
  await using rig = await startSessionRig();
  const { opening, letGo } = rig.holdUpgrades();
  const live = await rig.submit('code()');
  await opening;
  await rig.replace('closed');
  expect(await stateOf(rig, live.id)).toBe('waiting');
  letGo();
  rig.held.letRun();
  expect(await untilRan(rig, live.id)).toBe('ok');
  expect(rig.held.begun).toHaveLength(1);
  expect([...rig.gateway.kernels.values()].filter(({ isDeleted }) => !isDeleted)).toHaveLength(1);
});

test('a start that is under way at the end of a process is left to the successor, and no outage in the log', async () => {
  const warnings: string[] = [];
  const log = pino({ level: 'warn' }, { write: (line: string) => void warnings.push(line) });
  await using rig = await startSessionRig({ log });
  const started = Promise.withResolvers<undefined>();
  rig.gateway.answer = ({ method }) => (method === 'POST' ? started.promise : undefined);
  const posted = rig.gateway.untilCall(({ method }) => method === 'POST');
  const live = await rig.submit('code()');
  await posted;
  const replaced = rig.replace('closed');
  started.resolve(undefined);
  await replaced;
  rig.held.letRun();
  expect(await untilRan(rig, live.id)).toBe('ok');
  expect(warnings).toEqual([]);
});

test('a run that waits for the gateway is left to the successor', async () => {
  await using rig = await startSessionRig();
  rig.gateway.answer = () => 'reset';
  const live = await rig.submit('code()');
  await rig.untilShown(live, ({ outage }) => outage !== undefined);
  await rig.replace('closed');
  expect(await stateOf(rig, live.id)).toBe('waiting');
  rig.gateway.answer = () => undefined;
  rig.held.letRun();
  expect(await untilRan(rig, live.id)).toBe('ok');
});

test('a sent run that waits for the gateway is resumed by the successor', async () => {
  await using rig = await startSessionRig();
  const live = await rig.submit('code()');
  const run = await rig.held.untilBegun('code()');
  rig.gateway.answer = () => 'reset';
  await rig.replace('closed');
  await rig.untilShown(live, ({ outage }) => outage !== undefined);
  await rig.replace('closed');
  expect(await stateOf(rig, live.id)).toBe('running');
  rig.gateway.answer = () => undefined;
  run.end();
  expect(await untilRan(rig, live.id)).toBe('ok');
});

test('a run that is accepted while the process ends is left waiting, and starts nothing', async () => {
  await using rig = await startSessionRig();
  const running = await rig.submit('running()');
  await rig.held.untilBegun('running()');
  const closing = rig.runs.close();
  const live = await rig.submit('late()', { queue: 'T1/C2', channel: 'C2' });
  await closing;
  expect(rig.session('T1/C2').state).toBe('none');
  expect(live.phase).toEqual({ kind: 'waiting', ahead: 0 });
  expect(await stateOf(rig, live.id)).toBe('waiting');
  rig.held.letRun();
  await rig.replace('killed');
  expect([await untilRan(rig, running.id), await untilRan(rig, live.id)]).toEqual(['ok', 'ok']);
  expect(rig.gateway.calls.filter(({ method }) => method === 'POST')).toHaveLength(2);
});

test('a run at the write before its request waits for the successor, which sends it once', async () => {
  await using rig = await startSessionRig();
  rig.held.letRun();
  await rig.untilDone(await rig.submit('before()'));
  const asked = Promise.withResolvers<void>();
  rig.faults.before = (method) => {
    if (method !== 'save') return;
    asked.resolve();
    throw silent();
  };
  const live = await rig.submit('code()');
  await asked.promise;
  await rig.replace('closed');
  expect(await stateOf(rig, live.id)).toBe('waiting');
  expect(await untilRan(rig, live.id)).toBe('ok');
  expect(rig.held.begun.map(({ code }) => code)).toEqual(['before()', 'code()']);
});

test('a running run leaves a checkpoint, and the successor shows all of its output once', async () => {
  await using rig = await startSessionRig();
  const live = await rig.submit('code()');
  const run = await rig.held.untilBegun('code()');
  await rig.untilShown(live, ({ output }) => output !== undefined);
  await rig.replace('closed');
  const { data } = (await rig.store.runs.get(live.id))!;
  expect(data.request?.checkpoint).toMatchObject({ isWritten: true, keptBytes: 'code() begins\n'.length });
  run.print('while nobody listens\n');
  run.end();
  expect(await rig.untilEnded(live)).toMatchObject({ kind: 'ok', possibleGap: false });
  const text = JSON.stringify(rig.views(live).at(-1)?.output);
  expect(text.match(/begins/g)).toHaveLength(1);
  expect(text).toContain('while nobody listens');
});

test('a run that has ended and is not posted is posted by the successor with its output', async () => {
  await using rig = await startSessionRig();
  rig.onFinish = () => ({ delivered: false, reason: 'Slack is away', isRefused: false });
  rig.held.letRun();
  const live = await rig.submit('code()');
  await rig.untilDone(live);
  await rig.replace('closed');
  await rig.replace('closed');
  rig.onFinish = () => ({ delivered: true, messageTs: '3.0' });
  await rig.replace('closed');
  await rig.kernels.run(live.id)?.posted;
  expect(await rig.store.runs.get(live.id)).toMatchObject({ state: 'posted', data: { messageTs: '3.0' } });
  expect(JSON.stringify(rig.views(live).at(-1)?.output)).toContain('code() ends');
});

test('a process that ends while the store is away leaves no run broken and nothing uncaught', async () => {
  const uncaught: unknown[] = [];
  const hear = (error: unknown): void => void uncaught.push(error);
  process.on('unhandledRejection', hear);
  try {
    await using rig = await startSessionRig();
    const live = await rig.submit('code()');
    const run = await rig.held.untilBegun('code()');
    await rig.untilShown(live, ({ phase }) => phase.kind === 'running');
    const tried = Promise.withResolvers<void>();
    rig.faults.before = () => {
      tried.resolve();
      throw silent();
    };
    run.end();
    await tried.promise;
    await rig.replace('closed');
    expect(await untilRan(rig, live.id)).not.toBe('broken');
    await new Promise(setImmediate);
  } finally {
    process.off('unhandledRejection', hear);
  }
  expect(uncaught).toEqual([]);
});

test('code that was refused because the store’s answer was lost does not run in the successor', async () => {
  await using rig = await startSessionRig();
  rig.faults.after = (method) => (method === 'accept' ? Promise.reject(silent()) : undefined);
  await expect(rig.admission.submit(rig.request('refused()'))).rejects.toThrow('no answer');
  rig.faults.after = () => undefined;
  await rig.replace('closed');
  expect(await rig.store.runs.newest('channel', ['T1', 'C1'], 10)).toEqual([]);
});

test('an end that comes when this process may not store it any more is no error: the successor finds it out', async () => {
  const errors: string[] = [];
  const log = pino({ level: 'error' }, { write: (line) => void errors.push(line) });
  await using rig = await startSessionRig({ log });
  await rig.submit('code()');
  const run = await rig.held.untilBegun('code()');
  rig.faults.before = () => Promise.reject(silent());
  const closed = rig.runs.close();
  run.end();
  await closed;
  expect(errors).toEqual([]);
});
