import { expect, test } from 'vitest';
import type { Execution, ExecutionCheckpoint, KernelOutput } from '../../../src/gateway/outputs.ts';
import {
  type ConnectedRig,
  kindsOf,
  run,
  runBegun,
  startConnectedRig,
  startRig,
  textOf,
  watch,
  withoutLooks,
} from '../../support/gateway-client.ts';
import type { CannedAnswer, ScriptMessage } from '../../support/scripted-gateway.ts';

/** Traps of protocol.md §5 about websockets that drop, stall, are taken away or refuse; numbers as there. */

test('trap 16: messages from while the socket was down belong to the same run; ipykernel’s numbers prove it complete', async () => {
  await using rig = await startConnectedRig();
  const { kernel, connection } = rig;
  const running = await runBegun(rig, 'a');
  kernel.drop();
  kernel.stream(kernel.lastRequest, 'b');
  kernel.stream(kernel.lastRequest, 'c');
  await kernel.untilConnected();
  kernel.end();
  expect(await running.end).toMatchObject({ kind: 'ok', possibleGap: false });
  expect(textOf(running.outputs)).toBe('abc');
  expect(kindsOf(running.outputs)).toEqual(expect.arrayContaining(['disconnected', 'reconnected']));
  expect(rig.events.map((event) => event.kind)).toEqual(['disconnected', 'reconnected']);
  const sessions = rig.server.calls
    .filter((call) => call.isUpgrade)
    .map((call) => call.query.get('session_id'));
  expect(new Set(sessions)).toEqual(new Set([connection.sessionId]));
});

test('an idle that may be lost with the socket is waited for less long than one in a busy gateway', async () => {
  await using rig = await startConnectedRig({ timings: { idleGraceMs: 600_000 } });
  const { kernel, connection } = rig;
  kernel.onExecute = (request) => {
    kernel.begin(request);
    kernel.reply(request);
    kernel.stream(request, 'a');
  };
  const running = run(connection);
  await running.until('stream');
  kernel.drop();
  await kernel.untilConnected();
  expect(await running.end).toMatchObject({ kind: 'ok', replyMissing: false, idleMissing: true });
});

test('traps 14, 15: lost messages set a flag on the end', async () => {
  await using rig = await startConnectedRig();
  const { kernel } = rig;
  const running = await runBegun(rig, 'a');
  kernel.buffers = false;
  kernel.drop();
  kernel.stream(kernel.lastRequest, 'lost');
  await kernel.untilConnected();
  kernel.end();
  expect(await running.end).toMatchObject({ kind: 'ok', possibleGap: true });
  expect(textOf(running.outputs)).toBe('a');
});

test('traps 14, 15: a kernel without numbers cannot prove it, so the flag stays', async () => {
  await using rig = await startConnectedRig();
  const { kernel } = rig;
  kernel.nextId = () => crypto.randomUUID();
  const running = await runBegun(rig);
  kernel.drop();
  await kernel.untilConnected();
  kernel.end();
  expect(await running.end).toMatchObject({ kind: 'ok', possibleGap: true });
});

test('trap 50: a request is never written twice, however often the socket drops', async () => {
  await using rig = await startConnectedRig();
  const { kernel } = rig;
  const running = await runBegun(rig);
  for (let times = 0; times < 4; times += 1) {
    kernel.drop();
    await kernel.untilConnected();
  }
  kernel.end();
  expect(await running.end).toMatchObject({ kind: 'ok' });
  expect(kernel.received.filter((message) => message.header.msg_type === 'execute_request')).toHaveLength(1);
});

test('a message that a replay brings again is shown once', async () => {
  await using rig = await startConnectedRig();
  const { kernel, connection } = rig;
  kernel.onExecute = (request) => {
    kernel.begin(request);
    const { msg_id: msgId } = kernel.send(
      'stream',
      { name: 'stdout', text: 'once' },
      { parent: request },
    ).header;
    kernel.send('stream', { name: 'stdout', text: 'once' }, { parent: request, msgId });
    kernel.end(request);
  };
  const running = run(connection);
  await running.end;
  expect(textOf(running.outputs)).toBe('once');
});

