import { afterEach, expect, test, vi } from 'vitest';
import type { KernelConnection } from '../../../../src/gateway/gateway.ts';
import { executeQuietly } from '../../../../src/runs/session/spark-observer.ts';
import { startConnectedRig } from '../../../support/gateway-client.ts';

afterEach(() => void vi.useRealTimers());

test('a kernel that works for another client first is not waited for beyond the time-out, and not interrupted', async () => {
  await using rig = await startConnectedRig();
  const foreign = { ...(await rig.kernel.untilReceived('kernel_info_request')) };
  foreign.header = { ...foreign.header, msg_id: 'theirs', msg_type: 'execute_request', session: 'theirs' };
  rig.kernel.onSilent = () => rig.kernel.status('busy', foreign);
  expect((await executeQuietly(rig.connection, 'x', 10)).kind).toBe('unanswered');
  expect(rig.kernel.interrupts).toBe(0);
});

test('one that hangs in it is interrupted', async () => {
  await using rig = await startConnectedRig();
  rig.kernel.onSilent = (request) => {
    const { kernel } = rig;
    kernel.begin(request);
    kernel.onInterrupt = () => {
      kernel.end(request, { status: 'error', ename: 'KeyboardInterrupt', evalue: '', traceback: [] });
    };
  };
  expect((await executeQuietly(rig.connection, 'x', 10)).kind).toBe('interrupted');
});

test('at most ten of its messages are returned', async () => {
  await using rig = await startConnectedRig();
  rig.kernel.onSilent = (request) => {
    const { kernel } = rig;
    kernel.begin(request);
    for (let n = 0; n < 100; n += 1) kernel.send('comm_msg', { comm_id: 'c', data: n }, { parent: request });
    kernel.end(request);
  };
  const { kind, comms } = await executeQuietly(rig.connection, 'x', 5_000);
  expect(kind).toBe('ok');
  expect(comms.map(({ data }) => data)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
});

test('a kernel that comes up is waited for before the time-out counts', async () => {
  await using rig = await startConnectedRig();
  rig.kernel.answersInfo = false;
  await rig.gateway.restartKernel(rig.kernel.id);
  const waiting = executeQuietly(rig.connection, 'x', 1_000, 'written');
  expect((await executeQuietly(rig.connection, 'x', 1_001)).kind).toBe('notSent');
  rig.kernel.answersInfo = true;
  rig.kernel.comeUp();
  expect((await waiting).kind).toBe('ok');
});

/** Takes a request after `writtenMs`, and does nothing until it is to leave it. */
function comingUp(writtenMs: number): { connection: KernelConnection; left: () => number | undefined } {
  let leftMs: number | undefined;
  const execute = ({ signal }: { signal: AbortSignal }) => {
    const beganMs = Date.now();
    const aborted = new Promise<void>((resolve) => {
      signal.addEventListener('abort', () => {
        leftMs = Date.now() - beganMs;
        resolve();
      });
    });
    return {
      written: new Promise((resolve) => setTimeout(resolve, writtenMs)),
      end: aborted.then(() => ({ kind: 'interrupted' })),
      [Symbol.asyncIterator]: () => ({
        next: async () => ({ done: true, value: await aborted }),
      }),
    };
  };
  return { connection: { execute } as unknown as KernelConnection, left: () => leftMs };
}

test.each([
  ['in 10 s', 10_000, 15_000],
  ['in 20 min: half a minute is enough', 1_200_000, 35_000],
])('a kernel that is up %s', async (_, writtenMs, leftMs) => {
  vi.useFakeTimers();
  const { connection, left } = comingUp(writtenMs);
  const quiet = executeQuietly(connection, 'x', 5_000, 'written');
  await vi.advanceTimersByTimeAsync(40_000);
  expect(await quiet).toMatchObject({ kind: 'interrupted' });
  expect(left()).toBe(leftMs);
});
