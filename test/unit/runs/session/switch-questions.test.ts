import { expect, test } from 'vitest';
import type { RunPhase } from '../../../../src/runs/run-view.ts';
import type { LiveRun } from '../../../../src/runs/session/run/live-run.ts';
import { renderButtons } from '../../../../src/slack/blocks/run/run-buttons.ts';
import { type SessionRig, startSessionRig } from '../../../support/session-rig.ts';

/** A channel with a Python kernel, and a Scala run that asks. */
async function askedRig(rig: SessionRig): Promise<LiveRun> {
  rig.held.letRun();
  await rig.untilDone(await rig.submit('python()'));
  const scala = await rig.submit('scala()', { kernelspec: 'scala-spark' });
  await rig.untilShown(scala, ({ phase }) => phase.kind === 'switchAsked');
  await rig.session().settled;
  return scala;
}

test('a question keeps no place and counts nowhere: queue, limits, status, idleness', async () => {
  await using rig = await startSessionRig({ idleTimeoutMs: 3_600_000 });
  await askedRig(rig);
  expect(rig.session().unfinished).toEqual([]);
  expect(rig.kernels.countQueue('T1/C1')).toBe(0);
  expect(rig.kernels.countRequester('U1')).toBe(0);
  expect((await rig.control.status('T1', 'C1'))[0]?.unfinished).toEqual([]);
  expect(rig.session().state).toBe('ready');
});

test('a question lapses after ten minutes', async () => {
  await using rig = await startSessionRig();
  rig.held.letRun();
  await rig.untilDone(await rig.submit('python()'));
  const data = { switchAskedAt: Date.now() - 10 * 60_000 };
  const scala = await rig.submit('scala()', { kernelspec: 'scala-spark', data });
  expect(await rig.untilDone(scala)).toMatchObject({
    kind: 'cancelled',
    detail: 'Nobody said within 10 minutes whether to switch the kernel.',
  });
});

test('a question of nine minutes stays asked, and can be agreed to', async () => {
  await using rig = await startSessionRig();
  rig.held.letRun();
  await rig.untilDone(await rig.submit('python()'));
  const data = { switchAskedAt: Date.now() - 9 * 60_000 };
  const scala = await rig.submit('scala()', { kernelspec: 'scala-spark', data });
  await rig.untilShown(scala, ({ phase }) => phase.kind === 'switchAsked');
  await rig.untilDone(await rig.submit('meanwhile()'));
  expect(rig.views(scala).at(-1)?.phase.kind).toBe('switchAsked');
  expect(rig.session().agreeToSwitch(scala, 'U1')).toBe(true);
  expect((await rig.untilDone(scala)).kind).toBe('ok');
});

test('a run that waited when KERNELS_PER_CHANNEL became several asks before it takes the channel’s kernel', async () => {
  await using rig = await startSessionRig({ several: true });
  rig.held.letRun();
  await rig.untilDone(await rig.submit('python()', { queue: 'T1/C1' }));
  const scala = await rig.submit('scala()', { kernelspec: 'scala-spark', queue: 'T1/C1' });
  const { phase } = await rig.untilShown(scala, ({ phase: { kind } }) =>
    ['switchAsked', 'running', 'ended'].includes(kind),
  );
  expect(phase).toMatchObject({ kind: 'switchAsked', from: 'python3', to: 'scala-spark' });
});

test('a question is put anew when another language’s kernel took the place', async () => {
  await using rig = await startSessionRig();
  rig.held.letRun();
  const data = { switchAskedAt: Date.now(), switchAgreedBy: 'U2' };
  await rig.untilDone(await rig.submit('scala()', { kernelspec: 'scala-spark' }));
  const asking = await rig.submit('python()');
  await rig.untilShown(asking, ({ phase }) => phase.kind === 'switchAsked' && phase.from === 'scala-spark');
  await rig.untilDone(await rig.submit('agreed()', { kernelspec: 'python3', data }));
  expect((await rig.untilDone(asking)).kind).toBe('ok');
});

test('a requester who agreed to lose one kernel’s variables is asked again if another kernel has replaced it', async () => {
  await using rig = await startSessionRig();
  rig.held.letRun();
  await rig.untilDone(await rig.submit('python()'));
  const scala = await rig.submit('scala()', { kernelspec: 'scala-spark', requester: 'U2' });
  await rig.untilShown(scala, ({ phase }) => phase.kind === 'switchAsked');
  const before = Date.now() - 1_000;
  const agreed = { switchAskedAt: before, switchAgreedBy: 'U1', agreedKernelId: 'one that is gone' };
  const other = await rig.submit('other()', { kernelspec: 'scala-spark', data: agreed });
  const { phase: asked } = await rig.untilShown(other, ({ phase }) => phase.kind === 'switchAsked');
  expect(asked).toMatchObject({ from: 'python3' });
  // It is another question: its Switch is no second press of the one before.
  const switchOf = (phase: RunPhase): string =>
    JSON.stringify(renderButtons('r', phase, ['switch'])?.elements);
  expect(switchOf(asked)).not.toBe(switchOf({ ...asked, askedAtMs: before } as RunPhase));
  expect(rig.session().agreeToSwitch(other, 'U1')).toBe(true);
  expect((await rig.untilDone(other)).kind).toBe('ok');
  expect((await rig.untilDone(scala)).kind).toBe('ok');
});

test('a question whose kernel is shut down for idleness is needless: the run goes on', async () => {
  await using rig = await startSessionRig({ idleTimeoutMs: 40 });
  const scala = await askedRig(rig);
  expect((await rig.untilEnded(scala)).kind).toBe('ok');
  expect(rig.notices).toContain('idle python3');
});

test('a run that is stopped while it asks is cancelled, and nobody can agree any more', async () => {
  await using rig = await startSessionRig();
  const scala = await askedRig(rig);
  rig.control.stop(scala.run, 'U1');
  expect((await rig.untilDone(scala)).kind).toBe('cancelled');
  expect(() => rig.control.agreeToSwitch(scala.run, 'U1')).toThrow(
    expect.objectContaining({ code: 'nothingToStop' }),
  );
});

test('several kernels a channel: nobody is asked', async () => {
  await using rig = await startSessionRig({ several: true });
  rig.held.letRun();
  await rig.untilDone(await rig.submit('python()'));
  expect((await rig.untilDone(await rig.submit('scala()', { kernelspec: 'scala-spark' }))).kind).toBe('ok');
  expect([...rig.gateway.kernels.values()].filter(({ isDeleted }) => !isDeleted)).toHaveLength(2);
});

test('a question that was asked while the clock was years ahead does not lapse at once', async () => {
  await using rig = await startSessionRig();
  rig.held.letRun();
  await rig.untilDone(await rig.submit('python()'));
  const asked = { switchAskedAt: Date.parse('2099-01-01') };
  const scala = await rig.submit('scala()', { kernelspec: 'scala-spark', data: asked });
  await rig.untilShown(scala, ({ phase }) => phase.kind === 'switchAsked');
  await rig.untilDone(await rig.submit('meanwhile()'));
  rig.control.agreeToSwitch(scala.run, 'U1');
  expect((await rig.untilDone(scala)).kind).toBe('ok');
});