test('a reply that was lost with the socket: the kernel is idle and proves that nothing comes', async () => {
  await using rig = await startConnectedRig();
  const { kernel } = rig;
  const running = await runBegun(rig);
  kernel.buffers = false;
  kernel.drop();
  kernel.end();
  expect(await running.end).toMatchObject({ kind: 'outputLost', possibleGap: true, replyMissing: true });
});

test('a reply that was lost although the later idle came: the result is not known', async () => {
  await using rig = await startConnectedRig();
  const { kernel, connection } = rig;
  kernel.onExecute = (request) => kernel.begin(request);
  const running = run(connection);
  await running.until('counted');
  kernel.buffers = false;
  kernel.drop();
  kernel.reply(kernel.lastRequest, {
    status: 'error',
    ename: 'ZeroDivisionError',
    evalue: 'division by zero',
  });
  await running.until('reconnected');
  kernel.status('idle', kernel.lastRequest);
  expect(await running.end).toMatchObject({ kind: 'outputLost', possibleGap: true, replyMissing: true });
});

test('a request that was written into a dying socket: whether it ran is not known', async () => {
  await using rig = await startConnectedRig();
  const { kernel, connection } = rig;
  kernel.onExecute = () => {
    kernel.buffers = false;
    kernel.executionState = 'idle';
    kernel.drop();
  };
  expect(await run(connection).end).toMatchObject({ kind: 'unknown', replyMissing: true });
});

test('a run that waited for the socket is written after the reconnect', async () => {
  await using rig = await startConnectedRig();
  const { kernel, connection } = rig;
  const lost = rig.untilEvent('disconnected');
  kernel.drop();
  await lost;
  expect(await run(connection).end).toMatchObject({ kind: 'ok', possibleGap: false });
});

test.for([1000, 1001, 1005, 1011, 1012, 4000])(
  'trap 13: closed by the server with %d: re-opened',
  async (code) => {
    await using rig = await startConnectedRig();
    const { kernel } = rig;
    const running = await runBegun(rig);
    kernel.hangUp(code);
    await running.until('reconnected');
    kernel.end();
    expect(await running.end).toMatchObject({ kind: 'ok' });
  },
);

test('trap 13: another owner of the session evicts us: our reconnects become rarer', async () => {
  await using rig = await startConnectedRig({ timings: { reopenMs: 4, reopenMaxMs: 1_000 } });
  const { kernel } = rig;
  const running = await runBegun(rig);
  const at: number[] = [];
  for (let times = 0; times < 8; times += 1) {
    kernel.hangUp(1005);
    const lost = performance.now();
    await kernel.untilConnected();
    at.push(performance.now() - lost);
  }
  kernel.end();
  await running.end;
  // 4 ms, doubled each time to 512 ms, of which half at least is waited. A machine at work only lengthens a wait.
  const least = at.map((_, times) => 2 * 2 ** times * 0.9);
  for (const [times, waited] of at.entries()) expect(waited).toBeGreaterThanOrEqual(least[times] ?? Infinity);
  expect(Math.min(...at.slice(0, 3))).toBeLessThan((at.at(-1) ?? 0) / 2);
});

test('trap 37: a half-open socket is found by its unanswered pings, in flight', async () => {
  await using rig = await startConnectedRig({ timings: { busyPingMs: 40 } });
  const { kernel } = rig;
  const running = await runBegun(rig);
  for (const socket of kernel.sockets.keys()) socket.pause();
  const stalled = [...kernel.sockets.keys()];
  await running.until('disconnected');
  await running.until('reconnected');
  kernel.end();
  expect(await running.end).toMatchObject({ kind: 'ok' });
  for (const socket of stalled) socket.terminate();
});

test('trap 36: pings are sent while nothing runs, so that no proxy takes the socket for idle', async () => {
  await using rig = await startRig({ timings: { idlePingMs: 30 } });
  const kernel = rig.server.addKernel();
  await rig.gateway.connect(kernel.id, { sessionId: 's' });
  const [socket] = kernel.sockets.keys();
  for (let pings = 0; pings < 3; pings += 1) await new Promise((resolve) => socket?.once('ping', resolve));
  expect(kernel.sockets.size).toBe(1);
});

