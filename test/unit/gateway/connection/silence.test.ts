import { expect, test } from 'vitest';
import { createSilenceWatch, OrderProof } from '../../../../src/gateway/connection/silence.ts';
import type { KernelInfo, KernelModel } from '../../../../src/gateway/gateway.ts';
import type { OutgoingMessage } from '../../../../src/gateway/protocol/wire.ts';
import { createExecution, createParts, kernelMessage } from '../../../support/gateway-parts.ts';

const toree = { implementation: 'Apache Toree', version: '' };

function createWatch(state: string, more: Partial<KernelModel> = {}, info: KernelInfo = toree) {
  const model = state === '' ? undefined : { id: 'k', name: 'scala', executionState: state, ...more };
  const parts = createParts();
  const sent: OutgoingMessage[] = [];
  Object.defineProperty(parts.socket, 'isOpen', { get: () => true });
  Object.defineProperty(parts.lifecycle.handshake, 'hasAnswered', { get: () => true });
  parts.lifecycle.handshake.ask = () => sent.push({ type: 'kernel_info_request' } as OutgoingMessage) > 0;
  const proof = new OrderProof('ours', (message) => sent.push(message) > 0);
  const options = { ...parts.options, findKernel: () => Promise.resolve(model) };
  parts.lifecycle.handshake.info = info;
  const look = createSilenceWatch(options, parts.socket, parts.lifecycle, proof);
  const lone = createExecution({}, { allowStdin: true });
  lone.execution.markWritten();
  const begin = () => lone.execution.take(kernelMessage('status', { execution_state: 'busy' }));
  const prove = (executionCount: number) =>
    proof.take(
      kernelMessage('execute_reply', { execution_count: executionCount }, { parentId: sent[0]?.msgId ?? '' }),
    );
  const { events: kernelEvents } = parts;
  return { ...parts, ...lone, kernelEvents, sent, begin, prove, look: () => look(lone.execution, 300) };
}

test('silence: a busy kernel without other clients runs our code, and is quiet', async () => {
  const { look, execution, outputs } = createWatch('busy', { connections: 1 });
  await look();
  expect(execution.phase).toBe('running');
  execution.finishAs('unknown');
  const quiet = { kind: 'quiet', quietMs: 300 };
  expect(await outputs()).toEqual([quiet, { kind: 'started' }]);
});

test('silence: a kernel that is busy for another client makes it wait', async () => {
  const { look, execution, lifecycle, outputs } = createWatch('busy', { connections: 2 });
  lifecycle.take('busyElsewhere', '');
  await look();
  expect(execution.phase).toBe('written');
  execution.finishAs('unknown');
  expect((await outputs()).map(({ kind }) => kind)).toEqual(['quiet', 'behindOthers']);
});

test('silence: a model ends nothing; an empty execution behind it proves the end', async () => {
  for (const state of ['idle', 'starting', 'restarting', 'odd']) {
    const { look, execution, sent, prove, begin, kernelEvents } = createWatch(state);
    begin();
    for (let n = 0; n < 3; n += 1) await look();
    expect(execution.isOver, state).toBe(false);
    expect(
      sent.map(({ content }) => content['silent']),
      'asked once',
    ).toEqual([true]);
    expect(kernelEvents).toEqual([]);
    prove(2);
    expect(await execution.end).toMatchObject({ kind: 'outputLost' });
  }
});

test('silence: a count that is too low proves a new process, so the old one has died', async () => {
  const { look, execution, prove, begin, kernelEvents, lifecycle } = createWatch('idle');
  begin();
  await look();
  prove(1);
  expect(kernelEvents).toContainEqual({ kind: 'replaced', as: 'kernelDied' });
  lifecycle.close();
  execution.finishAs('kernelDied');
});

test('silence: a busy model is not trusted if the process may have been replaced unseen', async () => {
  const watched = createWatch('busy');
  await watched.look();
  expect(watched.sent).toEqual([]);
  watched.execution.ending.markGap();
  watched.execution.countBefore = 3;
  await watched.look();
  watched.prove(3);
  expect(watched.kernelEvents).toContainEqual({ kind: 'replaced', as: 'kernelDied' });
  watched.lifecycle.close();
  watched.execution.finishAs('kernelDied');
});

test('silence: ipykernel is asked by kernel_info, whose reply identifies its process', async () => {
  const { look, execution, sent } = createWatch('starting', {}, { implementation: 'ipython', version: '' });
  await look();
  expect(sent.map(({ type }) => type)).toEqual(['kernel_info_request']);
  execution.finishAs('unknown');
});

test('silence: if the websocket breaks during a look, the next look asks', async () => {
  const { look, execution, sent, lifecycle } = createWatch(
    'idle',
    {},
    { implementation: 'ipython', version: '' },
  );
  lifecycle.handshake.ask = () => false;
  await look();
  expect(sent).toEqual([]);
  lifecycle.handshake.ask = () => sent.push({ type: 'kernel_info_request' } as OutgoingMessage) > 0;
  await look();
  await look();
  expect(sent).toHaveLength(1);
  execution.finishAs('unknown');
});

test('silence: a kernel that the gateway does not have is gone', async () => {
  const { look, execution, kernelEvents } = createWatch('');
  await look();
  expect(kernelEvents).toContainEqual({ kind: 'gone', detail: 'the gateway does not have it any more' });
  execution.finishAs('kernelGone');
});
