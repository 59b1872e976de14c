import { describe, expect, test } from 'vitest';
import {
  type ConnectedRig,
  connectTo,
  kindsOf,
  run,
  runBegun,
  startConnectedRig,
  startRig,
  textOf,
  watch,
  withoutLooks,
} from '../../support/gateway-client.ts';
import type { ScriptMessage } from '../../support/scripted-gateway.ts';

/** Traps of protocol.md §5 about kernels that die, restart, vanish or are slow to come; numbers as there. */

test('trap 1: a kernel deleted behind an open socket ends the run as gone', async () => {
  await using rig = await startConnectedRig();
  const { kernel } = rig;
  const running = await runBegun(rig);
  kernel.isDeleted = true;
  expect(await running.end).toMatchObject({ kind: 'kernelGone', variablesLost: true, replyMissing: true });
  expect(rig.events).toMatchObject([{ kind: 'kernelGone' }]);
});

test('trap 1: a culled kernel shows by its shutdown_reply alone, also while nothing runs', async () => {
  await using rig = await startConnectedRig();
  const gone = rig.untilEvent('kernelGone');
  rig.kernel.isDeleted = true;
  rig.kernel.send('shutdown_reply', { status: 'ok', restart: false });
  expect(await gone).toMatchObject({ kind: 'kernelGone' });
  const next = run(rig.connection);
  expect(await next.end).toMatchObject({ kind: 'notSent' });
  expect(rig.kernel.received.map((message) => message.header.msg_type)).not.toContain('execute_request');
});

test('trap 1: a kernel is looked for before its open socket is used again, unless it has just sent something', async () => {
  await using quiet = await startConnectedRig({ timings: { seenMs: 0 } });
  const { signal } = new AbortController();
  expect(await quiet.connection.isThere(signal)).toBe(true);
  quiet.server.answer = () => ({ status: 502 });
  expect(await quiet.connection.isThere(signal), 'no answer proves nothing').toBe(true);
  quiet.server.answer = () => undefined;
  quiet.kernel.isDeleted = true;
  expect(await quiet.connection.isThere(signal)).toBe(false);
  expect(quiet.events).toMatchObject([{ kind: 'kernelGone' }]);

  await using recent = await startConnectedRig({ timings: { seenMs: 3_600_000, shutdownLookMs: 3_600_000 } });
  const { server, kernel, connection } = recent;
  server.calls.length = 0;
  expect(await connection.isThere(signal)).toBe(true);
  expect(server.calls).toEqual([]);
  kernel.send('shutdown_reply', { status: 'ok', restart: false });
  await server.untilCall(({ method }) => method === 'GET');
  kernel.isDeleted = true;
  expect(await connection.isThere(signal), 'a goodbye is no such sign').toBe(false);
});

test('trap 51: while its websocket is lost, a kernel exists only if the gateway says so', async () => {
  await using rig = await startConnectedRig({ timings: { seenMs: 3_600_000, reopenMs: 3_600_000 } });
  const { server, kernel, connection } = rig;
  const { signal } = new AbortController();
  kernel.drop();
  await rig.untilEvent('disconnected');
  expect(await connection.isThere(signal)).toBe(true);
  server.answer = () => ({ status: 502 });
  await expect(connection.isThere(signal)).rejects.toMatchObject({ code: 'unreachable' });
  server.answer = () => undefined;
  kernel.isDeleted = true;
  expect(await connection.isThere(signal)).toBe(false);
});