test('traps 4, 6: no subprotocol is offered, and what we send is text', async () => {
  await using rig = await startConnectedRig();
  const [upgrade] = rig.server.calls.filter((call) => call.isUpgrade);
  expect(upgrade?.headers['sec-websocket-protocol']).toBeUndefined();
  expect(upgrade?.headers.origin).toBeUndefined();
  const [socket] = rig.kernel.sockets.keys();
  const isBinary = new Promise((resolve) => socket?.once('message', (_data, binary) => resolve(binary)));
  const done = run(rig.connection);
  expect(await isBinary).toBe(false);
  await done.end;
});

test('trap 5: a message over the limit is reported, the rest of the run arrives, and nothing loops', async () => {
  await using rig = await startConnectedRig({ settings: { maxMessageBytes: 10_000 } });
  const { kernel, connection } = rig;
  kernel.onExecute = (request) => {
    kernel.begin(request);
    kernel.stream(request, 'x'.repeat(20_000));
  };
  const running = run(connection);
  await running.until('tooBig');
  await running.until('reconnected');
  kernel.stream(kernel.lastRequest, 'after');
  kernel.end();
  expect(await running.end).toMatchObject({ kind: 'ok', possibleGap: true });
  expect(textOf(running.outputs)).toBe('after');
  expect(kindsOf(running.outputs).filter((kind) => kind === 'tooBig')).toHaveLength(1);
  kernel.onExecute = (request) => kernel.run(request);
  expect(await run(connection).end).toMatchObject({ kind: 'ok', possibleGap: false });
  expect(rig.server.calls.filter((call) => call.isUpgrade)).toHaveLength(2);
});

test('the gateway does not come back within the timeout for it', async () => {
  await using rig = await startConnectedRig({ timings: { reopenTimeoutMs: 150 } });
  const { kernel, connection, server } = rig;
  kernel.onExecute = (request) => kernel.begin(request);
  const running = run(connection);
  const waiting = run(connection);
  await running.until('started');
  server.answer = () => ({ status: 502, body: '<html>bad gateway</html>' });
  kernel.drop();
  expect(await running.end).toMatchObject({ kind: 'gatewayAway', variablesLost: false });
  expect(await waiting.end).toMatchObject({ kind: 'notSent' });
  // Back again: the next run finds its way by itself.
  server.answer = () => undefined;
  kernel.onExecute = (request) => kernel.run(request);
  expect(await run(connection).end).toMatchObject({ kind: 'ok' });
});

test('a gateway that refuses a reconnect is reported at once, and so is its recovery', async () => {
  await using rig = await startConnectedRig({ timings: { ...withoutLooks, outageMs: 60_000 } });
  const { kernel, connection, server } = rig;
  const running = await runBegun(rig);
  const waiting = run(connection);
  server.answer = () => ({ status: 401, body: { reason: 'Unauthorized', message: '' } });
  kernel.drop();
  expect(await running.until('outage')).toMatchObject({ code: 'unauthorized', isCutOff: true });
  await waiting.until('outage');
  const late = run(connection);
  await late.until('outage');
  server.answer = () => undefined;
  await running.until('outageOver');
  kernel.onExecute = (request) => kernel.run(request);
  kernel.end();
  expect(await running.end).toMatchObject({ kind: 'ok', possibleGap: false });
  expect(await waiting.end).toMatchObject({ kind: 'ok' });
  expect(await late.end).toMatchObject({ kind: 'ok' });
  expect(kindsOf(running.outputs).filter((kind) => kind === 'outage')).toHaveLength(1);
});

test('a gateway that does not answer is reported after a while; a slow kernel is not an outage', async () => {
  // A machine at work elsewhere may hold up one look for as long as ten of them take.
  await using rig = await startConnectedRig({ timings: { outageMs: 3_000, upgradeLookMs: 275 } });
  const { kernel, server } = rig;
  const running = await runBegun(rig);
  const upgrade = Promise.withResolvers<void>();
  kernel.upgradable = upgrade.promise;
  const looks = server.calls.length;
  kernel.drop();
  // Twelve looks at the model take longer than `outageMs`.
  while (server.calls.slice(looks).filter(({ isUpgrade }) => !isUpgrade).length < 12)
    await server.untilCall(({ isUpgrade }) => !isUpgrade);
  upgrade.resolve();
  await running.until('reconnected');
  expect(kindsOf(running.outputs)).not.toContain('outage');
  server.answer = () => 'hang';
  kernel.drop();
  expect(await running.until('outage')).toMatchObject({ code: 'unreachable', isCutOff: true });
});

