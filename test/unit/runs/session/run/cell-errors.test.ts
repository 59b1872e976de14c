import { expect, test } from 'vitest';
import type { CodeCell } from '../../../../../src/notebooks/model.ts';
import { type SessionRig, startSessionRig } from '../../../../support/session-rig.ts';

const error = { ename: 'ZeroDivisionError', evalue: 'division by zero', traceback: [] };

const cell = (source: string, ...tags: string[]): CodeCell => ({
  kind: 'code',
  id: source === '' ? 'empty' : source,
  metadata: { tags },
  source,
});

/** Runs a notebook in which the second and third cell may fail; the empty one does not run. */
async function submit(rig: SessionRig) {
  const cells = [
    cell('', 'raises-exception'),
    cell('a'),
    cell('b', 'raises-exception'),
    cell('c', 'raises-exception'),
  ];
  const notebook = { name: 'n', notebook: { metadata: {}, cells } };
  const snippet = { language: undefined, blocks: ['a', 'b', 'c'], notebook };
  const admitted = await rig.admission.submit(rig.request('', { snippet }));
  if (admitted.kind !== 'accepted') throw new Error(admitted.kind);
  return { id: admitted.runId };
}

test('an error in a cell that may have one ends nothing, over a crash too; the run is done', async () => {
  await using rig = await startSessionRig();
  const live = await submit(rig);
  (await rig.held.untilBegun('a')).end();
  const second = await rig.held.untilBegun('b');
  await rig.replace('killed');
  second.fail(error);
  (await rig.held.untilBegun('c')).fail(error);
  const outcome = await rig.untilEnded(live);
  expect(outcome).toMatchObject({ kind: 'ok', executionCount: 3 });
  expect(outcome).not.toHaveProperty('endedBlock');
});

test('an error in any other cell ends the run', async () => {
  await using rig = await startSessionRig();
  const live = await submit(rig);
  (await rig.held.untilBegun('a')).fail(error);
  expect(await rig.untilEnded(live)).toMatchObject({ kind: 'raised', endedBlock: { number: 1, of: 3 } });
  expect(rig.held.begun).toHaveLength(1);
});

test('a stop ends the run also in a cell that may raise an error', async () => {
  await using rig = await startSessionRig();
  const live = await submit(rig);
  (await rig.held.untilBegun('a')).end();
  const second = await rig.held.untilBegun('b');
  second.kernel.onInterrupt = () => second.fail({ ...error, ename: 'KeyboardInterrupt' });
  const run = await rig.runs.find(live.id);
  if (run !== undefined) rig.control.stop(run, 'U1');
  expect(await rig.untilEnded(live)).toMatchObject({ kind: 'interrupted', endedBlock: { number: 2, of: 3 } });
});

test('a notebook’s run that begins while its edit is being stored runs as it was, and is no edited one', async () => {
  await using rig = await startSessionRig();
  await rig.submit('running()');
  const running = await rig.held.untilBegun('running()');
  const live = await submit(rig);
  const run = (await rig.runs.find(live.id))!;
  const asked = Promise.withResolvers<void>();
  const stored = Promise.withResolvers<void>();
  rig.faults.before = async (method, [key]) => {
    if (method !== 'keyv.set' || key !== run.data.requestKey) return;
    asked.resolve();
    await stored.promise;
  };
  const notebook = { name: 'n', notebook: { metadata: {}, cells: [cell('new')] } };
  const snippet = { language: undefined, blocks: ['new'], notebook };
  const replacing = rig.admission.replaceWaiting(run, { snippet, editedTs: '9.0' });
  await asked.promise;
  running.end();
  await rig.held.untilBegun('a');
  stored.resolve();
  expect(await replacing).toBe(false);
  rig.held.letRun();
  await rig.untilEnded(live);
  expect(await rig.runs.code(run)).toEqual(['a', 'b', 'c']);
});
