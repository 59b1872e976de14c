import { expect, test } from 'vitest';
import { cancelSparkJobs } from '../../../../../src/runs/session/run/spark-jobs.ts';
import { startConnectedRig } from '../../../../support/gateway-client.ts';

test('a Python kernel’s Spark jobs are cancelled, silently', async () => {
  await using rig = await startConnectedRig();
  await cancelSparkJobs(rig.connection);
  const request = await rig.kernel.untilReceived('execute_request');
  expect(request.content).toMatchObject({ silent: true, allow_stdin: false });
  expect(request.content['code']).toContain('cancelAllJobs');
});

test('other kernels have a handler of their own', async () => {
  await using rig = await startConnectedRig({
    prepare: (kernel) => {
      kernel.implementation = 'IRkernel';
    },
  });
  await cancelSparkJobs(rig.connection);
  expect(rig.kernel.received.filter(({ header }) => header.msg_type === 'execute_request')).toEqual([]);
});

test('a connection that is closed meanwhile is not waited for', async () => {
  await using rig = await startConnectedRig();
  rig.kernel.onExecute = () => undefined;
  const cancelling = cancelSparkJobs(rig.connection);
  await rig.kernel.untilReceived('execute_request');
  await rig.connection.close();
  await expect(cancelling).resolves.toBeUndefined();
});
