import { expect, test } from 'vitest';
import { createExecution, createParts, frameOf, kernelMessage } from '../../../support/gateway-parts.ts';

const busy = { execution_state: 'busy' };
const idle = { execution_state: 'idle' };
const thread = { name: 'stdout', text: 'from a thread' };

test('Router: a message is delivered once, to its parent execution', async () => {
  const { router, queue } = createParts();
  const { execution, outputs } = createExecution();
  queue.addWritten(execution);
  const printed = kernelMessage('stream', { name: 'stdout', text: 'a' });
  for (const message of [kernelMessage('status', busy), printed, printed])
    router.takeJson(String(frameOf(message)), 1);
  router.take(kernelMessage('stream', { name: 'stdout', text: 'b' }, { parentId: 'other' }));
  execution.finishAs('unknown');
  expect(await outputs()).toEqual([{ kind: 'started' }, { kind: 'stream', name: 'stdout', text: 'a' }]);
});

test('Router: an error while a message is read is logged and reported to its execution, if any', async () => {
  const warnings: object[] = [];
  const ignore = () => undefined;
  const log = {
    debug: ignore,
    info: ignore,
    error: ignore,
    warn: (details: object) => void warnings.push(details),
  };
  const { router, queue, lifecycle } = createParts({ log });
  const { execution, outputs } = createExecution({
    sendsLateOutput() {
      throw new RangeError('Maximum call stack size exceeded');
    },
  });
  queue.addWritten(execution);
  router.takeJson(String(frameOf(kernelMessage('status', busy))), 1);
  lifecycle.take = () => {
    throw new Error('not read');
  };
  router.takeJson(
    String(frameOf(kernelMessage('status', { execution_state: 'starting' }, { parentId: '' }))),
    1,
  );
  expect(warnings).toMatchObject([{ kernelId: 'k' }, { kernelId: 'k' }]);
  execution.finishAs('unknown');
  expect((await outputs()).map(({ kind }) => kind)).toEqual(['started', 'unreadable']);
  expect(await execution.end).toMatchObject({ possibleGap: true });
});

test('Router: a thread’s output after the end is late output of the execution; an error is not output twice', () => {
  const { router, queue, late } = createParts();
  const { execution } = createExecution({}, {}, (ended) => void queue.finish(ended, true));
  queue.addWritten(execution);
  for (const [type, content] of [
    ['status', busy],
    ['error', { ename: 'E' }],
    ['execute_reply', { status: 'error', ename: 'E' }],
    ['status', idle],
  ] as const)
    router.take(kernelMessage(type, content));
  router.take(kernelMessage('error', { ename: 'E' }));
  router.take(kernelMessage('stream', thread));
  const handshake = { parentType: 'kernel_info_request', parentId: 'i' };
  router.take(kernelMessage('stream', thread, handshake));
  const output = { kind: 'stream', ...thread };
  expect(late).toEqual([
    { msgId: 'e', output },
    { msgId: 'e', output },
  ]);
});

test('Router: a thread that prints for hours does not fill memory', () => {
  const { router, queue } = createParts();
  const { execution } = createExecution();
  queue.addWritten(execution);
  let number = 0;
  const nextId = () => `a-b_1_${(number += 1)}`;
  router.take(kernelMessage('status', busy, { msgId: nextId() }));
  for (let n = 0; n < 20_000; n += 1)
    router.take(kernelMessage('stream', thread, { msgId: nextId(), parentId: 'x', parentSession: 'theirs' }));
  // So many numbers beyond its own are no proof any more, and none is kept.
  expect(router.received.isWhole).toBe(false);
  expect(router.received.soFar()).toBeUndefined();
});

test('Router: messages of a kernel plugin belong to the execution under way, whoever opened the comm', async () => {
  const { router, queue } = createParts();
  const { execution, outputs } = createExecution();
  const comm = { parentType: 'comm_open', parentId: 'opening' };
  const says = (data: unknown, more = {}) =>
    router.take(kernelMessage('comm_msg', { comm_id: 'c', data }, { ...comm, ...more }));
  says('before');
  queue.addWritten(execution);
  says('not begun');
  router.take(kernelMessage('status', busy));
  says('ours');
  says('theirs', { parentSession: 'theirs' });
  router.take(kernelMessage('comm_close', { comm_id: 'c' }, comm));
  execution.finishAs('unknown');
  says('after');
  expect(await outputs()).toEqual([
    { kind: 'started' },
    { kind: 'comm', commId: 'c', data: 'ours' },
    { kind: 'comm', commId: 'c', data: 'theirs' },
  ]);
});

test('Router: an execution that an earlier process saw begin gets messages of plugins and threads', async () => {
  const { router, queue } = createParts();
  const { execution, outputs } = createExecution();
  execution.countBefore = 4;
  queue.addWritten(execution);
  const comm = { parentType: 'comm_open', parentId: 'opening' };
  router.take(kernelMessage('comm_msg', { comm_id: 'c', data: 'ours' }, comm));
  router.take(kernelMessage('stream', thread, { parentType: 'kernel_info_request', parentId: 'handshake' }));
  execution.finishAs('outputLost');
  expect(await outputs()).toEqual([
    { kind: 'comm', commId: 'c', data: 'ours' },
    { kind: 'stream', ...thread },
  ]);
});

test('Router: a comm that may not be opened has no target', async () => {
  const { router } = createParts({ mayWrite: () => false });
  expect(await router.openComm('SparkMonitor')).toBe(false);
});
