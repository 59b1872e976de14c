import { expect, test } from 'vitest';
import { silentLog } from '../../../../../src/log.ts';
import { SparkObserver } from '../../../../../src/runs/session/spark-observer.ts';
import type { RunState } from '../../../../../src/store/store.ts';
import { startSessionRig } from '../../../../support/session-rig.ts';
import { silent } from '../../../../support/store-faults.ts';

test.each<[string, RunState]>([
  ['before the request', 'sending'],
  ['at the kernel’s first message', 'running'],
  ['at the end', 'ended'],
  ['after the final message', 'posted'],
])('the store is away %s: the run goes on when it is back, and runs once', async (_, state) => {
  await using rig = await startSessionRig();
  rig.held.letRun();
  await rig.untilDone(await rig.submit('before()'));
  const away = Promise.withResolvers<void>();
  let isAway = false;
  const order: RunState[] = ['sending', 'running', 'ended', 'posted'];
  rig.faults.before = (method) => {
    if (method !== 'save') return;
    const reached = order.indexOf(rig.kernels.run('run-2')?.run.state ?? 'posted');
    if (isAway || reached < order.indexOf(state)) return;
    isAway = true;
    away.resolve();
    throw silent();
  };
  const live = await rig.submit('code()');
  await away.promise;
  expect((await rig.untilDone(live)).kind).toBe('ok');
  expect(await rig.store.runs.get(live.id)).toMatchObject({
    state: 'posted',
    data: { outcome: { kind: 'ok' } },
  });
  expect(rig.held.begun.map(({ code }) => code)).toEqual(['before()', 'code()']);
});

test('D9: a stop that is still pending when the run ends never interrupts the next run; one SIGINT for each stop', async () => {
  await using rig = await startSessionRig();
  const interrupt = Promise.withResolvers<void>();
  const asked = Promise.withResolvers<void>();
  rig.gateway.answer = async ({ path }) => {
    if (!path.endsWith('/interrupt')) return undefined;
    asked.resolve();
    await interrupt.promise;
    return undefined;
  };
  const first = await rig.submit('first()');
  const run = await rig.held.untilBegun('first()');
  const second = await rig.submit('second()');
  const running: string[] = [];
  run.kernel.onInterrupt = () => running.push(rig.held.begun.at(-1)!.code);
  rig.control.stop(first.run, 'U1');
  await asked.promise;
  run.end();
  await rig.untilEnded(first);
  interrupt.resolve();
  (await rig.held.untilBegun('second()')).end();
  expect((await rig.untilDone(second)).kind).toBe('ok');
  expect(running.filter((code) => code === 'second()')).toEqual([]);
  expect(run.kernel.interrupts).toBe(1);
});

test('RUN_TIMEOUT interrupts a run, and says so', async () => {
  await using rig = await startSessionRig({ runTimeoutMs: 30 });
  const live = await rig.submit('long()');
  const run = await rig.held.untilBegun('long()');
  run.kernel.onInterrupt = () => {
    const request = run.kernel.received.find(({ header }) => header.msg_type === 'execute_request')!;
    const error = { ename: 'KeyboardInterrupt', evalue: '', traceback: [] };
    run.kernel.send('error', error, { parent: request });
    run.kernel.end(request, { status: 'error', ...error });
  };
  expect((await rig.untilEnded(live)).kind).toBe('timedOut');
});

test('MAX_OUTPUT interrupts a run that prints without end', async () => {
  await using rig = await startSessionRig();
  const live = await rig.submit('loud()');
  const run = await rig.held.untilBegun('loud()');
  run.kernel.onInterrupt = () => run.end();
  run.print('x'.repeat(2e6));
  await rig.untilEnded(live);
  expect(live.signal.reason).toEqual({ kind: 'tooMuchOutput' });
  expect(run.kernel.interrupts).toBe(1);
});

test('a run whose output cannot be opened is broken, and the next one runs', async () => {
  await using rig = await startSessionRig();
  rig.held.letRun();
  rig.onTranscript = (runId) => {
    if (runId === 'run-1') throw new TypeError('a bug');
  };
  const live = await rig.submit('code()');
  expect((await rig.untilDone(live)).kind).toBe('broken');
  expect((await rig.untilDone(await rig.submit('next()'))).kind).toBe('ok');
});

test('the code is lost in the store: nothing runs, and the requester reads why', async () => {
  await using rig = await startSessionRig();
  const live = await rig.submit('code()', { blocks: [] });
  expect(await rig.untilDone(live)).toMatchObject({
    kind: 'notStarted',
    detail: expect.stringContaining('lost its code'),
  });
});