describe('an interrupt that is not ours may be the beginning of a restart or deletion by somebody else', () => {
  async function interrupted() {
    const rig = await startConnectedRig();
    const { kernel } = rig;
    const running = await runBegun(rig);
    kernel.executionState = 'idle';
    const request = kernel.lastRequest;
    // IRkernel's word for interrupted, and nothing else.
    const end = (): void => {
      kernel.end(request, { status: 'abort' });
    };
    return { ...rig, running, request, end };
  }

  test('a deletion without a shutdown_reply', async () => {
    await using rig = await interrupted();
    rig.kernel.isDeleted = true;
    rig.end();
    expect(await rig.running.end).toMatchObject({ kind: 'kernelGone', variablesLost: true });
  });

  test('a deletion whose reply a broken connection has lost', async () => {
    await using rig = await interrupted();
    const { kernel, request, running } = rig;
    kernel.isDeleted = true;
    kernel.send('error', { ename: 'KeyboardInterrupt', evalue: '', traceback: [] }, { parent: request });
    kernel.status('idle', request);
    expect(await running.end).toMatchObject({ kind: 'kernelGone', variablesLost: true });
  });

  test('a deletion of which only an idle survived a broken connection', async () => {
    await using rig = await interrupted();
    const { kernel, request, running } = rig;
    kernel.buffers = false;
    kernel.drop();
    kernel.send('error', { ename: 'KeyboardInterrupt', evalue: '', traceback: [] }, { parent: request });
    await running.until('reconnected');
    await expect.poll(() => rig.connection.process).not.toBe('');
    kernel.isDeleted = true;
    kernel.status('idle', request);
    expect(await running.end).toMatchObject({ kind: 'kernelGone', variablesLost: true });
  });

  test('a restart whose new process takes a while', async () => {
    await using rig = await interrupted();
    const { kernel, server, running } = rig;
    server.calls.length = 0;
    rig.end();
    kernel.executionState = 'restarting';
    await server.untilCall(({ method }) => method === 'GET');
    kernel.comeUp();
    expect(await running.end).toMatchObject({ kind: 'kernelRestarted', variablesLost: true });
  });

  test('neither: it was only interrupted', async () => {
    await using rig = await interrupted();
    rig.end();
    expect(await rig.running.end).toMatchObject({ kind: 'interrupted', variablesLost: false });
  });
});

test('a KeyboardInterrupt during a restart or deletion is not a person’s interrupt', async () => {
  await using rig = await startConnectedRig();
  const { kernel, connection } = rig;
  kernel.onExecute = (request) => {
    kernel.begin(request);
    kernel.isDeleted = true;
    kernel.send('shutdown_reply', { status: 'ok', restart: false });
    kernel.send('error', { ename: 'KeyboardInterrupt', evalue: '', traceback: [] }, { parent: request });
    kernel.end(request, { status: 'error', ename: 'KeyboardInterrupt', evalue: '', traceback: [] });
  };
  expect(await run(connection).end).toMatchObject({ kind: 'kernelGone' });
});

test('a shutdown_reply of a kernel that stays changes nothing, however long it takes to see that it stays', async () => {
  const timings = { shutdownLookMs: 500, firstLookMs: 20, silenceMs: 20, graceMs: 20 };
  await using rig = await startConnectedRig({ timings });
  const { kernel, connection } = rig;
  kernel.onExecute = (request) => {
    kernel.begin(request);
    kernel.send('shutdown_reply', { status: 'ok', restart: false });
    kernel.end(request);
  };
  expect(await run(connection).end).toMatchObject({ kind: 'ok' });
});

test('trap 18: the death of the process ends the run, and the next one runs in the new process', async () => {
  await using rig = await startConnectedRig();
  const { kernel, connection } = rig;
  kernel.onExecute = (request) => {
    kernel.begin(request);
    kernel.onExecute = (next) => kernel.run(next, 'new');
    kernel.status('restarting');
    kernel.comeUp();
  };
  const first = run(connection);
  const second = run(connection);
  expect(await first.end).toMatchObject({ kind: 'kernelDied', variablesLost: true });
  expect(await second.end).toMatchObject({ kind: 'ok' });
  expect(textOf(second.outputs)).toBe('new');
  expect(rig.events).toEqual([{ kind: 'kernelRestarted', automatic: true }]);
  expect(rig.server.calls.filter((call) => call.isUpgrade)).toHaveLength(2);
});

test('code that a dead process had not begun is run by the next one, or has ended with it', async () => {
  for (const isDelivered of [true, false]) {
    // Code that is delivered counts as lost by no look while it is on its way.
    const timings = isDelivered ? withoutLooks : {};
    await using rig = await startConnectedRig({ timings });
    const { kernel, connection } = rig;
    let held: ScriptMessage | undefined;
    kernel.onExecute = (request) => {
      held = request;
      kernel.status('restarting');
      kernel.comeUp();
    };
    const running = run(connection);
    await rig.untilEvent('kernelRestarted');
    kernel.executionState = 'idle';
    await kernel.untilReceived('kernel_info_request', 2);
    if (held !== undefined && isDelivered) kernel.run(held, 'did run');
    expect(await running.end).toMatchObject({
      kind: isDelivered ? 'ok' : 'kernelDied',
      variablesLost: !isDelivered,
    });
    expect(textOf(running.outputs)).toBe(isDelivered ? 'did run' : '');
  }
});

