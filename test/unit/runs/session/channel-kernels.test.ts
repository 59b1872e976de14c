import { readdir } from 'node:fs/promises';
import { expect, test } from 'vitest';
import type { LiveRun } from '../../../../src/runs/session/run/live-run.ts';
import { startSessionRig } from '../../../support/session-rig.ts';

test('one session a channel; a kernel, a loss or a run keeps it', async () => {
  await using rig = await startSessionRig();
  rig.held.letRun();
  const live = await rig.submit('code()');
  expect(rig.kernels.sessions).toHaveLength(1);
  await rig.untilDone(live);
  expect(rig.kernels.records('T1', 'C1')).toEqual([rig.session().record]);
  expect(rig.kernels.records('T1')).toHaveLength(1);
  expect(rig.kernels.records('T2')).toEqual([]);
  await rig.session().shutDown();
  expect(rig.kernels.sessions).toEqual([]);
});

test('several kernels a channel: one session for each kernelspec, and they run at once', async () => {
  await using rig = await startSessionRig({ several: true });
  await rig.submit('python()');
  await rig.submit('scala()', { kernelspec: 'scala-spark' });
  await Promise.all([rig.held.untilBegun('python()'), rig.held.untilBegun('scala()')]);
  expect(rig.kernels.sessions.map(({ key }) => key)).toEqual(['T1/C1/python3', 'T1/C1/scala-spark']);
  expect(rig.kernels.unfinished('T1', 'C1').map(({ run }) => run.data.preview)).toEqual([
    'python()',
    'scala()',
  ]);
  expect(rig.kernels.records('T1', 'C1').map(({ queue }) => queue)).toEqual([
    'T1/C1/python3',
    'T1/C1/scala-spark',
  ]);
  await rig.kernels.find('T1/C1/python3')?.shutDown();
  expect(rig.kernels.records('T1', 'C1').map(({ queue }) => queue)).toEqual(['T1/C1/scala-spark']);
});

test('a reserved place counts until it is released', async () => {
  await using rig = await startSessionRig();
  const place = rig.kernels.reserve({ queue: 'T1/C1', requester: 'U1' });
  expect(rig.kernels.countQueue('T1/C1')).toBe(1);
  expect(rig.kernels.countRequester('U1')).toBe(1);
  place.release();
  expect(rig.kernels.countQueue('T1/C1')).toBe(0);
  expect(rig.kernels.countRequester('U1')).toBe(0);
});

test('D16: after 200 runs nothing is left of them, and of their channels nothing but kernels', async () => {
  await using rig = await startSessionRig();
  rig.held.letRun();
  const lives: LiveRun[] = [];
  for (let n = 0; n < 200; n += 1) {
    const channel = `C${n % 10}`;
    const live = await rig.submit(`code(${n})`, { channel, queue: `T1/${channel}` });
    lives.push(live);
    if (n % 10 === 9) await rig.untilDone(live);
    if (n % 3 === 0) rig.kernels.session(live.run).stop(live, { kind: 'asked', by: 'U1' });
  }
  await Promise.all(lives.map((live) => live.posted));
  expect(rig.kernels.counts).toEqual({ waiting: 0, inFlight: 0, unposted: 0, kernels: 10 });
  expect(lives.filter(({ id }) => rig.kernels.run(id) !== undefined)).toEqual([]);
  expect(rig.kernels.sessions).toHaveLength(10);
  for (const session of rig.kernels.sessions) await session.shutDown();
  expect(rig.kernels.sessions).toEqual([]);
  await expect.poll(() => readdir(rig.spoolDir)).toEqual([]);
});
