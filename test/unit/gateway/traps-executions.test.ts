import { expect, test } from 'vitest';
import { kindsOf, run, startConnectedRig, textOf, watch } from '../../support/gateway-client.ts';
import type { ScriptedKernel, ScriptMessage } from '../../support/scripted-gateway.ts';

/** Traps of protocol.md §5 about one execution: its reply and idle, its outputs, stops and input; numbers as there. */

const keyboardInterrupt = { status: 'error', ename: 'KeyboardInterrupt', evalue: '', traceback: [] };

function sent(kernel: ScriptedKernel, msgType = 'execute_request'): ScriptMessage[] {
  return kernel.received.filter((message) => message.header.msg_type === msgType);
}

test('a successful execution: started once and first, counted, its outputs in order', async () => {
  await using rig = await startConnectedRig();
  rig.kernel.onExecute = (request, kernel) => {
    kernel.begin(request, 7);
    kernel.stream(request, 'a');
    kernel.stream(request, 'b', 'stderr');
    kernel.send(
      'execute_result',
      { data: { 'text/plain': '5' }, metadata: {}, execution_count: 7 },
      { parent: request },
    );
    kernel.end(request, { execution_count: 7 });
  };
  const done = run(rig.connection, { code: ' 2+3\n' });
  expect(await done.end).toEqual({
    kind: 'ok',
    executionCount: 7,
    variablesLost: false,
    possibleGap: false,
    replyMissing: false,
    idleMissing: false,
    lingeredMs: expect.any(Number),
  });
  expect(done.outputs).toEqual([
    { kind: 'started' },
    { kind: 'counted', executionCount: 7 },
    { kind: 'stream', name: 'stdout', text: 'a' },
    { kind: 'stream', name: 'stderr', text: 'b' },
    { kind: 'result', data: { 'text/plain': '5' }, metadata: {} },
  ]);
  const [request] = sent(rig.kernel);
  expect(request).toMatchObject({
    channel: 'shell',
    parent_header: {},
    metadata: {},
    header: {
      msg_id: done.execution.msgId,
      session: rig.connection.sessionId,
      username: expect.any(String),
      version: '5.3',
    },
  });
  expect(request?.content).toEqual({
    code: ' 2+3\n',
    silent: false,
    store_history: true,
    user_expressions: {},
    allow_stdin: false,
    stop_on_error: false,
  });
});

test('trap 19: reply without idle and idle without reply both end after a grace, and say what is missing', async () => {
  await using rig = await startConnectedRig();
  const { kernel, connection } = rig;
  kernel.onExecute = (request) => {
    kernel.begin(request);
    kernel.reply(request);
  };
  expect(await run(connection).end).toMatchObject({ kind: 'ok', idleMissing: true, replyMissing: false });
  kernel.onExecute = (request) => {
    kernel.begin(request);
    kernel.send('error', { ename: 'E', evalue: 'v', traceback: [] }, { parent: request });
    kernel.status('idle', request);
  };
  expect(await run(connection).end).toMatchObject({ kind: 'raised', replyMissing: true, idleMissing: false });
  kernel.onExecute = (request) => {
    kernel.begin(request);
    kernel.status('idle', request);
  };
  expect(await run(connection).end).toMatchObject({
    kind: 'ok',
    replyMissing: true,
    detail: 'the kernel sent no reply, so it may not have run this',
  });
});

test('reply, idle and outputs may come in any order', async () => {
  await using rig = await startConnectedRig();
  const { kernel, connection } = rig;
  kernel.onExecute = (request) => {
    kernel.reply(request);
    kernel.status('busy', request);
    kernel.stream(request, 'late');
    kernel.status('idle', request);
  };
  const odd = run(connection);
  expect(await odd.end).toMatchObject({ kind: 'ok', replyMissing: false, idleMissing: false });
  expect(kindsOf(odd.outputs)).toEqual(['started', 'counted', 'stream']);
});

test('trap 20: code that the kernel refuses to run ends with its reply alone', async () => {
  await using rig = await startConnectedRig({ prepare: (kernel) => (kernel.implementation = 'IRkernel') });
  rig.kernel.onExecute = (request, kernel) => {
    kernel.send('execute_reply', { status: 'aborted' }, { parent: request, channel: 'shell' });
  };
  expect(await run(rig.connection).end).toMatchObject({ kind: 'aborted', idleMissing: true });
});