test.for([true, false])(
  'code that was sent while somebody else restarted the kernel: the new process runs it (%j), or it has ended with the old one',
  async (isRun) => {
    await using rig = await startConnectedRig({ prepare: (kernel) => (kernel.implementation = 'IRkernel') });
    const { kernel, connection } = rig;
    kernel.onExecute = () => undefined;
    kernel.onProof = (request) => kernel.prove(request, 1);
    const running = run(connection);
    const request = await kernel.untilReceived('execute_request');
    // Only now the client can know of it.
    kernel.comeUp();
    await running.until('reconnected');
    if (isRun) kernel.run(request, 'a');
    expect(await running.end).toMatchObject({ kind: isRun ? 'ok' : 'kernelRestarted' });
  },
);

test('code that a kernel had not begun ends with a requested restart', async () => {
  await using rig = await startConnectedRig();
  const { kernel, connection, gateway } = rig;
  kernel.onExecute = () => undefined;
  const running = run(connection);
  await kernel.untilReceived('execute_request');
  kernel.onRestart = () => kernel.comeUp();
  await gateway.restartKernel(kernel.id);
  expect(await running.end).toMatchObject({ kind: 'kernelRestarted', variablesLost: true });
});

test('a kernel that dies again and again until the gateway gives up is gone; its code died with the first death', async () => {
  for (const hasBegun of [true, false]) {
    await using rig = await startConnectedRig();
    const { kernel, connection } = rig;
    kernel.onExecute = (request) => {
      if (hasBegun) kernel.begin(request);
      for (let times = 0; times < 5; times += 1) kernel.status('restarting');
      kernel.isDeleted = true;
      kernel.status('dead');
    };
    const gone = rig.untilEvent('kernelGone');
    expect(await run(connection).end).toMatchObject({ kind: 'kernelDied', variablesLost: true });
    await gone;
    expect(rig.events.map((event) => event.kind)).toEqual(['kernelRestarted', 'kernelGone']);
  }
});

test('a second death is reported although the gateway numbers its messages anew for each websocket', async () => {
  await using rig = await startConnectedRig();
  const { kernel, connection } = rig;
  const die = (): void => {
    kernel.send('status', { execution_state: 'restarting' }, { msgId: 'gateway_1_2', session: 'gateway' });
    kernel.comeUp();
  };
  kernel.onExecute = (request) => {
    kernel.begin(request);
    die();
  };
  expect(await run(connection).end).toMatchObject({ kind: 'kernelDied' });
  expect(await run(connection).end).toMatchObject({ kind: 'kernelDied' });
});

test('trap 18: a restart by somebody else ends the run, also without a reply', async () => {
  await using rig = await startConnectedRig();
  const { kernel, connection } = rig;
  kernel.onExecute = (request) => {
    kernel.begin(request);
    kernel.onExecute = (next) => kernel.run(next);
    kernel.send('shutdown_reply', { status: 'ok', restart: true });
    kernel.send('error', { ename: 'KeyboardInterrupt', evalue: '', traceback: [] }, { parent: request });
    kernel.status('idle', request);
    kernel.comeUp();
  };
  expect(await run(connection).end).toMatchObject({ kind: 'kernelRestarted', variablesLost: true });
  expect(await run(connection).end).toMatchObject({ kind: 'ok' });
  expect(rig.events).toEqual([{ kind: 'kernelRestarted', automatic: false }]);
});

test('trap 42: our own restart ends the run, reopens the socket and is reported once', async () => {
  await using rig = await startConnectedRig();
  const { kernel, connection, gateway } = rig;
  const running = await runBegun(rig);
  kernel.onExecute = (request) => kernel.run(request);
  kernel.onRestart = () => {
    kernel.send('shutdown_reply', { status: 'ok', restart: true });
    kernel.comeUp();
  };
  await gateway.restartKernel(kernel.id);
  expect(await running.end).toMatchObject({ kind: 'kernelRestarted', variablesLost: true });
  expect(await run(connection).end).toMatchObject({ kind: 'ok' });
  expect(rig.server.calls.filter((call) => call.isUpgrade)).toHaveLength(2);
  expect(rig.events).toEqual([{ kind: 'kernelRestarted', automatic: false }]);
});

test('a restart that fails leaves the run as it was', async () => {
  await using rig = await startConnectedRig();
  const { kernel, gateway, server } = rig;
  const running = await runBegun(rig);
  server.answer = (call) =>
    call.path.endsWith('/restart') ? { status: 403, body: { reason: 'no' } } : undefined;
  await expect(gateway.restartKernel(kernel.id)).rejects.toMatchObject({ code: 'refused' });
  const [request] = kernel.received.filter((message) => message.header.msg_type === 'execute_request');
  if (request === undefined) throw new Error('nothing was sent');
  kernel.end(request);
  expect(await running.end).toMatchObject({ kind: 'ok' });
});

