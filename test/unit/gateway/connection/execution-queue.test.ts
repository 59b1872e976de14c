import { expect, test } from 'vitest';
import { run, startConnectedRig } from '../../../support/gateway-client.ts';
import { createExecution, createParts } from '../../../support/gateway-parts.ts';

test('ExecutionQueue: waiting executions are not in flight, and not written before the kernel is ready', async () => {
  const { queue } = createParts();
  const { execution } = createExecution();
  queue.add(execution);
  expect(queue.inFlight()).toEqual([]);
  expect(queue.unfinished()).toEqual([execution]);
  queue.refuseWaiting('the kernel is away');
  expect(await execution.end).toMatchObject({ kind: 'notSent', detail: 'the kernel is away' });
});

test('ExecutionQueue: of ended executions it keeps two hundred ids, and no code', () => {
  const { queue } = createParts();
  for (let n = 0; n < 300; n += 1) {
    const { execution } = createExecution({}, { msgId: `${n}` });
    queue.addWritten(execution);
    execution.markWritten();
    expect(execution.request).toBeUndefined();
    expect(queue.finish(execution, n % 2 === 1)).toBe(true);
    execution.leave();
  }
  expect(queue.endedWithError('99')).toBeUndefined();
  expect(queue.endedWithError('100')).toBe(false);
  expect(queue.endedWithError('299')).toBe(true);
});

test('ExecutionQueue: while nothing may be written, an execution is not sent, and an input reply waits', async () => {
  let mayWrite = true;
  await using rig = await startConnectedRig({ client: { mayWrite: () => mayWrite } });
  const { kernel, connection } = rig;
  kernel.onExecute = (request) => {
    kernel.begin(request);
    kernel.send('input_request', { prompt: '' }, { parent: request, channel: 'stdin' });
    void kernel.untilReceived('input_reply').then(() => {
      kernel.end(request);
    });
  };
  const asking = run(connection, { allowStdin: true });
  const asked = await asking.until('inputRequest');
  mayWrite = false;
  asked.answer('Ann');
  await asking.until('quiet');
  expect(kernel.received.map(({ header }) => header.msg_type)).not.toContain('input_reply');
  mayWrite = true;
  expect(await asking.end).toMatchObject({ kind: 'ok' });
  expect((await kernel.untilReceived('input_reply')).content['value']).toBe('Ann');
});

test('ExecutionQueue: while nothing may be written, waiting executions end and say so', async () => {
  let mayWrite = true;
  await using rig = await startConnectedRig({ client: { mayWrite: () => mayWrite } });
  mayWrite = false;
  expect(await run(rig.connection).end).toMatchObject({ kind: 'writesPaused' });
  mayWrite = true;
  expect(await run(rig.connection).end).toMatchObject({ kind: 'ok' });
  const requests = rig.kernel.received.filter(({ header }) => header.msg_type === 'execute_request');
  expect(requests).toHaveLength(1);
});

test('ExecutionQueue: input for a process that has ended does not go to another', async () => {
  await using rig = await startConnectedRig();
  const { kernel, connection } = rig;
  kernel.onExecute = (request) => {
    kernel.begin(request);
    kernel.send('input_request', { prompt: '' }, { parent: request, channel: 'stdin' });
  };
  const asking = run(connection, { allowStdin: true });
  const asked = await asking.until('inputRequest');
  kernel.drop();
  await asking.until('disconnected');
  asked.answer('secret');
  kernel.onExecute = (request) => kernel.run(request);
  kernel.buffers = false;
  kernel.comeUp();
  kernel.executionState = 'idle';
  expect(await asking.end).toMatchObject({ kind: 'kernelDied' });
  expect(await run(connection).end).toMatchObject({ kind: 'ok' });
  expect(kernel.received.filter(({ header }) => header.msg_type === 'input_reply')).toEqual([]);
});
