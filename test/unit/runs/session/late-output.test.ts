import { readdir, readFile } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
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

test('a later run’s update of a notebook’s display is also in the executed notebook', async () => {
  await using rig = await startSessionRig();
  const cells = [{ kind: 'code', id: 'one', metadata: {}, source: 'shows' }] as const;
  const notebook = { name: 'n', notebook: { metadata: {}, cells } };
  const snippet = { language: undefined, blocks: ['shows'], notebook };
  const admitted = await rig.admission.submit(rig.request('', { snippet }));
  if (admitted.kind !== 'accepted') throw new Error(admitted.kind);
  const say = async (code: string, type: string, text: string): Promise<void> => {
    const run = await rig.held.untilBegun(code);
    const content = { data: { 'text/plain': text }, metadata: {}, transient: { display_id: 'd' } };
    run.kernel.send(type, content, { parent: run.kernel.lastRequest });
    run.end();
  };
  await say('shows', 'display_data', '0 %');
  const live = { id: admitted.runId };
  await rig.untilEnded(live);
  const later = await rig.submit('updates');
  await say('updates', 'update_display_data', '100 %');
  await rig.untilDone(later);
  const { output } = await rig.untilShown(
    live,
    ({ phase, output: shown = {} }) => phase.kind === 'ended' && JSON.stringify(shown).includes('100 %'),
  );
  const executed = output?.parts.find((part) => part.kind === 'attachment');
  expect(await readFile(executed?.path ?? '', 'utf8')).toContain('"100 %"');
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

/** A posted run whose message is edited by `finish`, and a thread of it that prints every 100 ms. */
function rememberRun(finish: (outcome: unknown, filesFollow: boolean) => Promise<unknown>) {
  const posted = Promise.resolve();
  const live = { id: 'r1', run: { state: 'posted', data: { request: { msgId: 'm1' } } }, posted, finish };
  const nothing = async (): Promise<void> => undefined;
  const transcript = { add: nothing, seal: nothing, remove: nothing, offer: () => undefined };
  const late = new LateOutput(silentLog);
  late.remember(live as never, {} as never, transcript as never, true);
  const output = { kind: 'stream', name: 'stdout', text: 'tick\n' } as const;
  const printFor = async (seconds: number): Promise<void> => {
    for (let tick = 0; tick < seconds * 10; tick += 1) {
      late.onEvent({ kind: 'lateOutput', msgId: 'm1', output } as never, false);
      await vi.advanceTimersByTimeAsync(100);
    }
  };
  return { late, printFor };
}

describe('a thread that prints for minutes', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  test('has one edit wait until the one before is done, however long Slack takes for its files', async () => {
    const edits: PromiseWithResolvers<unknown>[] = [];
    const { printFor } = rememberRun(async () => {
      const edit = Promise.withResolvers<unknown>();
      edits.push(edit);
      return await edit.promise;
    });
    await printFor(300);
    expect(edits).toHaveLength(1);
    edits[0]?.resolve({ delivered: true });
    await printFor(60);
    expect(edits).toHaveLength(2);
  });

  test('has its files attached at once, every ten minutes, when it is silent, and when the connection closes', async () => {
    const edits: boolean[] = [];
    const { late, printFor } = rememberRun(async (_, filesFollow) => {
      edits.push(filesFollow);
      return { delivered: true };
    });
    await printFor(300);
    expect(edits.length).toBeGreaterThan(25);
    expect(edits.indexOf(true)).toBe(1);
    expect(edits.lastIndexOf(false)).toBe(0);
    await vi.advanceTimersByTimeAsync(20_000);
    expect(edits.slice(-2)).toEqual([true, false]);
    const shown = edits.length;
    await vi.advanceTimersByTimeAsync(60_000);
    expect(edits).toHaveLength(shown);
    await printFor(60);
    expect(edits.at(-1)).toBe(true);
    await printFor(1_200);
    expect(edits.slice(shown).filter((filesFollow) => !filesFollow)).toHaveLength(2);
    await late.forgetAll();
    expect(edits.at(-1)).toBe(false);
  });

  test('and pauses after each line has its files attached every 15 s at most', async () => {
    const edits: boolean[] = [];
    const { printFor } = rememberRun(async (_, filesFollow) => {
      edits.push(filesFollow);
      return { delivered: true };
    });
    for (let line = 0; line < 12; line += 1) {
      await printFor(0.1);
      await vi.advanceTimersByTimeAsync(11_900);
    }
    const attached = edits.filter((filesFollow) => !filesFollow).length;
    expect(attached).toBeGreaterThanOrEqual(3);
    expect(attached).toBeLessThanOrEqual(10);
  });
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