test('trap 9: a 500 for the restart of a missing kernel is reported as kernelGone', async () => {
  await using rig = await startConnectedRig();
  rig.kernel.isDeleted = true;
  await expect(rig.gateway.restartKernel(rig.kernel.id)).rejects.toMatchObject({ code: 'kernelGone' });
  expect(rig.events).toMatchObject([{ kind: 'kernelGone' }]);
});

test('trap 9: a 500 for the restart of an existing kernel is not kernelGone', async () => {
  await using rig = await startConnectedRig();
  rig.server.answer = (call) => (call.path.endsWith('/restart') ? { status: 500, body: '' } : undefined);
  await expect(rig.gateway.restartKernel(rig.kernel.id)).rejects.toMatchObject({
    code: 'badAnswer',
    status: 500,
  });
});

test('trap 43: exit() replies ok and loses the state; the next request waits for the new process', async () => {
  await using rig = await startConnectedRig();
  const { kernel, connection } = rig;
  kernel.onExecute = (request) => {
    kernel.begin(request);
    kernel.end(request, { payload: [{ source: 'ask_exit', keepkernel: false }] });
    kernel.onExecute = (next) => kernel.run(next, 'again');
  };
  expect(await run(connection).end).toMatchObject({ kind: 'exited', variablesLost: true });
  const next = run(connection);
  kernel.status('restarting');
  kernel.comeUp();
  expect(await next.end).toMatchObject({ kind: 'ok' });
  expect(rig.server.calls.filter((call) => call.isUpgrade)).toHaveLength(2);
});

test('trap 43: exit(keep_kernel=True) loses nothing', async () => {
  await using rig = await startConnectedRig();
  const { kernel, connection } = rig;
  kernel.onExecute = (request) => {
    kernel.begin(request);
    kernel.end(request, { payload: [{ source: 'ask_exit', keepkernel: true }] });
  };
  expect(await run(connection).end).toMatchObject({ kind: 'ok', variablesLost: false });
});

test('a death while the socket was down shows as a starting without parent in the replay', async () => {
  await using rig = await startConnectedRig();
  const { kernel, connection } = rig;
  const running = await runBegun(rig);
  kernel.drop();
  kernel.onExecute = (request) => kernel.run(request);
  kernel.comeUp();
  expect(await running.end).toMatchObject({ kind: 'kernelDied', variablesLost: true });
  expect(await run(connection).end).toMatchObject({ kind: 'ok' });
  expect(rig.events).toContainEqual({ kind: 'kernelRestarted', automatic: true });
});

test('trap 41: a different session in a header is not a restart', async () => {
  await using rig = await startConnectedRig({ prepare: (kernel) => (kernel.implementation = 'IRkernel') });
  const { kernel, connection } = rig;
  kernel.onExecute = (request) => {
    kernel.session = request.header.session;
    kernel.run(request, 'a');
    kernel.session = 'somebody-elses';
  };
  expect(await run(connection).end).toMatchObject({ kind: 'ok' });
  expect(await run(connection).end).toMatchObject({ kind: 'ok' });
  expect(rig.events).toEqual([]);
});

test('the first starting of a kernel that we have started is not a restart', async () => {
  await using rig = await startRig();
  const { server, gateway } = rig;
  server.onStart = (kernel) => {
    kernel.answersInfo = false;
    void kernel.untilReceived('kernel_info_request').then(() => {
      kernel.status('starting');
      kernel.answersInfo = true;
      return undefined;
    });
  };
  const model = await gateway.startKernel({ kernelspec: 'python3', kernelId: crypto.randomUUID(), env: {} });
  const { connection, events } = await connectTo(gateway, model.id);
  expect(await run(connection).end).toMatchObject({ kind: 'ok' });
  expect(events).toEqual([]);
});

test('trap 35: a held upgrade is waited for', async () => {
  await using rig = await startRig();
  const kernel = rig.server.addKernel();
  const { promise, resolve } = Promise.withResolvers<undefined>();
  kernel.upgradable = promise.then(() => undefined);
  const connecting = rig.gateway.connect(kernel.id, { sessionId: 's' });
  // Two looks at the model while the upgrade is held: the client did not give up.
  await rig.server.untilCall((call) => call.method === 'GET' && !call.isUpgrade);
  await rig.server.untilCall((call) => call.method === 'GET' && !call.isUpgrade);
  resolve(undefined);
  const connection = await connecting;
  expect(await run(connection).end).toMatchObject({ kind: 'ok' });
});

