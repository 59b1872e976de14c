import { expect, test } from 'vitest';
import { isIpykernel } from '../../../../src/gateway/gateway.ts';
import {
  sendsLateOutput,
  isOfOtherProcess,
  readExecuteReply,
  readKernelInfo,
  readOutput,
} from '../../../../src/gateway/protocol/messages.ts';
import type { KernelMessage } from '../../../../src/gateway/protocol/wire.ts';

const message = (type: string, content: object): KernelMessage => ({
  channel: 'iopub',
  type,
  msgId: 'm',
  session: 's',
  header: {},
  parentId: 'p',
  parentType: 'execute_request',
  parentSession: 's',
  content: { ...content },
  bytes: 0,
});

test('trap 45: arrays of lines are joined; JSON is left unchanged', () => {
  const data = {
    'text/plain': ['a\n', 'b'],
    'text/html': '<b>',
    'application/json': ['x', 'y'],
    'application/vnd.vega.v5+json': { mark: 'bar' },
    'image/png': ['iVBO\n', 'Rw0K'],
    'x/odd': [1, 'two'],
  };
  expect(readOutput(message('display_data', { data, metadata: { 'image/png': { width: 3 } } }))).toEqual({
    kind: 'display',
    data: {
      'text/plain': 'a\nb',
      'text/html': '<b>',
      'application/json': ['x', 'y'],
      'application/vnd.vega.v5+json': { mark: 'bar' },
      'image/png': 'iVBO\nRw0K',
      'x/odd': [1, 'two'],
    },
    metadata: { 'image/png': { width: 3 } },
  });
  expect(readOutput(message('stream', { name: 'stdout', text: ['a', 'b'] }))).toMatchObject({ text: 'ab' });
});

test('display ids, updates and clears', () => {
  const transient = { display_id: 'd1' };
  expect(readOutput(message('execute_result', { data: {}, transient }))).toMatchObject({
    kind: 'result',
    displayId: 'd1',
  });
  expect(readOutput(message('update_display_data', { data: {}, transient }))).toMatchObject({
    kind: 'updateDisplay',
  });
  expect(readOutput(message('update_display_data', { data: {} }))).toBeUndefined();
  expect(readOutput(message('clear_output', { wait: true }))).toEqual({ kind: 'clear', wait: true });
  expect(readOutput(message('clear_output', {}))).toEqual({ kind: 'clear', wait: false });
});

test('a comm message of code in the kernel', () => {
  expect(readOutput(message('comm_msg', { comm_id: 'c1', data: [1] }))).toEqual({
    kind: 'comm',
    commId: 'c1',
    data: [1],
  });
});

test('a comm or widget with too long an id is ignored', () => {
  const sent = {
    comm_id: 'c'.repeat(10_000),
    target_name: 'jupyter.widget',
    data: { state: { value: 'x' } },
  };
  for (const type of ['comm_open', 'comm_msg', 'comm_close'])
    expect(readOutput(message(type, sent))).toBeUndefined();
});

test('a kernel without comms sends a display instead; other displays stay displays', () => {
  const shown = (said: unknown) =>
    readOutput(message('display_data', { data: { 'application/vnd.sparkthread.comm+json': said } }));
  expect(shown('{"comm_id":"c1","data":[1]}')).toEqual({ kind: 'comm', commId: 'c1', data: [1] });
  for (const other of [{ comm_id: 'c1' }, '{}', '[]', '{', `{"comm_id":"${'c'.repeat(10_000)}"}`])
    expect(shown(other)).toMatchObject({ kind: 'display' });
});

test('messages that are not output', () => {
  for (const type of [
    'status',
    'comm_open',
    'comm_msg',
    'debug_event',
    'iopub_welcome',
    'shutdown_reply',
    'execute_input',
    'new',
  ]) {
    expect(readOutput(message(type, { data: {} }))).toBeUndefined();
  }
});

test('contents with missing fields or wrong types', () => {
  expect(readOutput(message('stream', {}))).toEqual({ kind: 'stream', name: 'stdout', text: '' });
  expect(readOutput(message('display_data', { data: 'x', metadata: 1, transient: [] }))).toEqual({
    kind: 'display',
    data: {},
    metadata: {},
  });
  expect(readOutput(message('error', { traceback: 'no array' }))).toEqual({
    kind: 'error',
    name: '',
    value: '',
    traceback: [],
  });
  expect(readExecuteReply({})).toEqual({
    status: '',
    executionCount: undefined,
    error: undefined,
    asksExit: false,
    outputs: [],
  });
  expect(readKernelInfo({ protocol_version: '5.0' })).toEqual({ implementation: '', version: '' });
});

test('a reply’s pager texts and next inputs; almond’s data is not shown twice', () => {
  const payload = [
    { source: 'page', data: { 'text/plain': ['Docstring', ''] }, start: 0 },
    { source: 'set_next_input', text: 'x = 1', replace: true },
    { source: 'page' },
    { source: 'edit_magic' },
    'odd',
  ];
  const reply = readExecuteReply({
    status: 'ok',
    execution_count: 3,
    payload,
    data: { 'text/plain': 'again' },
  });
  expect(reply.outputs).toEqual([
    { kind: 'page', data: { 'text/plain': 'Docstring' } },
    { kind: 'nextInput', text: 'x = 1' },
  ]);
  expect(reply.executionCount).toBe(3);
});

/** Toree says `spark`. */
const kernel = (implementation: string) => readKernelInfo({ implementation });

test('which kernels send late output, and which are proven by a kernel_info_reply', () => {
  // IRkernel's idle is behind all that it says.
  expect(['ipython', 'IRkernel', 'spark', ''].map((name) => sendsLateOutput(kernel(name)))).toEqual([
    false,
    false,
    true,
    false,
  ]);
  expect(['ipython', 'IRkernel', 'spark', ''].map((name) => isIpykernel(kernel(name)))).toEqual([
    true,
    false,
    false,
    false,
  ]);
});

test('the count of a silent execution reveals a process that cannot have run the last one', () => {
  const of = (name: string, replied: number | undefined, known: number) =>
    isOfOtherProcess(kernel(name), replied, known);
  // IRkernel names the next count, Toree counts the silent one.
  for (const name of ['IRkernel', 'spark'])
    expect([of(name, 1, 1), of(name, 2, 1), of(name, 3, 5)], name).toEqual([true, false, true]);
  expect([of('xpython', 1, 1), of('xpython', 0, 1)]).toEqual([false, true]);
  expect(of('IRkernel', undefined, 7)).toBe(false);
});