test('trap 23: aborted after another request’s error, with busy and idle as ipykernel sends them', async () => {
  await using rig = await startConnectedRig();
  rig.kernel.onExecute = (request, kernel) => {
    kernel.send('execute_reply', { status: 'aborted' }, { parent: request, channel: 'shell' });
    kernel.status('busy', request);
    kernel.status('idle', request);
  };
  const refused = run(rig.connection);
  expect(await refused.end).toMatchObject({ kind: 'aborted', variablesLost: false });
  expect(kindsOf(refused.outputs)).toEqual(['started']);
});

test('trap 23: a second execution waits in the client rather than the kernel, so that an error does not abort it', async () => {
  await using rig = await startConnectedRig();
  const { kernel, connection } = rig;
  const { promise: second, resolve } = Promise.withResolvers<number>();
  kernel.onExecute = (request) => {
    kernel.begin(request);
    kernel.onExecute = (next) => {
      resolve(sent(kernel).length);
      kernel.run(next);
    };
    kernel.send('error', { ename: 'E', evalue: '', traceback: [] }, { parent: request });
    kernel.end(request, { status: 'error', ename: 'E', evalue: '', traceback: [] });
  };
  const failing = run(connection);
  const behind = run(connection);
  expect(await failing.end).toMatchObject({ kind: 'raised' });
  expect(await second).toBe(2);
  expect(await behind.end).toMatchObject({ kind: 'ok' });
});

test('trap 21: IRkernel’s interrupt is the status abort, without any error', async () => {
  await using rig = await startConnectedRig({ prepare: (kernel) => (kernel.implementation = 'IRkernel') });
  rig.kernel.onExecute = (request, kernel) => {
    kernel.begin(request);
    kernel.send(
      'execute_reply',
      { status: 'abort', execution_count: 1 },
      { parent: request, channel: 'shell' },
    );
    kernel.status('idle', request);
  };
  const stopped = run(rig.connection);
  expect(await stopped.end).toMatchObject({ kind: 'interrupted' });
  expect(kindsOf(stopped.outputs)).not.toContain('error');
});

test('trap 21: an unknown status is a failure', async () => {
  await using rig = await startConnectedRig();
  rig.kernel.onExecute = (request, kernel) => {
    kernel.begin(request);
    kernel.send('execute_reply', { status: 'strange' }, { parent: request, channel: 'shell' });
    kernel.status('idle', request);
  };
  expect(await run(rig.connection).end).toMatchObject({ kind: 'raised', detail: 'reply status "strange"' });
});

test('trap 22: an input request despite allow_stdin false is answered with an empty line and reported', async () => {
  await using rig = await startConnectedRig();
  const { kernel, connection } = rig;
  kernel.onExecute = (request) => {
    kernel.begin(request);
    const asked = kernel.send(
      'input_request',
      { prompt: 'name? ', password: false },
      { parent: request, channel: 'stdin' },
    );
    void kernel.untilReceived('input_reply').then((answer) => {
      expect(answer.parent_header.msg_id).toBe(asked.header.msg_id);
      kernel.end(request);
      return undefined;
    });
  };
  const asking = run(connection);
  expect(await asking.end).toMatchObject({ kind: 'ok' });
  expect(await asking.until('inputRequest')).toMatchObject({
    prompt: 'name? ',
    password: false,
    refused: true,
  });
  expect(sent(kernel, 'input_reply').map((reply) => reply.content['value'])).toEqual(['']);
});

test('an input request that is allowed is answered by the caller, once', async () => {
  await using rig = await startConnectedRig();
  const { kernel, connection } = rig;
  kernel.onExecute = (request) => {
    kernel.begin(request);
    kernel.send('input_request', { prompt: 'pw: ', password: true }, { parent: request, channel: 'stdin' });
    void kernel.untilReceived('input_reply').then(() => {
      kernel.end(request);
      return undefined;
    });
  };
  const asking = run(connection, { allowStdin: true });
  const request = await asking.until('inputRequest');
  expect(request).toMatchObject({ password: true, refused: false });
  request.answer('secret');
  request.answer('again');
  await asking.end;
  expect(sent(kernel, 'input_reply').map((reply) => reply.content['value'])).toEqual(['secret']);
});