test.each([
  ['new', 'startFailed'],
  ['earlier', 'kernelGone'],
] as const)('an end of the %s kernel during the upgrade is reported at once', async (which, code) => {
  await using rig = await startRig();
  if (which === 'earlier') rig.server.addKernel();
  else await rig.gateway.startKernel({ kernelspec: 'python3', kernelId: crypto.randomUUID(), env: {} });
  const [kernel] = rig.server.kernels.values();
  kernel!.upgradable = new Promise(() => undefined);
  const connecting = rig.gateway.connect(kernel!.id, { sessionId: 's' });
  const failure = expect(connecting).rejects.toMatchObject({ code });
  // Its second look at the model follows the answer to the first.
  for (const _ of [1, 2]) await rig.server.untilCall((call) => call.method === 'GET' && !call.isUpgrade);
  kernel!.isDeleted = true;
  await failure;
});

test('a kernel that never answers fails to start after the launch timeout', async () => {
  await using rig = await startRig({ settings: { launchTimeoutMs: 300 } });
  const kernel = rig.server.addKernel();
  kernel.answersInfo = false;
  await expect(rig.gateway.connect(kernel.id, { sessionId: 's' })).rejects.toMatchObject({
    code: 'startFailed',
    message: expect.stringContaining('0.3 s'),
  });
});

test('connecting can be aborted', async () => {
  await using rig = await startRig();
  const kernel = rig.server.addKernel();
  kernel.upgradable = new Promise(() => undefined);
  const giveUp = new AbortController();
  const connecting = rig.gateway.connect(kernel.id, { sessionId: 's', signal: giveUp.signal });
  await rig.server.untilCall((call) => call.isUpgrade);
  giveUp.abort();
  await expect(connecting).rejects.toMatchObject({
    name: 'GatewayError',
    message: expect.stringContaining('given up'),
  });
});

test('connecting to a missing kernel is reported as kernelGone', async () => {
  await using rig = await startRig();
  await expect(rig.gateway.connect(crypto.randomUUID(), { sessionId: 's' })).rejects.toMatchObject({
    code: 'kernelGone',
  });
});

test('a wrong websocket address is not reported as kernelGone', async () => {
  await using rig = await startRig();
  const kernel = rig.server.addKernel();
  rig.server.answer = (call) =>
    call.isUpgrade ? { status: 404, body: '<html>no such page</html>' } : undefined;
  await expect(rig.gateway.connect(kernel.id, { sessionId: 's' })).rejects.toMatchObject({
    code: 'badAnswer',
  });
});

/** What proxies say of an address without a route: nginx, Kong and AWS's API Gateway. */
const NO_ROUTE = [
  '<html>default backend</html>',
  { message: 'no Route matched with those values' },
  { message: 'Not Found' },
];

test.for([...NO_ROUTE.map((body) => [404, body] as const), [500, '<html>oops</html>'] as const])(
  'a proxy that answers %o to all proves nothing of a kernel: its run goes on',
  async ([status, body]) => {
    await using rig = await startConnectedRig();
    const { server, kernel } = rig;
    const running = await runBegun(rig, 'a');
    server.answer = () => ({ status, body });
    kernel.drop();
    expect(await running.until('outage')).toMatchObject({ code: 'unreachable', isCutOff: true });
    server.answer = () => undefined;
    await running.until('outageOver');
    kernel.end();
    expect(await running.end).toMatchObject({ kind: 'ok' });
  },
);

// Its answer meets the upgrade and the first looks at the kernel. The gateway gets what comes after them, and some of
// what comes before where not all of the proxy's replicas have lost it.
test.for(
  NO_ROUTE.flatMap((body) => [
    { to: 'all', most: 2, body },
    { to: 'some', most: 3, body },
  ]),
)(
  'a proxy that answers 404 to $to for a moment proves nothing of a kernel: $body',
  async ({ to, most, body }) => {
    await using rig = await startConnectedRig();
    const { server, kernel } = rig;
    const running = await runBegun(rig, 'a');
    let pages = most;
    server.answer = ({ path }) => {
      if (to === 'some' && !path.includes(kernel.id)) return undefined;
      pages -= 1;
      return pages < 0 ? undefined : { status: 404, body };
    };
    kernel.drop();
    await running.until('reconnected');
    kernel.end();
    expect(await running.end).toMatchObject({ kind: 'ok' });
  },
);

test('a 500 at an upgrade proves nothing of a kernel that the gateway has, whatever state it says', async () => {
  await using rig = await startConnectedRig();
  const { server, kernel } = rig;
  const running = await runBegun(rig, 'a');
  kernel.executionState = 'starting';
  let pages = 1;
  server.answer = ({ isUpgrade }) => {
    if (isUpgrade) pages -= 1;
    return !isUpgrade || pages < 0 ? undefined : { status: 500, body: '<html>Internal Server Error</html>' };
  };
  kernel.drop();
  await running.until('reconnected');
  kernel.end();
  expect(await running.end).toMatchObject({ kind: 'ok' });
});

