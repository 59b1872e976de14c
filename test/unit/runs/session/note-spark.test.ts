import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { allCounts } from '../../../../src/spark/spark-work.ts';
import type { ScriptedKernel, ScriptMessage } from '../../../support/scripted-gateway.ts';
import { type SessionRig, startSessionRig } from '../../../support/session-rig.ts';

let rig: SessionRig;
beforeEach(async () => {
  rig = await startSessionRig({ spark: 'auto' });
  vi.useFakeTimers({ toFake: ['Date'] });
});
afterEach(async () => {
  vi.useRealTimers();
  await rig[Symbol.asyncDispose]();
});

const bar = (done: number, active: number): string => `\r[Stage 0:===>      (${done} + ${active}) / 8]`;
const cleared = `\r${' '.repeat(80)}\r`;
const textOf = (parts: readonly { kind: string }[]): string => JSON.stringify(parts);

/** Runs code whose kernel does this for each block, and gives its run. */
async function run(
  play: (kernel: ScriptedKernel, request: ScriptMessage) => Promise<void>,
  blocks = ['count()'],
  prepare: (kernel: ScriptedKernel) => void = () => undefined,
) {
  rig.gateway.onStart = (kernel) => {
    prepare(kernel);
    kernel.onExecute = (request) => {
      if (request.content['silent'] === true) return kernel.run(request);
      kernel.begin(request);
      void play(kernel, request).then(() => {
        kernel.end(request);
      });
    };
  };
  return await rig.submit('count()', { blocks });
}

test('a bar that lasts becomes progress and is no part of the output; the record keeps the sum', async () => {
  const live = await run(async (kernel, request) => {
    kernel.stream(request, `${bar(1, 2)}WARN a line\n`, 'stderr');
    await rig.untilShown({ id: 'run-1' }, ({ output }) => textOf(output?.parts ?? []).includes('WARN'));
    vi.setSystemTime(Date.now() + 600);
    kernel.stream(request, bar(3, 2), 'stderr');
    await rig.untilShown({ id: 'run-1' }, ({ spark }) => spark?.counts.doneTasks === 3);
    kernel.stream(request, cleared, 'stderr');
  });
  await rig.untilDone(live);
  const last = rig.views(live).at(-1);
  expect(textOf(last?.output?.parts ?? [])).not.toContain('Stage');
  expect(textOf(last?.output?.parts ?? [])).toContain('WARN a line');
  const stored = await rig.store.runs.get(live.id);
  expect(stored?.data.spark).toMatchObject({ source: 'console', isAtWork: false });
  expect(stored?.data.spark && allCounts(stored.data.spark)).toMatchObject({
    stages: 1,
    tasks: 8,
    doneTasks: 8,
  });
});

test('a kernel that has used Spark counts as one with Spark until its variables are lost', async () => {
  const before = await run(async (kernel, request) => kernel.stream(request, '1\n'));
  await rig.untilDone(before);
  const isOfSpark = () => rig.kernels.sparkKernelspecOf('T1', 'C1');
  expect(isOfSpark()).toBeUndefined();
  const kernel = rig.gateway.kernels.values().next().value;
  if (kernel === undefined) throw new Error('no kernel');
  kernel.onExecute = (request) => {
    if (request.content['silent'] === true) return kernel.run(request);
    kernel.begin(request);
    const data = { jobs: [1, 1, 0], tasks: [2, 2, 0, 0], lasts: false };
    kernel.send('comm_msg', { comm_id: 'sparkthread.spark', data }, { parent: request });
    kernel.reply(request);
    kernel.status('idle', request);
  };
  await rig.untilDone(await rig.submit('count()'));
  expect(isOfSpark()).toBe('python3');
  await rig.session().restart();
  expect(isOfSpark()).toBeUndefined();
});

test('the bar of one block is no work of the next one', async () => {
  const live = await run(
    async (kernel, request) => {
      if (request.content['code'] === 'print(1)') return kernel.stream(request, `${cleared}1\n`, 'stderr');
      const line = `WARN ${String(request.content['code'])}`;
      kernel.stream(request, `${bar(1, 2)}${line}\n`, 'stderr');
      await rig.untilShown({ id: 'run-1' }, ({ output }) => textOf(output?.parts ?? []).includes(line));
      vi.setSystemTime(Date.now() + 600);
      kernel.stream(request, bar(8, 0), 'stderr');
    },
    ['first()', 'print(1)', 'second()', 'print(1)'],
  );
  await rig.untilDone(live);
  const { spark } = live.run.data;
  expect(spark?.isAtWork).toBe(false);
  expect(textOf(rig.views(live).at(-1)?.output?.parts ?? [])).not.toContain('  ');
  expect(spark && allCounts(spark)).toMatchObject({ stages: 2, tasks: 16, doneTasks: 16 });
});