test('a stop during an outage of the gateway is sent afterwards', async () => {
  await using rig = await startConnectedRig();
  const { kernel, server } = rig;
  const stop = new AbortController();
  const running = await runBegun(rig, undefined, { signal: stop.signal });
  const refused = Promise.withResolvers<void>();
  server.answer = (call) => {
    if (call.path.endsWith('/interrupt')) refused.resolve();
    return { status: 502, body: '<html>bad gateway</html>' };
  };
  kernel.drop();
  await running.until('outage');
  stop.abort();
  await refused.promise;
  const interrupted = Promise.withResolvers<void>();
  kernel.onInterrupt = () => interrupted.resolve();
  server.answer = () => undefined;
  await interrupted.promise;
});

test('a stop that a passing failure of the gateway lost is sent again to code that goes on printing', async () => {
  await using rig = await startConnectedRig();
  const { kernel, server } = rig;
  const stop = new AbortController();
  const running = await runBegun(rig, undefined, { signal: stop.signal });
  const printing = setInterval(() => kernel.stream(kernel.lastRequest, '.'), 20);
  const lost = Promise.withResolvers<void>();
  server.answer = ({ path }) => {
    if (!path.endsWith('/interrupt')) return undefined;
    lost.resolve();
    return { status: 502, body: '<html>bad gateway</html>' };
  };
  stop.abort();
  await lost.promise;
  kernel.onInterrupt = () => {
    clearInterval(printing);
    kernel.end(undefined, { status: 'error', ename: 'KeyboardInterrupt', evalue: '', traceback: [] });
  };
  server.answer = () => undefined;
  expect(await running.end).toMatchObject({ kind: 'interrupted' });
});

test.for<CannedAnswer>([
  { status: 401, body: { reason: 'Unauthorized', message: '' } },
  { status: 200, body: '<html><title>Sign in</title></html>' },
])(
  'calls that are refused (%j) while the socket stays open: a stop is sent as a message, and the outage is reported',
  async (answer) => {
    await using rig = await startConnectedRig();
    const { kernel, server } = rig;
    const stop = new AbortController();
    const running = await runBegun(rig, undefined, { signal: stop.signal });
    server.answer = () => answer;
    stop.abort();
    expect(await running.until('outage')).toMatchObject({ code: 'unauthorized', isCutOff: false });
    await kernel.untilReceived('interrupt_request');
    server.answer = () => undefined;
    await running.until('outageOver');
  },
);

test('a call that failed for one execution is not told to the next, whose own failed call is', async () => {
  await using rig = await startConnectedRig();
  const { kernel, server } = rig;
  server.answer = ({ path }) =>
    path.endsWith('/interrupt') ? { status: 401, body: { message: 'Unauthorized' } } : undefined;
  for (let runs = 0; runs < 2; runs += 1) {
    const stop = new AbortController();
    const running = await runBegun(rig, undefined, { signal: stop.signal });
    expect(kindsOf(running.outputs)).not.toContain('outage');
    stop.abort();
    expect(await running.until('outage')).toMatchObject({ code: 'unauthorized', isCutOff: false });
    kernel.end();
    await running.end;
  }
});

test('resume takes the replay of a run that an earlier process wrote', async () => {
  await using rig = await startConnectedRig();
  const { kernel, connection, gateway } = rig;
  const before = await runBegun(rig, 'a');
  await connection.close();
  kernel.stream(kernel.lastRequest, 'b');
  kernel.end();
  const later = await gateway.connect(kernel.id, { sessionId: connection.sessionId });
  const resumed = watch(later.resume({ msgId: before.execution.msgId }));
  expect(await resumed.end).toMatchObject({ kind: 'ok', executionCount: 1, possibleGap: true });
  expect(resumed.outputs).toEqual([
    { kind: 'started' },
    { kind: 'stream', name: 'stdout', text: 'b' },
    { kind: 'counted', executionCount: 1 },
  ]);
});