test.for(NO_ROUTE)('a proxy with its own words for each 404 hides no end of a kernel: %o', async (body) => {
  await using rig = await startConnectedRig();
  const { server, kernel } = rig;
  const running = await runBegun(rig, 'a');
  server.answer = ({ path }) => (path.includes(kernel.id) ? { status: 404, body } : undefined);
  kernel.drop();
  expect(await running.end).toMatchObject({ kind: 'kernelGone', variablesLost: true });
});

test('a deleted kernel behind a proxy that puts its own page in place of each 404 ends its run, though its websocket is open', async () => {
  for (const isTold of [true, false]) {
    await using rig = await startConnectedRig();
    const { server, kernel } = rig;
    const running = await runBegun(rig, 'a');
    kernel.isDeleted = true;
    server.answer = ({ path }) =>
      path.includes(kernel.id) ? { status: 404, body: '<html>404 Not Found</html>' } : undefined;
    if (isTold) kernel.send('shutdown_reply', { restart: false });
    expect(await running.end).toMatchObject({ kind: 'kernelGone', variablesLost: true });
  }
});

test('an execution whose end has come is not ended by a gateway that then goes away, though the kernel is told to end', async () => {
  await using rig = await startConnectedRig();
  const { server, kernel } = rig;
  const running = await runBegun(rig, 'a');
  kernel.send('shutdown_reply', { restart: false });
  server.answer = () => ({ status: 502, body: '' });
  kernel.end();
  expect(await running.end).toMatchObject({ kind: 'ok' });
});

test('a proxy that accepts a websocket before it knows of a kernel hides no end of one', async () => {
  await using rig = await startConnectedRig();
  const { server, kernel } = rig;
  const running = await runBegun(rig, 'a');
  // The gateway was restarted, and Knox closes each websocket that it has accepted.
  kernel.isDeleted = true;
  const other = server.addKernel();
  other.answersInfo = false;
  other.connect = (socket) => socket.close(1011);
  server.kernels.set(kernel.id, other);
  server.answer = ({ path, isUpgrade }) =>
    isUpgrade || !path.includes(kernel.id)
      ? undefined
      : { status: 404, body: { message: `Kernel does not exist: ${kernel.id}`, reason: null } };
  kernel.hangUp(1011);
  expect(await running.end).toMatchObject({ kind: 'kernelGone', variablesLost: true });
});

test('code that says in the kernel’s name that it is dead ends nothing', async () => {
  await using rig = await startConnectedRig();
  const { server, kernel } = rig;
  const running = await runBegun(rig, 'a');
  const looked = server.untilCall(({ isUpgrade }) => !isUpgrade);
  kernel.status('dead');
  await looked;
  kernel.end();
  expect(await running.end).toMatchObject({ kind: 'ok' });
  expect(rig.events).toEqual([]);
});

test('a busy kernel whose websocket breaks while it is opened is not ready before there is another', async () => {
  await using rig = await startRig();
  const { server, gateway } = rig;
  const kernel = server.addKernel();
  kernel.answersInfo = false;
  kernel.executionState = 'busy';
  const { promise: gate, resolve: open } = Promise.withResolvers<void>();
  const order: string[] = [];
  const connecting = connectTo(gateway, kernel.id).then(() => order.push('connected'));
  await kernel.untilReceived('kernel_info_request');
  kernel.upgradable = gate;
  kernel.drop();
  for (let looks = 0; looks < 4; looks += 1) await server.untilCall(({ isUpgrade }) => !isUpgrade);
  void kernel.untilConnected().then(() => order.push('reopened'));
  open();
  await connecting;
  expect(order).toEqual(['reopened', 'connected']);
});

test('an unreachable websocket address is named', async () => {
  const wsUrl = 'ws://127.0.0.1:1/jkgws/';
  await using rig = await startRig({ settings: { wsUrl } });
  const kernel = rig.server.addKernel();
  await expect(rig.gateway.connect(kernel.id, { sessionId: 's' })).rejects.toMatchObject({
    code: 'unreachable',
    message: 'The gateway at ws://127.0.0.1:1/jkgws gives no answer (ECONNREFUSED)',
  });
});