test('a job under a second is not shown', async () => {
  const live = await run(async (kernel, request) => {
    kernel.stream(request, `${bar(1, 2)}${cleared}`, 'stderr');
  });
  await rig.untilDone(live);
  expect(rig.views(live).filter(({ spark }) => spark !== undefined)).toEqual([]);
  expect(rig.views(live).at(-1)?.output?.parts).toEqual([]);
});

test('the observer’s messages are the progress, whatever the console bar shows, and are no output', async () => {
  const say = (kernel: ScriptedKernel, request: ScriptMessage, jobs: number[], tasks: number[]): void =>
    void kernel.send(
      'comm_msg',
      { comm_id: 'sparkthread.spark', data: { v: 1, jobs, tasks, lasts: true, at: { app: 'app-1' } } },
      { parent: request, msgId: crypto.randomUUID() },
    );
  const live = await run(async (kernel, request) => {
    say(kernel, request, [2, 1, 0], [20, 12, 3, 1]);
    await rig.untilShown({ id: 'run-1' }, ({ spark }) => spark?.counts.doneTasks === 12);
    vi.setSystemTime(Date.now() + 600);
    kernel.stream(request, bar(1, 1), 'stderr');
    say(kernel, request, [2, 2, 0], [20, 20, 0, 1]);
  });
  await rig.untilDone(live);
  const last = rig.views(live).at(-1);
  expect(last?.output?.parts).toEqual([]);
  expect(last?.spark).toMatchObject({ source: 'observer', isAtWork: false, app: 'app-1' });
  expect(last?.spark?.counts).toMatchObject({ jobs: 2, tasks: 20, doneTasks: 20, failedTasks: 1 });
});

test('the messages of Toree’s plugin are the progress of the current block', async () => {
  const event = (msgtype: string, more: object): object => ({
    msgtype: 'fromscala',
    msg: JSON.stringify({ msgtype, jobId: 4, stageId: 7, numTasks: 8, ...more }),
  });
  const live = await run(
    async (kernel) => {
      const opening = await kernel.untilReceived('comm_open');
      const say = (data: object): void =>
        void kernel.send('comm_msg', { comm_id: opening.content['comm_id'], data }, { parent: opening });
      say(event('sparkJobStart', { jobGroup: 'null', stageInfos: { 7: { numTasks: 8 } } }));
      await rig.untilShown({ id: 'run-1' }, ({ spark }) => spark?.counts.jobs === 1);
      vi.setSystemTime(Date.now() + 1_100);
      say(event('sparkStageActive', { numCompletedTasks: 3, numActiveTasks: 2, numFailedTasks: 0 }));
      await rig.untilShown({ id: 'run-1' }, ({ spark }) => spark?.hasLasted === true);
      say(event('sparkStageCompleted', { numCompletedTasks: 8, numFailedTasks: 1 }));
      say(event('sparkJobEnd', { status: 'COMPLETED' }));
      await rig.untilShown({ id: 'run-1' }, ({ spark }) => spark?.isAtWork === false);
    },
    undefined,
    (kernel) => {
      kernel.implementation = 'spark';
      kernel.onCommOpen = (request) => kernel.takeComm(request);
    },
  );
  await rig.untilDone(live);
  const last = rig.views(live).at(-1);
  expect(last?.output?.parts).toEqual([]);
  expect(last?.spark?.counts).toMatchObject({
    jobs: 1,
    endedJobs: 1,
    tasks: 8,
    doneTasks: 8,
    failedTasks: 1,
  });
});

test('a message of it that comes after the end changes nothing', async () => {
  let after = (): void => undefined;
  const live = await run(async (kernel, request) => {
    after = () =>
      void kernel.send(
        'comm_msg',
        { comm_id: 'sparkthread.spark', data: { v: 1, jobs: [1, 0, 0], tasks: [1, 0, 0, 0] } },
        { parent: request },
      );
  });
  await rig.untilDone(live);
  const views = rig.views(live).length;
  after();
  expect(await rig.untilDone(await rig.submit('again'))).toMatchObject({ kind: 'ok' });
  expect(rig.views(live)).toHaveLength(views);
});
