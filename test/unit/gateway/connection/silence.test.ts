import { expect, test } from 'vitest';
import { createSilenceWatch } from '../../../../src/gateway/connection/silence.ts';
import type { KernelModel } from '../../../../src/gateway/gateway.ts';
import { createExecution, createParts, kernelMessage } from '../../../support/gateway-parts.ts';

const toree = { implementation: 'Apache Toree Scala' };

function createWatch(state: string, more: Partial<KernelModel> = {}) {
  const model = state === '' ? undefined : { id: 'k', name: 'scala', executionState: state, ...more };
  const parts = createParts();
  Object.defineProperty(parts.socket, 'isOpen', { get: () => true });
  const find = () => Promise.resolve(model);
  const options = { ...parts.options, findKernel: find };
  const look = createSilenceWatch(options, parts.socket, parts.lifecycle, () => toree);
  const lone = createExecution({}, { allowStdin: true });
  lone.execution.markWritten();
  return { ...parts, ...lone, kernelEvents: parts.events, look: () => look(lone.execution, 300) };
}

test('silence: a busy kernel of ours runs it, and is quiet', async () => {
  const { look, execution, outputs } = createWatch('busy', { connections: 1 });
  await look();
  expect(execution.phase).toBe('running');
  execution.finishAs('unknown');
  const quiet = { kind: 'quiet', executionState: 'busy', quietMs: 300 };
  expect(await outputs()).toEqual([quiet, { kind: 'started' }]);
});

test('silence: a kernel that works for another client makes it wait', async () => {
  const { look, execution, lifecycle, outputs } = createWatch('busy', { connections: 2 });
  lifecycle.take('busyElsewhere', '');
  await look();
  expect(execution.phase).toBe('written');
  execution.finishAs('unknown');
  expect((await outputs()).map(({ kind }) => kind)).toEqual(['quiet', 'behindOthers']);
});

test('silence: idle has to be seen twice where the kernel answers out of order', async () => {
  const { look, execution } = createWatch('idle');
  await look();
  expect(execution.phase).toBe('written');
  await look();
  expect(await execution.end).toMatchObject({ kind: 'unknown' });
});

test('silence: a kernel that the gateway does not have is gone; one found starting has died', async () => {
  const gone = createWatch('');
  await gone.look();
  expect(gone.kernelEvents).toContainEqual({ kind: 'gone', detail: 'the gateway does not have it any more' });
  gone.execution.finishAs('kernelGone');

  const died = createWatch('starting');
  died.execution.take(kernelMessage('status', { execution_state: 'busy' }));
  await died.look();
  await died.look();
  expect(died.kernelEvents).toContainEqual({ kind: 'replaced', as: 'kernelDied', automatic: true });
  died.lifecycle.close();
  died.execution.finishAs('kernelDied');
});
