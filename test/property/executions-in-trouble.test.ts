import { setTimeout as delay } from 'node:timers/promises';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { BusyKernels, patientTimings } from '../support/busy-kernels.ts';
import { quickTimings, run, startConnectedRig, textOf } from '../support/gateway-client.ts';

/**
 * Executions while websockets break, proxies answer with pages, and the kernel dies, restarts or is deleted: whatever is
 * said of one is what the kernel did with it, and each of them ends.
 */

const ACTS = [
  'drop',
  'hangUp',
  'crash',
  'restart',
  'delete',
  'forget',
  '404',
  '500',
  '502',
  'hang',
  'reset',
] as const;

const plans = fc.record({
  implementation: fc.constantFrom('ipython', 'xpython', 'IRkernel'),
  cells: fc.array(
    fc.record({
      pausesMs: fc.array(fc.nat(60), { maxLength: 5 }),
      ends: fc.constantFrom('ok' as const, 'raised' as const),
    }),
    { minLength: 3, maxLength: 5 },
  ),
  trouble: fc.array(
    fc.record({
      afterMs: fc.nat(250),
      act: fc.constantFrom(...ACTS),
      forMs: fc.nat(400),
      upgrades: fc.boolean(),
    }),
    { minLength: 1, maxLength: 4 },
  ),
});
type Plan = typeof plans extends fc.Arbitrary<infer P> ? P : never;

/** What is wrong in this world; empty if nothing is. */
async function faultsIn(plan: Plan): Promise<string[]> {
  const kernels = new BusyKernels(plan.implementation);
  await using rig = await startConnectedRig({
    timings: { ...quickTimings, ...patientTimings },
    prepare: (kernel) => kernels.teach(kernel),
  });
  const { kernel, server, connection } = rig;
  const acts: Record<string, (ms: number) => Promise<void> | void> = {
    drop: () => kernel.drop(),
    hangUp: () => kernel.hangUp(1011),
    crash: (ms) => kernels.crash(kernel, ms),
    restart: (ms) => kernels.replace(kernel, ms),
    delete: () => void (kernel.isDeleted = true),
    forget: () => {
      kernel.isDeleted = true;
      kernel.drop();
    },
  };
  async function makeTrouble(): Promise<void> {
    for (const { afterMs, act, forMs, upgrades } of plan.trouble) {
      await delay(afterMs);
      if (act in acts) {
        await acts[act]?.(forMs);
        continue;
      }
      server.answer = ({ isUpgrade }) => {
        // An upgrade without an answer is waited for as long as a kernel's start.
        if (isUpgrade && (!upgrades || act === 'hang')) return undefined;
        return act === 'hang' || act === 'reset' ? act : { status: Number(act), body: '<html>page</html>' };
      };
      await delay(forMs);
      server.answer = () => undefined;
    }
  }
  const trouble = makeTrouble();
  const faults: string[] = [];
  for (const [index, cell] of plan.cells.entries()) {
    const code = JSON.stringify({ index, ...cell });
    const running = run(connection, { code });
    const end = await running.end;
    const done = kernels.done.get(code);
    const process = kernels.processOf(kernel);
    const text = textOf(running.outputs);
    const isWrong = {
      twice: (done?.times ?? 0) > 1,
      end: (end.kind === 'ok' || end.kind === 'raised') && end.kind !== done?.end,
      sent: end.kind === 'notSent' && done !== undefined,
      gone: end.kind === 'kernelGone' && !kernel.isDeleted,
      replaced:
        /^kernel(?:Died|Restarted)$/.test(end.kind) &&
        process === (done?.process ?? 1) &&
        (process === 1 || !end.possibleGap),
      output:
        end.possibleGap || end.kind !== done?.end
          ? !(done?.printed ?? '').includes(text[0] ?? '')
          : text !== done.printed,
    };
    faults.push(
      ...Object.entries(isWrong).flatMap(([what, is]) => (is ? [`${index}, ${end.kind}: ${what}`] : [])),
    );
    if (end.kind === 'kernelGone') break;
  }
  await trouble;
  return faults;
}

test('whatever happens around it, an execution ends, and as its kernel ended it', async () => {
  const some = fc.sample(plans, 24);
  const found = await Promise.all(some.map(async (plan) => ({ plan, faults: await faultsIn(plan) })));
  expect(found.filter(({ faults }) => faults.length > 0)).toEqual([]);
});