test('an idle kernel that gets nothing is found although the gateway answers pings and sends some', async () => {
  await using rig = await startConnectedRig({ timings: { busyPingMs: 20, staleMs: 200 } });
  const { kernel, connection } = rig;
  kernel.onExecute = () => undefined;
  kernel.answersInfo = false;
  const pinging = setInterval(() => {
    for (const socket of kernel.sockets.keys()) {
      socket.ping('payload');
      socket.pong();
    }
  }, 20);
  expect(await run(connection).end).toMatchObject({ kind: 'unknown' });
  clearInterval(pinging);
  expect(rig.server.calls.filter(({ isUpgrade }) => isUpgrade).length).toBeGreaterThan(2);
});

test('trap 32: a lost kernel_info_reply is requested again', async () => {
  await using rig = await startRig();
  const kernel = rig.server.addKernel();
  kernel.answersInfo = false;
  const connecting = rig.gateway.connect(kernel.id, { sessionId: 's' });
  await kernel.untilReceived('kernel_info_request');
  kernel.answersInfo = true;
  await kernel.untilReceived('kernel_info_request', 2);
  expect((await connecting).kernelInfo.implementation).toBe('ipython');
});

test('trap 33: a kernel that is busy with another client’s code counts as alive', async () => {
  await using rig = await startRig();
  const kernel = rig.server.addKernel();
  kernel.answersInfo = false;
  kernel.executionState = 'busy';
  const connection = await rig.gateway.connect(kernel.id, { sessionId: 's' });
  expect(connection.kernelInfo.implementation).toBe('');
});

test('trap 34: a model that says starting for ever delays nothing', async () => {
  await using rig = await startRig();
  const kernel = rig.server.addKernel();
  const connection = await rig.gateway.connect(kernel.id, { sessionId: 's' });
  kernel.executionState = 'starting';
  expect(await run(connection).end).toMatchObject({ kind: 'ok' });
});

test('a kernel that is starting after it had begun our code was restarted unseen', async () => {
  await using rig = await startConnectedRig();
  const { kernel, connection } = rig;
  kernel.onExecute = (request) => {
    kernel.begin(request);
    kernel.executionState = 'starting';
    kernel.session = crypto.randomUUID();
    kernel.onExecute = (next) => kernel.run(next);
  };
  expect(await run(connection).end).toMatchObject({ kind: 'kernelDied', variablesLost: true });
  expect(await run(connection).end).toMatchObject({ kind: 'ok' });
});

/** Begins the code, says nothing for several looks, then prints and ends it. */
async function workUnheard(rig: ConnectedRig, state: string, cut: boolean): Promise<string> {
  const { kernel, connection } = rig;
  kernel.onExecute = (request) => kernel.begin(request);
  kernel.onProof = () => undefined;
  const looks = () =>
    rig.server.calls.filter(({ method, isUpgrade }) => method === 'GET' && !isUpgrade).length;
  const running = run(connection);
  await running.until('started');
  if (kernel.implementation !== 'spark') kernel.answersInfo = false;
  kernel.answersControl = kernel.implementation === 'ipython';
  kernel.executionState = state;
  if (cut) {
    kernel.drop();
    await rig.untilEvent('reconnected');
  }
  for (const until = looks() + 5; looks() < until;)
    await rig.server.untilCall(({ method, isUpgrade }) => method === 'GET' && !isUpgrade);
  const [request] = kernel.received.filter((each) => each.header.msg_type === 'execute_request');
  if (request === undefined) throw new Error('nothing was sent');
  kernel.stream(request, 'done');
  kernel.end(request);
  const { kind } = await running.end;
  return `${kind}: ${textOf(running.outputs)}`;
}

test.for([
  ['spark', 'idle', true],
  ['spark', 'idle', false],
  ['spark', 'starting', false],
  ['IRkernel', 'starting', true],
  ['IRkernel', 'idle', false],
  ['ipython', 'starting', false],
  ['ipython', 'starting', true],
  ['ipython', 'idle', true],
] as const)('%s: a model that says %s while it works ends nothing (cut: %s)', async ([name, state, cut]) => {
  // A websocket that is renewed at the moment of the last words would lose them.
  const timings = { staleMs: 60_000 };
  await using rig = await startConnectedRig({ timings, prepare: (kernel) => (kernel.implementation = name) });
  expect(await workUnheard(rig, state, cut)).toBe('ok: done');
});