test('the first block that does not end well ends the run', async () => {
  await using rig = await startSessionRig();
  const live = await rig.submit('one()', { blocks: ['one()', 'two()'] });
  const run = await rig.held.untilBegun('one()');
  const request = run.kernel.received.find(({ header }) => header.msg_type === 'execute_request')!;
  const error = { ename: 'ValueError', evalue: 'no', traceback: [] };
  run.kernel.send('error', error, { parent: request });
  run.kernel.end(request, { status: 'error', ...error });
  expect((await rig.untilEnded(live)).kind).toBe('raised');
  expect(rig.held.begun).toHaveLength(1);
});

test('the waiting run of a person whose account was deactivated does not run, and says so', async () => {
  await using rig = await startSessionRig({ deactivated: ['UGONE'] });
  rig.held.letRun();
  const createdAt = Date.now() - 120_000;
  const gone = await rig.submit('gone()', { requester: 'UGONE', createdAt });
  const there = await rig.submit('there()', { requester: 'UANA', createdAt });
  const outcome = await rig.untilDone(gone);
  expect(outcome).toMatchObject({ kind: 'cancelled', detail: expect.stringContaining('deactivated') });
  expect((await rig.untilDone(there)).kind).toBe('ok');
  expect(rig.held.begun.map(({ code }) => code)).toEqual(['there()']);
});

test('the installation of the bot’s code neither hides a run nor delays its stop', async () => {
  const settings = {
    progress: 'auto',
    uiUrl: undefined,
    historyUrl: undefined,
    sqlRows: 1,
    resultRows: 0,
  } as const;
  const hangs = Promise.withResolvers<void>();
  const installs = [async () => {}, () => (hangs.resolve(), new Promise<void>(() => undefined))];
  class Hanging extends SparkObserver {
    override async install(): Promise<void> {
      await installs.shift()?.();
    }
  }
  await using rig = await startSessionRig({ observer: new Hanging(settings, silentLog) });
  rig.held.letRun();
  await rig.untilDone(await rig.submit('before()'));
  const live = await rig.submit('code()');
  await hangs.promise;
  expect(rig.views(live).at(-1)?.phase).toEqual({ kind: 'waiting', ahead: 0 });
  rig.control.stop(live.run, 'U1');
  expect((await rig.untilDone(live)).kind).toBe('cancelled');
  expect(rig.held.begun.map(({ code }) => code)).toEqual(['before()']);
});

test('behind an error Toree says null of code that has no value: that is shown of none but a value', async () => {
  await using rig = await startSessionRig();
  const said: Readonly<Record<string, readonly (readonly [type: string, plain: string])[]>> = {
    prints: [
      ['display_data', 'lastException = null\n'],
      ['execute_result', 'null'],
    ],
    defines: [
      ['display_data', 'lastException = null\n'],
      ['display_data', 'f: Int\n'],
      ['execute_result', 'null'],
    ],
    counts: [
      ['display_data', 'lastException = null\n'],
      ['execute_result', '5'],
    ],
    'holds null': [
      ['display_data', 'lastException = null\ns = null\n'],
      ['execute_result', 'null'],
    ],
    'is null': [['execute_result', 'null']],
  };
  rig.gateway.onStart = (kernel) => {
    kernel.onExecute = (request) => {
      kernel.begin(request, 1);
      for (const [type, plain] of said[String(request.content['code'])] ?? [])
        kernel.send(type, { data: { 'text/plain': plain }, metadata: {} }, { parent: request });
      kernel.end(request);
    };
  };
  const shownOf = async (code: string): Promise<unknown[]> => {
    const live = await rig.submit(code);
    await rig.untilDone(live);
    return (rig.views(live).at(-1)?.output?.parts ?? []).map((part) =>
      part.kind === 'text' ? `${part.text.head}${part.text.tail}`.trim() : part.kind,
    );
  };
  expect(await shownOf('prints')).toEqual([]);
  expect(await shownOf('defines')).toEqual(['f: Int']);
  expect(await shownOf('counts')).toEqual(['5']);
  expect((await shownOf('holds null')).join('\n')).toContain('null');
  expect(await shownOf('is null')).toEqual(['null']);
});

test.each([1, 3])(
  'a run that may not be sent, %d times, waits until it may, and is sent once',
  async (times) => {
    await using rig = await startSessionRig();
    rig.held.letRun();
    await rig.untilDone(await rig.submit('before()'));
    let doubts = times;
    rig.isSure = () => (doubts -= 1) < 0;
    expect((await rig.untilDone(await rig.submit('code()'))).kind).toBe('ok');
    expect(rig.held.begun.map(({ code }) => code)).toEqual(['before()', 'code()']);
  },
);
