import { readdir } from 'node:fs/promises';
import { expect, test, vi } from 'vitest';
import { silentLog } from '../../../../src/log.ts';
import type { Run } from '../../../../src/runs/run.ts';
import { LateOutput } from '../../../../src/runs/session/late-output.ts';
import type { ScriptMessage } from '../../../support/scripted-gateway.ts';
import { startSessionRig } from '../../../support/session-rig.ts';
import { silent } from '../../../support/store-faults.ts';

test('a thread that prints after the end still edits the right run message', async () => {
  await using rig = await startSessionRig();
  rig.held.letRun();
  const live = await rig.submit('code()');
  await rig.untilDone(live);
  const [kernel] = rig.gateway.kernels.values();
  const request: ScriptMessage = await kernel!.untilReceived('execute_request');
  await rig.untilDone(await rig.submit('next()'));
  kernel!.stream(request, 'late\n');
  await rig.untilShown(live, ({ output }) => JSON.stringify(output ?? {}).includes('late'));
});

test('a process that ends right after a run was ended by it: the answer says so, and that variables are gone', async () => {
  await using rig = await startSessionRig();
  rig.held.letRun();
  const live = await rig.submit('do_shutdown()');
  await rig.untilDone(live);
  const [kernel] = rig.gateway.kernels.values();
  kernel!.status('restarting');
  await rig.untilShown(
    live,
    ({ phase }) =>
      phase.kind === 'ended' && phase.outcome.variablesLost && /right after/.test(phase.outcome.detail ?? ''),
  );
});

test('late output of a run that is being deleted is not shown', async () => {
  await using rig = await startSessionRig();
  rig.held.letRun();
  const live = await rig.submit('code()');
  await rig.untilDone(live);
  await rig.runs.erase(live.run);
  const shown = rig.views(live).length;
  const [kernel] = rig.gateway.kernels.values();
  kernel!.stream(await kernel!.untilReceived('execute_request'), 'late\n');
  await rig.untilDone(await rig.submit('next()'));
  expect(rig.views(live)).toHaveLength(shown);
  expect(await rig.store.runs.get(live.id)).toBeUndefined();
});

test('late output of a run whose message an edit has taken over does not replace the answer of the edit', async () => {
  await using rig = await startSessionRig();
  rig.held.letRun();
  const first = await rig.submit('first()');
  await rig.untilDone(first);
  const [kernel] = rig.gateway.kernels.values();
  const request = await kernel!.untilReceived('execute_request');
  const second = await rig.submit('second()', { data: { follows: first.id, edition: 2 } });
  expect(await rig.opened.get(second.id)?.predecessor).toBe('2.0');
  await rig.untilDone(second);
  const shown = rig.views(first).length;
  kernel!.stream(request, 'late\n');
  await rig.untilDone(await rig.submit('next()'));
  // What waits for its edit is shown before the session forgets it.
  await rig.session().shutDown();
  await expect.poll(async () => await readdir(rig.spoolDir)).toEqual([]);
  expect(rig.views(first)).toHaveLength(shown);
  expect((await rig.store.runs.get(first.id))?.data.erased).toBeUndefined();
});

test('the output of all but the last twenty posted runs is off the disk', async () => {
  await using rig = await startSessionRig();
  rig.held.letRun();
  for (let n = 0; n < 25; n += 1) await rig.untilDone(await rig.submit(`code(${n})`));
  await expect.poll(async () => (await readdir(rig.spoolDir)).length).toBe(20);
});

test('D4: a run whose kernel is gone at its end leaves nothing on disk, and no session', async () => {
  await using rig = await startSessionRig();
  const live = await rig.submit('code()');
  await rig.held.untilBegun('code()');
  await rig.session().shutDown();
  expect((await rig.untilDone(live)).kind).toBe('kernelGone');
  await expect.poll(async () => await readdir(rig.spoolDir)).toEqual([]);
  expect(rig.kernels.find('T1/C1')).toBeUndefined();
});

test('output that Slack did not take stays on disk for the next start', async () => {
  await using rig = await startSessionRig();
  rig.onFinish = () => ({ delivered: false, reason: 'away', isRefused: false });
  rig.held.letRun();
  await rig.untilDone(await rig.submit('code()'));
  await rig.session().shutDown();
  expect(await readdir(rig.spoolDir)).toHaveLength(1);
});