test('an input request from before a restart is output again, as are later ones', async () => {
  await using rig = await startConnectedRig();
  const { kernel, connection, gateway } = rig;
  const ask = (request: ScriptMessage, prompt: string) =>
    kernel.send('input_request', { prompt }, { parent: request, channel: 'stdin' });
  kernel.onExecute = (request) => {
    kernel.begin(request);
    ask(request, '1?');
    void kernel.untilReceived('input_reply').then(() => ask(request, '2?'));
    void kernel.untilReceived('input_reply', 2).then(() => {
      kernel.end(request);
      return undefined;
    });
  };
  const before = run(connection, { allowStdin: true });
  await before.until('inputRequest');
  await connection.close();
  const later = await gateway.connect(kernel.id, { sessionId: connection.sessionId });
  const asked = { id: 'a', prompt: '1?', password: true };
  const resumed = later.resume({ msgId: before.execution.msgId, allowStdin: true, inputRequest: asked });
  const questions: object[] = [];
  for await (const output of resumed) {
    if (output.kind !== 'inputRequest') continue;
    questions.push(output);
    output.answer(`to ${output.prompt}`);
    output.answer('again');
  }
  expect(await resumed.end).toMatchObject({ kind: 'ok' });
  expect(questions).toMatchObject([
    { ...asked, refused: false },
    { prompt: '2?', refused: false },
  ]);
  expect(sent(kernel, 'input_reply').map((reply) => reply.content['value'])).toEqual(['to 1?', 'to 2?']);
});

test('an input reply given while the socket is down is sent after the reconnect', async () => {
  await using rig = await startConnectedRig();
  const { kernel, connection } = rig;
  kernel.onExecute = (request) => {
    kernel.begin(request);
    kernel.send('input_request', { prompt: '' }, { parent: request, channel: 'stdin' });
    void kernel.untilReceived('input_reply').then(() => {
      kernel.end(request);
      return undefined;
    });
  };
  const asking = run(connection, { allowStdin: true });
  const request = await asking.until('inputRequest');
  kernel.drop();
  await asking.until('disconnected');
  request.answer('late');
  expect(await asking.end).toMatchObject({ kind: 'ok' });
});

test('trap 24: a stop while another client’s code runs interrupts nothing until ours has begun', async () => {
  await using rig = await startConnectedRig();
  const { kernel, connection } = rig;
  const foreign = {
    ...kernel.send('comm_msg', {}),
    header: {
      ...kernel.send('comm_msg', {}).header,
      msg_type: 'execute_request',
      msg_id: 'theirs',
      session: 'theirs',
    },
  };
  kernel.onExecute = () => kernel.status('busy', foreign);
  const stop = new AbortController();
  const waiting = run(connection, { signal: stop.signal });
  await waiting.until('behindOthers');
  stop.abort();
  // Nothing of ours runs that could be interrupted, so the stop has no effect yet.
  await waiting.until('stopIgnored');
  await untilQuiet(rig.gateway.findKernel(kernel.id));
  expect(kernel.interrupts).toBe(0);
  kernel.status('idle', foreign);
  const [request] = sent(kernel);
  if (request === undefined) throw new Error('nothing was sent');
  kernel.onInterrupt = () => {
    kernel.send('error', keyboardInterrupt, { parent: request });
    kernel.end(request, keyboardInterrupt);
  };
  kernel.begin(request);
  expect(await waiting.end).toMatchObject({ kind: 'interrupted', variablesLost: false });
  expect(kernel.interrupts).toBe(1);
});

test('a stop before the request was written: it is never written', async () => {
  await using rig = await startConnectedRig();
  const { kernel, connection } = rig;
  kernel.onExecute = (request) => kernel.begin(request);
  run(connection);
  const stop = new AbortController();
  const waiting = run(connection, { signal: stop.signal });
  stop.abort();
  expect(await waiting.end).toMatchObject({ kind: 'notSent', variablesLost: false });
  expect(await run(connection, { signal: stop.signal }).end).toMatchObject({ kind: 'notSent' });
  expect(kernel.interrupts).toBe(0);
});

