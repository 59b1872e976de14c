import { expect, test } from 'vitest';
import type { RunView } from '../../../../../src/runs/run-view.ts';
import type { LiveRun } from '../../../../../src/runs/session/run/live-run.ts';
import { type SessionRig, startSessionRig } from '../../../../support/session-rig.ts';

/** Each time that a stop of this run was told to have no effect, with another press of Stop beside Restart. */
async function untilIgnored(rig: SessionRig, live: LiveRun, nth: number): Promise<RunView> {
  const seen = new Set<number>();
  return await rig.untilShown(live, ({ phase }) => {
    if (phase.kind === 'running' && phase.stopIgnored && phase.ignoredAtMs !== undefined)
      seen.add(phase.ignoredAtMs);
    return seen.size >= nth;
  });
}

/** A run that takes the signal, says so and goes on: each stop is one signal. */
async function stubbornRun(rig: SessionRig) {
  const live = await rig.submit('stubborn()');
  const run = await rig.held.untilBegun('stubborn()');
  run.kernel.onInterrupt = () => run.print('no\n');
  rig.control.stop(live.run, 'U1');
  const view = await untilIgnored(rig, live, 1);
  return { live, run, view };
}

test('a stop without effect can be pressed again: one more signal each time, beside Restart', async () => {
  await using rig = await startSessionRig({ timings: { interruptGapMs: 20 } });
  const { live, run, view } = await stubbornRun(rig);
  expect(view.actions).toEqual(['stop', 'restart']);
  await expect.poll(() => run.kernel.interrupts).toBe(1);
  rig.control.stop(live.run, 'U2');
  rig.control.stop(live.run, 'U2');
  expect(rig.views(live).at(-1)).toMatchObject({
    phase: { kind: 'running', stopping: true, stopIgnored: false, ignoredAtMs: expect.any(Number) },
    actions: ['stop', 'restart'],
  });
  await untilIgnored(rig, live, 2);
  await expect.poll(() => run.kernel.interrupts).toBe(2);
  run.kernel.onInterrupt = () => run.end();
  rig.control.stop(live.run, 'U1');
  await rig.untilDone(live);
  expect(live.run.data.stoppedBy).toBe('U1');
  expect(run.kernel.interrupts).toBe(3);
});

test('a limit that is reached again and again is one stop', async () => {
  await using rig = await startSessionRig({ timings: { interruptGapMs: 20 } });
  const live = await rig.submit('loud()');
  const run = await rig.held.untilBegun('loud()');
  run.kernel.onInterrupt = () => run.print('no\n');
  run.print('x'.repeat(2e6));
  await untilIgnored(rig, live, 1);
  run.print('more\n');
  live.stop({ kind: 'tooMuchOutput' });
  expect(live.phase).toMatchObject({ stopIgnored: true });
  rig.control.stop(live.run, 'U1');
  expect(live.phase).toMatchObject({ stopIgnored: false });
  await untilIgnored(rig, live, 2);
  run.end();
  await rig.untilDone(live);
  expect(run.kernel.interrupts).toBe(2);
});

test('a second stop that is still pending when the run ends never interrupts the next run', async () => {
  await using rig = await startSessionRig({ timings: { interruptGapMs: 20 } });
  const { live, run } = await stubbornRun(rig);
  const asked = Promise.withResolvers<void>();
  const interrupt = Promise.withResolvers<void>();
  rig.gateway.answer = async ({ path }) => {
    if (!path.endsWith('/interrupt')) return undefined;
    asked.resolve();
    await interrupt.promise;
    return undefined;
  };
  const next = await rig.submit('next()');
  const hit: string[] = [];
  run.kernel.onInterrupt = () => hit.push(rig.held.begun.at(-1)!.code);
  rig.control.stop(live.run, 'U1');
  await asked.promise;
  run.end();
  await rig.untilEnded(live);
  interrupt.resolve();
  (await rig.held.untilBegun('next()')).end();
  expect((await rig.untilDone(next)).kind).toBe('ok');
  expect(hit).toEqual(['stubborn()']);
});