test('a deleted run stays erased when a write of its late output is repeated', async () => {
  await using rig = await startSessionRig();
  rig.held.letRun();
  const live = await rig.submit('code()');
  await rig.untilDone(live);
  rig.onFinish = () => ({ delivered: true, messageTs: '2.0', files: ['F1'] });
  const failed = Promise.withResolvers<void>();
  const repeated = Promise.withResolvers<void>();
  rig.faults.before = (method, [run]) => {
    if (method !== 'save' || (run as Run).data.erased === true) return;
    failed.resolve();
    throw silent();
  };
  const [kernel] = rig.gateway.kernels.values();
  kernel!.stream(await kernel!.untilReceived('execute_request'), 'late\n');
  await failed.promise;
  await rig.runs.erase(live.run);
  rig.faults.before = () => undefined;
  rig.faults.after = (method) => (method === 'save' ? repeated.resolve() : undefined);
  await repeated.promise;
  await rig.untilDone(await rig.submit('next()'));
  expect(await rig.store.runs.get(live.id)).toBeUndefined();
});

test.each(['the process ends', 'twenty runs later', 'the websocket is closed'])(
  'late output that waits for its edit is shown when %s',
  async (when) => {
    await using rig = await startSessionRig();
    rig.held.letRun();
    const live = await rig.submit('code()');
    await rig.untilDone(live);
    const [kernel] = rig.gateway.kernels.values();
    const request = await kernel!.untilReceived('execute_request');
    const next = await rig.submit('next()', { blocks: ['next()'] });
    kernel!.stream(request, 'late\n');
    await rig.untilDone(next);
    if (when === 'the process ends') await rig.runs.close();
    if (when === 'the websocket is closed') await rig.session().shutDown();
    if (when === 'twenty runs later')
      for (let run = 0; run < 20; run += 1) await rig.untilDone(await rig.submit(`run${run}()`));
    await expect.poll(() => JSON.stringify(rig.views(live).at(-1)?.output)).toContain('late');
  },
);

test('an edit for late output waits until the one before is done, however long Slack takes for its files', async () => {
  vi.useFakeTimers();
  try {
    const edits: PromiseWithResolvers<unknown>[] = [];
    const live = {
      id: 'r1',
      run: { state: 'posted', data: { request: { msgId: 'm1' } } },
      posted: Promise.resolve(),
      finish() {
        const edit = Promise.withResolvers<unknown>();
        edits.push(edit);
        return edit.promise;
      },
    };
    const nothing = async (): Promise<void> => undefined;
    const transcript = { add: nothing, seal: nothing, remove: nothing, offer: () => undefined };
    const late = new LateOutput(silentLog);
    late.remember(live as never, {} as never, transcript as never, true);
    const output = { kind: 'stream', name: 'stdout', text: 'tick\n' } as const;
    const printFor = async (seconds: number): Promise<void> => {
      for (let second = 0; second < seconds; second += 1) {
        late.onEvent({ kind: 'lateOutput', msgId: 'm1', output } as never, false);
        await vi.advanceTimersByTimeAsync(1_000);
      }
    };
    await printFor(300);
    expect(edits).toHaveLength(1);
    edits[0]?.resolve({ delivered: true });
    await printFor(60);
    expect(edits).toHaveLength(2);
  } finally {
    vi.useRealTimers();
  }
});

test('a run that is deleted while its last late output is being shown stays deleted', async () => {
  await using rig = await startSessionRig();
  rig.held.letRun();
  const live = await rig.submit('code()');
  await rig.untilDone(live);
  const [kernel] = rig.gateway.kernels.values();
  const request = await kernel!.untilReceived('execute_request');
  const next = await rig.submit('next()');
  kernel!.stream(request, 'late\n');
  await rig.untilDone(next);
  const showing = Promise.withResolvers<void>();
  const shown = Promise.withResolvers<void>();
  rig.onFinish = async () => {
    showing.resolve();
    await shown.promise;
    return { delivered: true, messageTs: '2.0', files: ['F1'] };
  };
  await rig.session().shutDown();
  await showing.promise;
  const erasing = rig.runs.erase(live.run);
  shown.resolve();
  await erasing;
  await live.commit({});
  expect(await rig.store.runs.get(live.id)).toBeUndefined();
});

test('the output of a run that is deleted while its end is being posted leaves the disk at once', async () => {
  await using rig = await startSessionRig();
  const finishing = Promise.withResolvers<void>();
  const finished = Promise.withResolvers<void>();
  rig.onFinish = async () => {
    finishing.resolve();
    await finished.promise;
    return { delivered: true, messageTs: '2.0' };
  };
  const live = await rig.submit('code()');
  const run = await rig.held.untilBegun('code()');
  run.end();
  await finishing.promise;
  await rig.runs.erase(live.run);
  finished.resolve();
  await live.posted;
  await expect.poll(() => readdir(rig.spoolDir)).toEqual([]);
});