/** A run has said `a` when its connection is closed; the gateway holds `b` for the next one. */
async function leaveAtWork({ kernel, connection }: ConnectedRig) {
  kernel.onExecute = (request) => {
    kernel.begin(request);
    kernel.stream(request, 'a');
  };
  const { sessionId } = connection;
  const left = run(connection);
  await left.until('stream');
  await connection.close();
  kernel.stream(kernel.lastRequest, 'b');
  const { execution, outputs } = left;
  const { msgId, checkpoint } = execution;
  if (checkpoint === undefined) throw new Error('nothing was left');
  return { sessionId, msgId, checkpoint, execution, outputs };
}

/** `between` was left in its turn: it gives out `b`, and the one after it `c`. */
async function expectTheRest(
  { kernel, gateway }: ConnectedRig,
  { sessionId, msgId, outputs }: Awaited<ReturnType<typeof leaveAtWork>>,
  between: Execution,
): Promise<void> {
  const taken: KernelOutput[] = [];
  for await (const output of between) taken.push(output);
  kernel.stream(kernel.lastRequest, 'c');
  kernel.end();
  const { checkpoint } = between;
  if (checkpoint === undefined) throw new Error('nothing was left');
  const later = await gateway.connect(kernel.id, { sessionId, checkpoint });
  const last = watch(later.resume({ msgId, checkpoint }));
  expect(await last.end).toMatchObject({ kind: 'ok', possibleGap: false });
  expect(textOf([...outputs, ...taken, ...last.outputs])).toBe('abc');
}

test('the checkpoint of a closed connection proves that the replay is complete, or that something is missing', async () => {
  await using rig = await startConnectedRig();
  const { kernel, gateway } = rig;
  const first = await leaveAtWork(rig);
  const resume = async (before: Execution) => {
    const { checkpoint } = before;
    if (checkpoint === undefined) throw new Error('nothing was left');
    // As it comes back from a store.
    const stored: ExecutionCheckpoint = JSON.parse(JSON.stringify(checkpoint));
    const later = await gateway.connect(kernel.id, { sessionId: first.sessionId, checkpoint: stored });
    return { later, resumed: watch(later.resume({ msgId: before.msgId, checkpoint: stored })) };
  };
  const second = await resume(first.execution);
  await second.resumed.until('stream');
  await second.later.close();
  kernel.stream(kernel.lastRequest, 'c');
  kernel.end();
  const third = await resume(second.resumed.execution);
  expect(await third.resumed.end).toMatchObject({ kind: 'ok', possibleGap: false });
  expect(textOf([...first.outputs, ...second.resumed.outputs, ...third.resumed.outputs])).toBe('abc');

  const leaky = run(third.later);
  await leaky.until('stream');
  await third.later.close();
  kernel.buffers = false;
  kernel.stream(kernel.lastRequest, 'lost');
  kernel.buffers = true;
  const fourth = await resume(leaky.execution);
  kernel.end();
  expect(await fourth.resumed.end).toMatchObject({ kind: 'ok', possibleGap: true });
});

test('a connection that was closed before a resume still outputs its replay, which comes only once', async () => {
  await using rig = await startConnectedRig();
  const { kernel, gateway } = rig;
  const first = await leaveAtWork(rig);
  const { sessionId, msgId, checkpoint } = first;
  const hasty = await gateway.connect(kernel.id, { sessionId, checkpoint });
  await hasty.close();
  await expectTheRest(rig, first, hasty.resume({ msgId, checkpoint }));
});

test('a server that closes the websocket, and never the connection below it, is not waited for', async () => {
  await using rig = await startConnectedRig();
  const { kernel } = rig;
  const running = await runBegun(rig, 'a');
  kernel.cut();
  kernel.hangUp(1001);
  await kernel.untilConnected();
  kernel.end();
  expect((await running.end).kind).toBe('ok');
}, 10_000);