test('trap 25: two stops in a row are two interrupts, kept apart', async () => {
  await using rig = await startConnectedRig({ timings: { interruptGapMs: 100 } });
  const { kernel, connection } = rig;
  const at: number[] = [];
  kernel.onExecute = (request) => {
    kernel.begin(request);
    kernel.onInterrupt = () => {
      at.push(performance.now());
      kernel.end(request, keyboardInterrupt);
    };
  };
  for (const _ of [1, 2]) {
    const stop = new AbortController();
    const running = run(connection, { signal: stop.signal });
    await running.until('started');
    stop.abort();
    expect(await running.end).toMatchObject({ kind: 'interrupted' });
  }
  const [first = 0, second = 0] = at;
  // Timers may fire a millisecond early by another clock.
  expect(second - first).toBeGreaterThanOrEqual(98);
});

test('trap 26: a stop without effect is reported, and the run goes on', async () => {
  await using rig = await startConnectedRig();
  const { kernel, connection } = rig;
  kernel.onExecute = (request) => kernel.begin(request);
  const stop = new AbortController();
  const running = run(connection, { signal: stop.signal });
  await running.until('started');
  stop.abort();
  await running.until('stopIgnored');
  const [request] = sent(kernel);
  if (request === undefined) throw new Error('nothing was sent');
  kernel.end(request);
  expect(await running.end).toMatchObject({ kind: 'ok' });
  // A third one would cut short what the code does about the second.
  expect(kernel.interrupts).toBeLessThanOrEqual(2);
});

test('a signal that the kernel misses is sent once more, after a delay', async () => {
  await using rig = await startConnectedRig({ timings: { interruptGapMs: 100, stopIgnoredMs: 60_000 } });
  const { kernel, connection } = rig;
  const at: number[] = [];
  kernel.onExecute = (request) => {
    kernel.begin(request);
    kernel.onInterrupt = () => {
      if (at.push(performance.now()) === 1) return;
      kernel.end(request, keyboardInterrupt);
    };
  };
  const stop = new AbortController();
  const running = run(connection, { signal: stop.signal });
  await running.until('started');
  stop.abort();
  expect(await running.end).toMatchObject({ kind: 'interrupted' });
  const [first = 0, second = 0] = at;
  expect(second - first).toBeGreaterThanOrEqual(98);
});

test('a second signal that fails does not withdraw “no effect yet”', async () => {
  await using rig = await startConnectedRig({ timings: { interruptGapMs: 20 } });
  const { kernel, connection, server } = rig;
  kernel.onExecute = (request) => kernel.begin(request);
  let signals = 0;
  server.answer = ({ path }) => {
    if (!path.endsWith('/interrupt')) return undefined;
    signals += 1;
    return signals === 1 ? undefined : { status: 401, body: { reason: 'Unauthorized', message: '' } };
  };
  const stop = new AbortController();
  const running = run(connection, { signal: stop.signal });
  await running.until('started');
  stop.abort();
  await running.until('outage');
  await running.until('stopIgnored');
});

test('a run whose first messages were lost counts as begun when its kernel is busy, and can be stopped', async () => {
  await using rig = await startConnectedRig();
  const { kernel, connection } = rig;
  kernel.onExecute = (request) => {
    kernel.executionState = 'busy';
    kernel.onInterrupt = () => {
      kernel.end(request, keyboardInterrupt);
    };
  };
  const stop = new AbortController();
  const running = run(connection, { signal: stop.signal });
  await running.until('started');
  stop.abort();
  expect(await running.end).toMatchObject({ kind: 'interrupted' });
  expect(kindsOf(running.outputs).filter((kind) => kind === 'started')).toHaveLength(1);
});

