import { expect, test, vi } from 'vitest';
import { quickTimings } from '../../../support/gateway-client.ts';
import { createExecution, kernelMessage } from '../../../support/gateway-parts.ts';

const busy = { execution_state: 'busy' };
const idle = { execution_state: 'idle' };
const ok = { status: 'ok', execution_count: 3 };

test('RunningExecution: waiting, written, running, ended', async () => {
  const { execution, events, outputs } = createExecution();
  const phases: string[] = [execution.phase];
  execution.markWritten();
  phases.push(execution.phase);
  execution.take(kernelMessage('status', busy));
  phases.push(execution.phase);
  execution.take(kernelMessage('execute_reply', ok));
  execution.take(kernelMessage('status', idle));
  phases.push(execution.phase);
  expect(phases).toEqual(['waiting', 'written', 'running', 'ended']);
  expect(await execution.end).toMatchObject({ kind: 'ok', executionCount: 3, possibleGap: false });
  expect(await outputs()).toEqual([{ kind: 'started' }, { kind: 'counted', executionCount: 3 }]);
  expect(events).toEqual([{ kind: 'ended', as: 'ok', hasError: false }]);
});

test('RunningExecution: a message that this process reads right after its wait was over still counts', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  try {
    const { execution } = createExecution();
    execution.markWritten();
    execution.take(kernelMessage('status', busy));
    execution.take(kernelMessage('status', idle));
    // As after a standstill: the timers come before what has arrived is read.
    vi.advanceTimersByTime(quickTimings.graceMs);
    execution.take(kernelMessage('execute_reply', ok));
    expect(await execution.end).toMatchObject({ kind: 'ok', replyMissing: false });
  } finally {
    vi.useRealTimers();
  }
});

test('RunningExecution: waiting in vain for an error does not count as its own time', async () => {
  vi.useFakeTimers({ toFake: ['performance', 'setTimeout', 'clearTimeout'] });
  try {
    const { execution } = createExecution();
    execution.markWritten();
    execution.take(kernelMessage('status', busy));
    execution.take(
      kernelMessage('execute_reply', { status: 'error', ename: 'E', evalue: '', traceback: ['E'] }),
    );
    execution.take(kernelMessage('status', idle));
    vi.advanceTimersByTime(quickTimings.errorLingerMs);
    expect(await execution.end).toMatchObject({ kind: 'raised', lingeredMs: quickTimings.errorLingerMs });
  } finally {
    vi.useRealTimers();
  }
});

test('RunningExecution: while its kernel is shutting down, a reply does not end it', () => {
  let mayEnd = false;
  const { execution } = createExecution({ mayEnd: () => mayEnd });
  execution.markWritten();
  for (const message of [
    kernelMessage('status', busy),
    kernelMessage('execute_reply', ok),
    kernelMessage('status', idle),
  ])
    execution.take(message);
  expect(execution.phase).toBe('running');
  mayEnd = true;
  execution.planEnd();
  expect(execution.phase).toBe('ended');
});

test('RunningExecution: found running, it has started, once', async () => {
  const { execution, outputs } = createExecution();
  execution.markWritten();
  execution.markRunning();
  execution.take(kernelMessage('status', busy));
  execution.finishAs('unknown');
  expect(await outputs()).toEqual([{ kind: 'started' }]);
});

test('RunningExecution: left on a closed connection, it has a checkpoint and no end', async () => {
  const { execution, outputs } = createExecution();
  execution.markWritten();
  execution.take(kernelMessage('error', { ename: 'E', evalue: '', traceback: [] }));
  execution.leave();
  execution.finishAs('kernelGone');
  expect(execution.phase).toBe('left');
  expect(execution.checkpoint).toEqual({
    isWritten: true,
    received: undefined,
    errorName: 'E',
    possibleGap: false,
  });
  expect((await outputs()).map(({ kind }) => kind)).toEqual(['started', 'error']);
});

test('RunningExecution: how far it is can be stored where numbers prove it, once its reader has read all', async () => {
  const received = { prefix: '8f1c_1_', first: 1, last: 3, seen: 3, beyond: [] };
  const { execution } = createExecution({ received: { isWhole: true, soFar: () => received } });
  const reader = execution[Symbol.asyncIterator]();
  execution.markWritten();
  expect(execution.soFar()).toBeUndefined();
  execution.take(kernelMessage('status', busy));
  expect(execution.soFar()).toBeUndefined();
  expect((await reader.next()).value).toEqual({ kind: 'started' });
  void reader.next();
  expect(execution.soFar()).toEqual({
    isInterim: true,
    isWritten: true,
    received,
    errorName: undefined,
    possibleGap: false,
  });
  execution.finishAs('kernelGone');
  expect(execution.soFar()).toBeUndefined();
});

test('RunningExecution: a gap counts until the message numbers prove that nothing is missing', async () => {
  for (const isWhole of [false, true]) {
    const { execution } = createExecution({ received: { isWhole, soFar: () => undefined } });
    execution.markWritten();
    execution.take(kernelMessage('status', busy));
    execution.notifyDisconnected();
    execution.notifyReconnected(1);
    execution.take(kernelMessage('execute_reply', ok));
    execution.take(kernelMessage('status', idle));
    expect(await execution.end).toMatchObject({ kind: 'ok', possibleGap: !isWhole });
  }
});

test('RunningExecution: a break before its first message has lost nothing of it', async () => {
  const { execution } = createExecution();
  execution.markWritten();
  execution.notifyDisconnected();
  execution.notifyReconnected(1);
  for (const [type, content] of [
    ['status', busy],
    ['execute_reply', ok],
    ['status', idle],
  ] as const)
    execution.take(kernelMessage(type, content));
  expect(await execution.end).toMatchObject({ kind: 'ok', possibleGap: false });
});

test('RunningExecution: a fork of the kernel’s process has output, but ends nothing', async () => {
  const { execution, outputs } = createExecution();
  execution.markWritten();
  const by = (pid: number, type: string, content: object, n: number) =>
    execution.take(kernelMessage(type, { ...content }, { msgId: `aa-bb_${pid}_${n}` }));
  by(10, 'status', busy, 1);
  by(11, 'stream', { name: 'stdout', text: 'child' }, 2);
  by(11, 'execute_reply', ok, 3);
  by(11, 'status', idle, 4);
  expect(execution.isOver).toBe(false);
  expect(execution.state).toMatchObject({ idle: false, reply: undefined });
  by(10, 'stream', { name: 'stdout', text: 'parent' }, 2);
  by(10, 'execute_reply', ok, 3);
  by(10, 'status', idle, 4);
  expect(await execution.end).toMatchObject({ kind: 'ok' });
  const said = (await outputs()).map((output) => ('text' in output ? output.text : output.kind));
  expect(said).toEqual(['started', 'child', 'parent', 'counted'].filter((kind) => said.includes(kind)));
});

test('RunningExecution: a stop before it is written gives it up, and later interrupts', () => {
  const before = new AbortController();
  const waiting = createExecution({}, { signal: before.signal });
  before.abort();
  expect(waiting.events).toEqual([{ kind: 'givenUp' }]);
  waiting.execution.finishAs('notSent');

  const after = new AbortController();
  const running = createExecution({}, { signal: after.signal });
  running.execution.markWritten();
  after.abort();
  expect(running.interrupts).toHaveLength(0);
  running.execution.take(kernelMessage('status', busy));
  expect(running.interrupts).toHaveLength(1);
  running.execution.finishAs('interrupted');
  expect(running.interrupts[0]?.isWanted()).toBe(false);
});