test.each(['drop', 'cut'] as const)(
  'a question that is lost with the websocket (%s) just before its process ends: the next process says so',
  async (breaks) => {
    await using rig = await startConnectedRig();
    const { kernel, gateway, connection, server } = rig;
    const { execution } = await runBegun(rig, 'a', { allowStdin: true });
    kernel.buffers = false;
    server.answer = () => 'reset';
    const disconnected = rig.untilEvent('disconnected');
    kernel[breaks]();
    kernel.send('input_request', { prompt: '?' }, { parent: kernel.lastRequest, channel: 'stdin' });
    if (breaks === 'drop') await disconnected;
    await connection.close();
    server.answer = () => undefined;
    const { msgId, checkpoint } = execution;
    const later = await gateway.connect(kernel.id, { sessionId: connection.sessionId, checkpoint });
    await watch(later.resume({ msgId, allowStdin: true, checkpoint })).until('inputMayBeLost');
  },
);

test('a process that leaves while a busy kernel does not answer gets what was replayed, and the next one the rest', async () => {
  await using rig = await startConnectedRig();
  const { kernel, gateway } = rig;
  const first = await leaveAtWork(rig);
  const { sessionId, msgId, checkpoint } = first;
  kernel.answersInfo = false;
  kernel.executionState = 'idle';
  const asked = () =>
    kernel.received.filter(({ header }) => header.msg_type === 'kernel_info_request').length;
  const before = asked();
  const leave = new AbortController();
  const connecting = gateway.connect(kernel.id, { sessionId, checkpoint, leave: leave.signal });
  await expect.poll(asked).toBeGreaterThan(before);
  leave.abort();
  const left = await connecting;
  kernel.answersInfo = true;
  await expectTheRest(rig, first, left.resume({ msgId, checkpoint }));
});

test('an error that was output before the connection was closed decides the end', async () => {
  await using rig = await startConnectedRig();
  const { kernel, connection, gateway } = rig;
  kernel.onExecute = (request) => {
    kernel.begin(request);
    kernel.send('error', { ename: 'ValueError', evalue: 'x', traceback: [] }, { parent: request });
  };
  const before = run(connection);
  await before.until('error');
  await connection.close();
  kernel.buffers = false;
  kernel.reply(kernel.lastRequest, { status: 'error', ename: 'ValueError', evalue: 'x', traceback: [] });
  kernel.buffers = true;
  const { checkpoint } = before.execution;
  if (checkpoint === undefined) throw new Error('nothing was left');
  const later = await gateway.connect(kernel.id, { sessionId: connection.sessionId, checkpoint });
  const resumed = watch(later.resume({ msgId: before.execution.msgId, checkpoint }));
  kernel.status('idle', kernel.lastRequest);
  expect(await resumed.end).toMatchObject({ kind: 'raised', replyMissing: true });
});

test('an execution on a closed connection is never written, and left', async () => {
  await using rig = await startConnectedRig();
  const { kernel, connection } = rig;
  await connection.close();
  const late = connection.execute({ msgId: crypto.randomUUID(), code: '1', allowStdin: false });
  for await (const output of late) throw new Error(`it says ${output.kind}`);
  expect(late.checkpoint).toMatchObject({ isWritten: false });
  expect(kernel.received.map(({ header }) => header.msg_type)).not.toContain('execute_request');
});

test('a replay from the beginning on is complete', async () => {
  await using rig = await startConnectedRig();
  const { kernel, connection, gateway } = rig;
  const { promise: written, resolve } = Promise.withResolvers<ScriptMessage>();
  kernel.onExecute = (request) => resolve(request);
  const before = run(connection);
  const request = await written;
  await connection.close();
  kernel.run(request, 'all');
  const later = await gateway.connect(kernel.id, { sessionId: connection.sessionId });
  const resumed = watch(later.resume({ msgId: before.execution.msgId }));
  expect(await resumed.end).toMatchObject({ kind: 'ok', possibleGap: false });
  expect(textOf(resumed.outputs)).toBe('all');
});

test('resuming a request without a trace ends as unknown once the kernel is idle', async () => {
  await using rig = await startConnectedRig();
  const resumed = watch(rig.connection.resume({ msgId: crypto.randomUUID() }));
  expect(await resumed.end).toMatchObject({ kind: 'unknown' });
});