test.for<[number, string]>([
  [404, '<html>no route</html>'],
  [200, '<html>Welcome</html>'],
])('a front without the interrupt route gets the interrupt as a message: %d %o', async ([status, body]) => {
  await using rig = await startConnectedRig();
  const { kernel, connection, server } = rig;
  server.answer = (call) => (call.path.endsWith('/interrupt') ? { status, body } : undefined);
  kernel.onExecute = (request) => {
    kernel.begin(request);
    void kernel.untilReceived('interrupt_request').then((interrupt) => {
      expect(interrupt.channel).toBe('control');
      kernel.end(request, keyboardInterrupt);
      return undefined;
    });
  };
  const stop = new AbortController();
  const running = run(connection, { signal: stop.signal });
  await running.until('started');
  stop.abort();
  expect(await running.end).toMatchObject({ kind: 'interrupted' });
});

test('an interrupt that a proxy confirms by an empty 200 in place of a 204 is not sent again', async () => {
  await using rig = await startConnectedRig();
  const { kernel, connection, server } = rig;
  server.answer = (call) => {
    if (!call.path.endsWith('/interrupt')) return undefined;
    if (asked !== undefined) kernel.end(asked, keyboardInterrupt);
    return { status: 200, body: '' };
  };
  let asked: ScriptMessage | undefined;
  kernel.onExecute = (request) => {
    asked = request;
    kernel.begin(request);
  };
  const stop = new AbortController();
  const running = run(connection, { signal: stop.signal });
  await running.until('started');
  stop.abort();
  expect(await running.end).toMatchObject({ kind: 'interrupted' });
  expect(kernel.received.filter(({ header }) => header.msg_type === 'interrupt_request')).toEqual([]);
});

test('an error that our stop made is an interrupt, whatever the kernel calls it', async () => {
  await using rig = await startConnectedRig({
    prepare: (kernel) => (kernel.implementation = 'spark'),
  });
  const { kernel, connection } = rig;
  kernel.onExecute = (request) => {
    kernel.begin(request);
    kernel.onInterrupt = () => {
      kernel.end(request, {
        status: 'error',
        ename: 'java.lang.InterruptedException',
        evalue: 'sleep interrupted',
        traceback: [],
      });
    };
  };
  const stop = new AbortController();
  const running = run(connection, { signal: stop.signal });
  await running.until('started');
  stop.abort();
  expect(await running.end).toMatchObject({ kind: 'interrupted' });
  expect(await running.until('error')).toMatchObject({ name: 'java.lang.InterruptedException' });
});

test('traps 27, 28: dropped output is reported as a status; the gateway’s own text is not shown', async () => {
  await using rig = await startConnectedRig();
  rig.kernel.onExecute = (request, kernel) => {
    kernel.begin(request);
    const text =
      'IOPub data rate exceeded.\nThe Jupyter server will temporarily stop sending output\n(ServerApp.iopub_data_rate_limit)';
    kernel.send('stream', { name: 'stderr', text }, { parent: request, session: rig.connection.sessionId });
    kernel.end(request);
  };
  const limited = run(rig.connection);
  expect(await limited.end).toMatchObject({ kind: 'ok', possibleGap: true });
  expect(limited.outputs).toContainEqual({ kind: 'dropped', limit: 'data' });
  expect(textOf(limited.outputs, 'stderr')).toBe('');
});

test('trap 28: a program that prints the same words is shown', async () => {
  await using rig = await startConnectedRig();
  rig.kernel.onExecute = (request, kernel) => {
    kernel.begin(request);
    kernel.stream(request, 'IOPub data rate exceeded.', 'stderr');
    kernel.end(request);
  };
  const printing = run(rig.connection);
  expect(await printing.end).toMatchObject({ possibleGap: false });
  expect(textOf(printing.outputs, 'stderr')).toBe('IOPub data rate exceeded.');
});

test('trap 27: an error whose message was dropped is taken from the reply', async () => {
  await using rig = await startConnectedRig();
  rig.kernel.onExecute = (request, kernel) => {
    kernel.begin(request);
    kernel.end(request, {
      status: 'error',
      ename: 'ZeroDivisionError',
      evalue: 'division by zero',
      traceback: ['t'],
    });
  };
  const failing = run(rig.connection);
  expect(await failing.end).toMatchObject({ kind: 'raised' });
  expect(failing.outputs.at(-1)).toEqual({
    kind: 'error',
    name: 'ZeroDivisionError',
    value: 'division by zero',
    traceback: ['t'],
  });
});