test('a resumed run of a kernel of unknown implementation does not end because the kernel answers while it is busy', async () => {
  await using rig = await startRig();
  const kernel = rig.server.addKernel();
  kernel.implementation = 'spark';
  kernel.executionState = 'busy';
  kernel.answersInfo = false;
  const proof = Promise.withResolvers<ScriptMessage>();
  kernel.onProof = proof.resolve;
  const { connection } = await connectTo(rig.gateway, kernel.id);
  const resumed = watch(connection.resume({ msgId: 'earlier', executionCount: 3 }));
  kernel.answersInfo = true;
  kernel.prove(await proof.promise, 4);
  expect(await resumed.end).toMatchObject({ kind: 'unknown', variablesLost: false });
});

test.for(['IRkernel', 'spark'])(
  '%s: a death while nobody was connected is found although the model still says busy',
  async (implementation) => {
    await using rig = await startRig();
    const kernel = rig.server.addKernel();
    kernel.implementation = implementation;
    kernel.executionState = 'busy';
    kernel.onProof = (request) => kernel.prove(request, 1);
    const { connection, untilEvent } = await connectTo(rig.gateway, kernel.id);
    const resumed = watch(connection.resume({ msgId: 'earlier', executionCount: 3 }));
    expect(await resumed.end).toMatchObject({ kind: 'kernelDied', variablesLost: true });
    await untilEvent('kernelRestarted');
    expect(await run(connection).end).toMatchObject({ kind: 'ok' });
  },
);

test('trap 51: after its own restart the gateway has forgotten the kernel', async () => {
  await using rig = await startConnectedRig();
  const { kernel } = rig;
  const running = await runBegun(rig);
  kernel.isDeleted = true;
  kernel.drop();
  expect(await running.end).toMatchObject({ kind: 'kernelGone', variablesLost: true });
  expect(kindsOf(running.outputs)).toContain('disconnected');
});

test('trap 47: closing the connection leaves the kernel and its run alone', async () => {
  await using rig = await startConnectedRig();
  const { kernel, connection } = rig;
  const running = await runBegun(rig);
  await connection.close();
  expect(kernel.sockets.size).toBe(0);
  expect(kernel.isDeleted).toBe(false);
  const later = await rig.gateway.connect(kernel.id, { sessionId: connection.sessionId });
  const resumed = watch(later.resume({ msgId: running.execution.msgId }));
  const [request] = kernel.received.filter((message) => message.header.msg_type === 'execute_request');
  if (request === undefined) throw new Error('nothing was sent');
  kernel.stream(request, 'end');
  kernel.end(request);
  expect(await resumed.end).toMatchObject({ kind: 'ok', possibleGap: true });
  expect(textOf(resumed.outputs)).toBe('end');
});

test('a starting that arrives after the new process has answered is not a second restart', async () => {
  await using rig = await startConnectedRig();
  const { kernel, connection, gateway } = rig;
  kernel.onRestart = () => {
    kernel.session = crypto.randomUUID();
  };
  await gateway.restartKernel(kernel.id);
  kernel.onExecute = (request) => {
    kernel.begin(request);
    kernel.status('starting');
    kernel.end(request);
  };
  expect(await run(connection).end).toMatchObject({ kind: 'ok', variablesLost: false });
  expect(rig.events).toEqual([{ kind: 'kernelRestarted', automatic: false }]);
});

test('a death whose messages were all lost shows by the process that answers', async () => {
  await using rig = await startConnectedRig();
  const { kernel, connection, events } = rig;
  kernel.onExecute = (request) => kernel.begin(request);
  const running = run(connection);
  await running.until('counted');
  kernel.buffers = false;
  kernel.drop();
  kernel.comeUp();
  kernel.executionState = 'idle';
  kernel.onExecute = (request) => kernel.run(request);
  expect(await running.end).toMatchObject({ kind: 'kernelDied', variablesLost: true });
  expect(await run(connection).end).toMatchObject({ kind: 'ok', possibleGap: false });
  expect(events).toContainEqual({ kind: 'kernelRestarted', automatic: true });
});

test('the same while nothing runs, and after exit()', async () => {
  await using rig = await startConnectedRig({ timings: { exitMs: 5_000 } });
  const { kernel, connection, events } = rig;
  kernel.onExecute = (request) => {
    kernel.begin(request);
    kernel.end(request, { payload: [{ source: 'ask_exit', keepkernel: false }] });
  };
  expect(await run(connection).end).toMatchObject({ kind: 'exited' });
  kernel.buffers = false;
  kernel.drop();
  kernel.comeUp();
  kernel.executionState = 'idle';
  kernel.onExecute = (request) => kernel.run(request);
  expect(await run(connection).end).toMatchObject({ kind: 'ok' });
  expect(events.filter((event) => event.kind === 'kernelRestarted')).toEqual([
    { kind: 'kernelRestarted', automatic: true },
  ]);
});
