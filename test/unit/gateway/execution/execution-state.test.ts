import { expect, test } from 'vitest';
import {
  endsInMs,
  type ExecutionState,
  FRESH_EXECUTION,
  settle,
  takeMessage,
} from '../../../../src/gateway/execution/execution-state.ts';

function ended(status: string, state: Partial<ExecutionState>): string {
  const reply = { status, executionCount: undefined, error: undefined, asksExit: false, outputs: [] };
  return settle({ ...FRESH_EXECUTION, started: true, idle: true, reply, ...state }, true).end.kind;
}

test.each([
  ['abort', { ran: true }, 'interrupted'],
  // Resumed after a crash: an earlier process received the busy status.
  ['abort', { stopped: true }, 'interrupted'],
  ['abort', {}, 'aborted'],
  ['aborted', { ran: true, stopped: true }, 'interrupted'],
  ['aborted', { ran: true }, 'aborted'],
  ['aborted', { stopped: true }, 'aborted'],
])('a reply %s of an execution %j is %s', (status, state, kind) => {
  expect(ended(status, state)).toBe(kind);
});

const waits = {
  lingerMs: 1,
  goodbyeMs: 4,
  errorLingerMs: 2,
  graceMs: 3,
  idleGraceMs: 4,
};

test('a reply overtakes output by more than an idle overtakes the reply: the graces differ', () => {
  const reply = { status: 'ok', executionCount: 1, error: undefined, asksExit: false, outputs: [] };
  const begun = { ...FRESH_EXECUTION, started: true, ran: true };
  expect(endsInMs({ ...begun, reply }, waits, false, false)).toBe(4);
  expect(endsInMs({ ...begun, idle: true }, waits, false, false)).toBe(3);
  expect(endsInMs({ ...begun, reply }, waits, false, true)).toBe(3);
  expect(endsInMs({ ...begun, reply, idle: true }, waits, false, false)).toBe(0);
  expect(endsInMs({ ...begun, reply, idle: true }, waits, true, false)).toBe(1);
});

test('no error message is waited for if the kernel has printed the error', () => {
  const error = { name: 'UsageError', value: 'Line magic function `%no` not found.', traceback: [] };
  const reply = { status: 'error', executionCount: 1, error, asksExit: false, outputs: [] };
  const over = { ...FRESH_EXECUTION, started: true, ran: true, reply, idle: true };
  const printed = `UsageError: ${error.value}\n`;
  const message = {
    channel: 'iopub',
    type: 'stream',
    msgId: 'm',
    session: 'kernel',
    header: {},
    parentId: 'e',
    parentType: 'execute_request',
    parentSession: 'ours',
    content: { name: 'stderr', text: printed },
    bytes: 0,
  };
  expect(endsInMs(over, waits, false, false)).toBe(2);
  expect(endsInMs(takeMessage(over, message, 'ours').state, waits, false, false)).toBe(0);
});