test('trap 53: Toree’s error after idle belongs to the run, once', async () => {
  await using rig = await startConnectedRig({
    prepare: (kernel) => (kernel.implementation = 'spark'),
  });
  const error = { ename: 'Unknown Error', evalue: '<console>:25: error: type mismatch', traceback: [] };
  rig.kernel.onExecute = (request, kernel) => {
    kernel.begin(request);
    kernel.end(request, { status: 'error', ...error });
    setImmediate(() => kernel.send('error', error, { parent: request }));
  };
  const failing = run(rig.connection);
  expect(await failing.end).toMatchObject({ kind: 'raised' });
  expect(failing.outputs.filter((output) => output.kind === 'error')).toEqual([
    { kind: 'error', name: 'Unknown Error', value: error.evalue, traceback: [] },
  ]);
});

test('trap 53: an error that comes too late is not output twice', async () => {
  await using rig = await startConnectedRig();
  const { kernel, connection } = rig;
  const error = { ename: 'E', evalue: 'v', traceback: [] };
  kernel.onExecute = (request) => {
    kernel.begin(request);
    kernel.end(request, { status: 'error', ...error });
  };
  const failing = run(connection);
  await failing.end;
  const [request] = sent(kernel);
  if (request === undefined) throw new Error('nothing was sent');
  kernel.send('error', error, { parent: request });
  kernel.stream(request, 'after');
  await rig.untilEvent('lateOutput');
  expect(rig.events).toMatchObject([{ kind: 'lateOutput', output: { kind: 'stream' } }]);
});

test('trap 38: a thread’s output after the end is late output, not part of the next run', async () => {
  await using rig = await startConnectedRig();
  const { kernel, connection } = rig;
  const first = run(connection);
  await first.end;
  const [request] = sent(kernel);
  if (request === undefined) throw new Error('nothing was sent');
  kernel.onExecute = (next) => {
    kernel.begin(next);
    kernel.stream(request, 'from the thread');
    kernel.stream(next, 'mine');
    kernel.end(next);
  };
  const second = run(connection);
  await second.end;
  expect(textOf(second.outputs)).toBe('mine');
  expect(rig.events).toEqual([
    {
      kind: 'lateOutput',
      msgId: first.execution.msgId,
      output: { kind: 'stream', name: 'stdout', text: 'from the thread' },
    },
  ]);
});

test('traps 39, 40: messages of other clients, or of the gateway with our session, are ignored', async () => {
  await using rig = await startConnectedRig();
  const { kernel, connection } = rig;
  kernel.onExecute = (request) => {
    const theirs = { ...request, header: { ...request.header, msg_id: 'theirs', session: 'theirs' } };
    const nudge = {
      ...request,
      header: { ...request.header, msg_id: 'nudge', msg_type: 'kernel_info_request' },
    };
    kernel.begin(request);
    kernel.stream(theirs, 'foreign');
    kernel.send('execute_reply', { status: 'error', ename: 'E' }, { parent: theirs, channel: 'shell' });
    kernel.status('idle', nudge);
    kernel.status('idle', theirs);
    kernel.send('stream', { name: 'stderr', text: 'Debugger warning' });
    kernel.stream(request, 'mine');
    kernel.end(request);
  };
  const ours = run(connection);
  expect(await ours.end).toMatchObject({ kind: 'ok', replyMissing: false, idleMissing: false });
  expect(textOf(ours.outputs)).toBe('mine');
  expect(textOf(ours.outputs, 'stderr')).toBe('');
  expect(rig.events).toEqual([]);
});

test('trap 31: a swallowed request does not hang: the kernel’s next answer proves it', async () => {
  await using rig = await startConnectedRig();
  rig.kernel.onExecute = (_request, kernel) => {
    kernel.executionState = 'idle';
  };
  expect(await run(rig.connection).end).toMatchObject({
    kind: 'unknown',
    replyMissing: true,
    idleMissing: true,
  });
});

