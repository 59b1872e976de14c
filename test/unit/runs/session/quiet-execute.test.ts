import { expect, test } from 'vitest';
import { executeQuietly } from '../../../../src/runs/session/spark-observer.ts';
import { startConnectedRig } from '../../../support/gateway-client.ts';

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

test('of what it says, ten messages are given', async () => {
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