test('a resumed run of a busy kernel can be stopped, though its beginning was not received', async () => {
  await using rig = await startConnectedRig();
  const { kernel, connection, gateway } = rig;
  const before = await runBegun(rig);
  await connection.close();
  kernel.buffers = false;
  const later = await gateway.connect(kernel.id, { sessionId: connection.sessionId });
  const stop = new AbortController();
  const resumed = watch(later.resume({ msgId: before.execution.msgId, signal: stop.signal }));
  kernel.onInterrupt = () => {
    const request = kernel.lastRequest;
    kernel.end(request, { status: 'error', ename: 'KeyboardInterrupt', evalue: '', traceback: [] });
  };
  stop.abort();
  expect(await resumed.end).toMatchObject({ kind: 'interrupted' });
});

test('a replay too long for memory waits in the gateway until it is claimed', async () => {
  // A busy machine takes its time for 20 MB, and may bring nothing for a moment.
  const timings = { staleMs: 60_000, firstLookMs: 30_000, graceMs: 30_000 };
  await using rig = await startConnectedRig({ timings });
  const { kernel, connection, gateway } = rig;
  const before = await runBegun(rig);
  await connection.close();
  const part = 'x'.repeat(500_000);
  for (let n = 0; n < 40; n += 1) kernel.stream(kernel.lastRequest, part);
  kernel.end();
  const later = await gateway.connect(kernel.id, { sessionId: connection.sessionId });
  const resumed = watch(later.resume({ msgId: before.execution.msgId }));
  expect(await resumed.end).toMatchObject({ kind: 'ok' });
  expect(textOf(resumed.outputs)).toHaveLength(40 * 500_000);
});

test('back-pressure: a reader that stops reading stops the socket; nothing is lost when it goes on', async () => {
  await using rig = await startConnectedRig();
  const { kernel, connection } = rig;
  const frames = 600;
  const part = 'x'.repeat(100_000);
  kernel.onExecute = (request) => {
    kernel.begin(request);
    for (let n = 0; n < frames; n += 1) kernel.stream(request, part);
    kernel.end(request);
  };
  const execution = connection.execute({ msgId: crypto.randomUUID(), code: '', allowStdin: false });
  const iterator = execution[Symbol.asyncIterator]();
  await iterator.next();
  const [socket] = kernel.sockets.keys();
  // The server cannot get rid of 60 MB while nobody reads: much of it stays on its side.
  await rig.gateway.readInfo();
  expect(socket?.bufferedAmount).toBeGreaterThan(20_000_000);
  let length = 0;
  for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) {
    if (next.value.kind === 'stream') length += next.value.text.length;
  }
  expect(length).toBe(frames * part.length);
  expect(await execution.end).toMatchObject({ kind: 'ok', possibleGap: false });
});

test.for<[string, CannedAnswer, object]>([
  [
    'a redirect to a login page',
    { status: 302, headers: { location: '/sso/login' } },
    { code: 'unauthorized', status: 302 },
  ],
  ['401', { status: 401, body: '' }, { code: 'unauthorized', status: 401 }],
  ['403 in HTML', { status: 403, body: '<html>403</html>' }, { code: 'unauthorized', status: 403 }],
  ['400', { status: 400, body: '' }, { code: 'badAnswer', status: 400 }],
  ['500 after a kernel that never answered', { status: 500, body: '' }, { code: 'startFailed', status: 500 }],
  ['502 all the time', { status: 502, body: '<html>502</html>' }, { code: 'unreachable', status: 502 }],
])('an upgrade that is refused: %s', async ([, answer, error]) => {
  await using rig = await startRig();
  const kernel = rig.server.addKernel();
  rig.server.answer = (call) => (call.isUpgrade ? answer : undefined);
  await expect(rig.gateway.connect(kernel.id, { sessionId: 's' })).rejects.toMatchObject({
    name: 'GatewayError',
    ...error,
  });
});

test('an upgrade that is refused for a moment is retried', async () => {
  // A busy machine makes the moment long.
  await using rig = await startRig({ timings: { outageMs: 60_000 } });
  const kernel = rig.server.addKernel();
  let refusals = 0;
  rig.server.answer = (call) => {
    if (!call.isUpgrade || refusals === 2) return undefined;
    refusals += 1;
    return { status: 503, body: '' };
  };
  const connection = await rig.gateway.connect(kernel.id, { sessionId: 's' });
  expect(await run(connection).end).toMatchObject({ kind: 'ok' });
});