test('a kernel that answers out of order is asked by an empty execution, even if it looks idle', async () => {
  await using rig = await startConnectedRig({
    prepare: (kernel) => (kernel.implementation = 'spark'),
  });
  rig.kernel.onExecute = (request, kernel) => {
    kernel.begin(request);
    kernel.executionState = 'idle';
  };
  expect(await run(rig.connection).end).toMatchObject({ kind: 'outputLost' });
});

test('a long silence of a busy kernel is reported as quiet only', async () => {
  await using rig = await startConnectedRig();
  const { kernel, connection } = rig;
  kernel.onExecute = (request) => kernel.begin(request);
  const running = run(connection);
  const quiet = await running.until('quiet');
  expect(quiet.quietMs).toBeGreaterThanOrEqual(150);
  const [request] = sent(kernel);
  if (request === undefined) throw new Error('nothing was sent');
  kernel.end(request);
  expect(await running.end).toMatchObject({ kind: 'ok' });
});

test('trap 29: code longer than servers accept is refused before it is written', async () => {
  await using rig = await startConnectedRig();
  const long = run(rig.connection, { code: 'x'.repeat(11 * 2 ** 20) });
  expect(await long.end).toMatchObject({ kind: 'notSent', detail: expect.stringContaining('10 MiB') });
  expect(await run(rig.connection).end).toMatchObject({ kind: 'ok' });
});

test('a frame that is not a message is the only thing lost', async () => {
  await using rig = await startConnectedRig();
  rig.kernel.onExecute = (request, kernel) => {
    kernel.begin(request);
    for (const frame of [
      '',
      'null',
      '[]',
      '{"header":5}',
      '{"header":{}}',
      Buffer.from([0, 0, 0, 9, 1]),
      Buffer.alloc(40, 255),
    ]) {
      kernel.sendRaw(frame);
    }
    kernel.send('unheard_of', { a: 1 }, { parent: request });
    kernel.end(request);
  };
  expect(await run(rig.connection).end).toMatchObject({ kind: 'ok' });
});

test('a reader that leaves early does not hold the execution up', async () => {
  await using rig = await startConnectedRig();
  const { kernel, connection } = rig;
  kernel.onExecute = (request) => {
    kernel.begin(request);
    for (let n = 0; n < 50; n += 1) kernel.stream(request, 'x'.repeat(100_000));
    kernel.end(request);
  };
  const execution = connection.execute({ msgId: crypto.randomUUID(), code: '', allowStdin: false });
  for await (const output of execution) if (output.kind === 'stream') break;
  expect(await execution.end).toMatchObject({ kind: 'ok' });
  expect(
    await watch(connection.execute({ msgId: crypto.randomUUID(), code: '', allowStdin: false })).end,
  ).toMatchObject({ kind: 'ok' });
});

/** Waits for an exchange with the server that was asked for after everything before it. */
async function untilQuiet(answered: Promise<unknown>): Promise<void> {
  await answered;
}

test('a thread’s output with our handshake as its parent is late output of the last run', async () => {
  await using rig = await startConnectedRig();
  const { kernel, connection } = rig;
  const first = run(connection);
  await first.end;
  const back = rig.untilEvent('reconnected');
  kernel.drop();
  await back;
  const late = rig.untilEvent('lateOutput');
  kernel.stream(await kernel.untilReceived('kernel_info_request', 2), 'from the thread');
  expect(await late).toMatchObject({
    msgId: first.execution.msgId,
    output: { kind: 'stream', name: 'stdout', text: 'from the thread' },
  });
});

test('it is output of the running execution if its end was lost with the connection', async () => {
  await using rig = await startConnectedRig();
  const { kernel, connection } = rig;
  await run(connection).end;
  kernel.onExecute = (request) => kernel.begin(request, 2);
  const running = run(connection);
  await running.until('counted');
  kernel.drop();
  await running.until('reconnected');
  const handshake = await kernel.untilReceived('kernel_info_request', 2);
  kernel.stream(handshake, 'from a thread');
  expect(await running.until('stream')).toMatchObject({ text: 'from a thread' });
  kernel.executionState = 'idle';
  expect(await running.end).toMatchObject({ kind: 'outputLost', possibleGap: true });
});
