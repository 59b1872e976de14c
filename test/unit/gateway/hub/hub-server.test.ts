import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import type { Gateway, StartKernel, GatewaySettings } from '../../../../src/gateway/gateway.ts';
import { run, startRig } from '../../../support/gateway-client.ts';
import { type ScriptedHub, startScriptedHub } from '../../../support/scripted-hub.ts';

/** A gateway that is a server of a hub: while that is stopped, the hub answers in its place. */
async function startBehindHub(
  options: {
    server?: string;
    token?: string;
    answer?: 'redirect' | 424 | 503;
    settings?: Partial<GatewaySettings>;
    isConfigured?: boolean;
    mayWrite?: () => boolean;
    hide?: (text: string) => string;
  } = {},
) {
  const { server = '', token = 'hub-token', answer = 'redirect', mayWrite = () => true, hide } = options;
  const { isConfigured = true } = options;
  const hub = await startScriptedHub('hub-token', server);
  const rig = await startRig({
    settings: {
      ...(isConfigured ? { hub: { apiUrl: hub.apiUrl, token, user: 'ana', server } } : {}),
      ...options.settings,
    },
    timings: { hubLookMs: 10, lookTimeoutMs: 1_000 },
    client: { mayWrite, hide },
  });
  rig.server.answer = ({ method, path }) => {
    if (hub.state === 'running') return undefined;
    if (answer !== 'redirect') return { status: answer, body: '' };
    if (method === 'GET') return { status: 302, headers: { location: `/hub/user/ana${path}` } };
    return { status: 403, body: '<html><p>403 : Forbidden</p></html>' };
  };
  return {
    ...rig,
    hub,
    async [Symbol.asyncDispose]() {
      await rig[Symbol.asyncDispose]();
      await hub[Symbol.asyncDispose]();
    },
  };
}

const start = (gateway: Gateway, more: Partial<StartKernel> = {}) =>
  gateway.startKernel({ kernelspec: 'python3', kernelId: randomUUID(), env: {}, ...more });

/** The server comes up, and then the kernel. */
async function comesUp({ hub }: { hub: ScriptedHub }, starting: Promise<unknown>): Promise<void> {
  await hub.untilAwaited();
  hub.state = 'running';
  await starting;
}

const starts = (calls: readonly string[]) => calls.filter((call) => call.startsWith('POST'));

test.for(['redirect', 424, 503] as const)(
  'a stopped server (%s) is started once for all who need it',
  async (answer) => {
    await using rig = await startBehindHub({ answer, settings: { startConcurrency: 3 } });
    const told: (number | undefined)[][] = [[], [], []];
    const started = told.map((moments) =>
      start(rig.gateway, { onServer: (sinceMs) => moments.push(sinceMs) }),
    );
    await rig.hub.untilAwaited();
    rig.hub.state = 'running';
    expect(new Set((await Promise.all(started)).map(({ id }) => id)).size).toBe(3);
    expect(starts(rig.hub.calls)).toEqual(['POST /hub/api/users/ana/server']);
    for (const moments of told) expect(moments).toEqual([expect.any(Number), undefined]);
  },
);

test('a named server has its own URL', async () => {
  await using rig = await startBehindHub({ server: 'big one' });
  const starting = start(rig.gateway);
  await comesUp(rig, starting);
  expect(starts(rig.hub.calls)).toEqual(['POST /hub/api/users/ana/servers/big%20one']);
});

test('a running server costs no calls', async () => {
  await using rig = await startBehindHub();
  rig.hub.state = 'running';
  await start(rig.gateway);
  expect(rig.hub.calls).toEqual([]);
});

test('lists, look-ups and deletions leave a stopped server stopped', async () => {
  await using rig = await startBehindHub();
  await expect(rig.gateway.readKernelspecs()).rejects.toMatchObject({ code: 'serverStopped', status: 424 });
  expect(await rig.gateway.findKernel('k')).toBeUndefined();
  await rig.gateway.shutDownKernel('k');
  await expect(rig.gateway.restartKernel('k')).rejects.toMatchObject({ code: 'kernelGone', status: 424 });
  await expect(rig.gateway.connect('k', { sessionId: 's' })).rejects.toMatchObject({ code: 'kernelGone' });
  expect(starts(rig.hub.calls)).toEqual([]);
});

test('a run whose server was stopped ends, because its kernel is gone', async () => {
  await using rig = await startBehindHub();
  rig.hub.state = 'running';
  const { id } = await start(rig.gateway);
  const kernel = rig.server.kernels.get(id);
  if (kernel === undefined) throw new Error('no kernel');
  const connection = await rig.gateway.connect(id, { sessionId: randomUUID() });
  kernel.onExecute = (request) => kernel.begin(request);
  const running = run(connection);
  await running.until('started');
  rig.hub.state = 'stopped';
  kernel.drop();
  expect((await running.end).kind).toBe('kernelGone');
});

test('a stopping server is started once it has stopped; a starting one is waited for', async () => {
  await using rig = await startBehindHub();
  rig.hub.state = 'stopping';
  const starting = start(rig.gateway);
  await expect.poll(() => rig.hub.calls.length).toBeGreaterThan(1);
  expect(starts(rig.hub.calls)).toEqual([]);
  // Somebody else has it started.
  rig.hub.state = 'starting';
  await comesUp(rig, starting);
  expect(starts(rig.hub.calls)).toEqual([]);
});

test('a server that stops again is not started for ever, and the next start begins anew', async () => {
  await using rig = await startBehindHub();
  const starting = start(rig.gateway);
  starting.catch(() => undefined);
  await rig.hub.untilAwaited();
  rig.hub.state = 'stopped';
  await expect(starting).rejects.toMatchObject({
    code: 'startFailed',
    message: 'JupyterHub could not start the server: it has stopped again; the hub’s log says why',
  });
  expect(starts(rig.hub.calls)).toHaveLength(1);
  await comesUp(rig, start(rig.gateway));
});

test.for([
  ['Spawn failed: the quota is used up', 'the quota is used up'],
  ['Spawn failed: ', 'it has stopped again; the hub’s log says why'],
] as const)('a start that fails after its answer has the hub’s reason (%s)', async ([failure, why]) => {
  await using rig = await startBehindHub();
  const starting = start(rig.gateway);
  starting.catch(() => undefined);
  await rig.hub.untilAwaited();
  rig.hub.failure = failure;
  rig.hub.state = 'stopped';
  await expect(starting).rejects.toMatchObject({
    code: 'startFailed',
    message: `JupyterHub could not start the server: ${why}`,
  });
});

test('no secret is told with the hub’s reason for a start that failed, however its JSON writes it', async () => {
  await using rig = await startBehindHub({ hide: (text) => text.replaceAll('täg-7', '[secret]') });
  const starting = start(rig.gateway);
  starting.catch(() => undefined);
  await rig.hub.untilAwaited();
  rig.hub.failure = 'Spawn failed: no access with täg-7';
  rig.hub.state = 'stopped';
  await expect(starting).rejects.toMatchObject({
    message: 'JupyterHub could not start the server: no access with [secret]',
  });
});

test('a token that may not read the state is refused in words', async () => {
  await using rig = await startBehindHub();
  rig.hub.isStateHidden = true;
  await expect(start(rig.gateway)).rejects.toMatchObject({
    code: 'unauthorized',
    message: 'JupyterHub does not allow us to see its user’s servers (status 403)',
  });
  expect(starts(rig.hub.calls)).toEqual([]);
});

test.for([
  [
    { status: 403, message: 'no' },
    { code: 'refused', status: 403 },
  ],
  [
    { status: 500, message: 'broken' },
    { code: 'startFailed', status: undefined },
  ],
] as const)('a hub that answers %o', async ([refusal, expected]) => {
  await using rig = await startBehindHub();
  rig.hub.refuseStart = refusal;
  await expect(start(rig.gateway)).rejects.toMatchObject({
    ...expected,
    message: expect.stringMatching(/^JupyterHub .*(no|broken)/),
  });
});

test('a hub that refuses the start of a stopped server again is not asked for ever', async () => {
  await using rig = await startBehindHub();
  rig.hub.refuseStart = { status: 400, message: 'Named servers are not enabled.' };
  await expect(start(rig.gateway)).rejects.toMatchObject({
    code: 'startFailed',
    message: 'JupyterHub could not start the server: Named servers are not enabled',
  });
  expect(starts(rig.hub.calls)).toHaveLength(2);
});

test('a hub that looks whether the server runs is waited for', async () => {
  await using rig = await startBehindHub();
  rig.hub.state = 'checked';
  const starting = start(rig.gateway);
  await expect.poll(() => rig.hub.calls.length).toBeGreaterThan(1);
  await comesUp(rig, starting);
  expect(starts(rig.hub.calls)).toEqual([]);
});

test('an unknown token is reported, but not shown', async () => {
  await using rig = await startBehindHub({ token: 's3cret-token' });
  const failing = start(rig.gateway);
  await expect(failing).rejects.toMatchObject({ code: 'unauthorized', status: 403 });
  await expect(failing).rejects.not.toMatchObject({ message: expect.stringContaining('s3cret') });
});

test('a hub that answers 429 is asked again', async () => {
  await using rig = await startBehindHub();
  rig.hub.refuseStart = { status: 429, message: 'too many pending spawns' };
  const starting = start(rig.gateway);
  await expect.poll(() => starts(rig.hub.calls).length).toBeGreaterThan(1);
  rig.hub.refuseStart = undefined;
  await comesUp(rig, starting);
});

test('a hub that restarts during the start is waited for; one that is down before is reported', async () => {
  await using rig = await startBehindHub();
  rig.hub.away = 503;
  await expect(start(rig.gateway)).rejects.toMatchObject({
    code: 'unreachable',
    message: 'JupyterHub is not there behind its proxy (status 503)',
  });
  rig.hub.away = undefined;
  const starting = start(rig.gateway);
  await rig.hub.untilAwaited();
  rig.hub.away = 503;
  const before = rig.hub.calls.length;
  await expect.poll(() => rig.hub.calls.length).toBeGreaterThan(before + 1);
  rig.hub.away = undefined;
  await comesUp(rig, starting);
  expect(starts(rig.hub.calls)).toHaveLength(1);
});

test('a start that meets a proxy without a hub is requested again', async () => {
  await using rig = await startBehindHub();
  rig.hub.refuseStart = { status: 503 };
  const starting = start(rig.gateway);
  await expect.poll(() => starts(rig.hub.calls).length).toBeGreaterThan(1);
  rig.hub.refuseStart = undefined;
  await comesUp(rig, starting);
});

test('a hub that is down is reported as unreachable', async () => {
  const rig = await startBehindHub();
  await rig.hub[Symbol.asyncDispose]();
  await expect(start(rig.gateway)).rejects.toMatchObject({ code: 'unreachable' });
  await rig.gateway.close();
  await rig.server.close();
});

test.for([false, true])(
  'a server that does not run in time fails the start (a silent hub: %s)',
  async (isSilent) => {
    await using rig = await startBehindHub({ settings: { launchTimeoutMs: 1_000 } });
    rig.hub.isSilent = isSilent;
    await expect(rig.gateway.startServer?.()).rejects.toMatchObject({
      code: 'startFailed',
      message: 'JupyterHub could not start the server: it does not run after 1 s',
    });
  },
);

test('a hub that has no room in time says so', async () => {
  await using rig = await startBehindHub({ settings: { launchTimeoutMs: 1_000 } });
  rig.hub.refuseStart = { status: 429, message: 'Active server limit exceeded.' };
  await expect(start(rig.gateway)).rejects.toMatchObject({
    code: 'startFailed',
    message:
      'JupyterHub could not start the server: it does not run after 1 s (Active server limit exceeded)',
  });
});

test('a start that is given up meanwhile starts no kernel', async () => {
  await using rig = await startBehindHub();
  const stopping = new AbortController();
  const starting = start(rig.gateway, { signal: stopping.signal });
  starting.catch(() => undefined);
  await rig.hub.untilAwaited();
  stopping.abort();
  await expect(starting).rejects.toMatchObject({ code: 'startFailed' });
  rig.hub.state = 'running';
  await start(rig.gateway);
  expect(rig.server.kernels.size).toBe(1);
});

test('a process that may write nothing starts no server', async () => {
  await using rig = await startBehindHub({ mayWrite: () => false });
  await expect(rig.gateway.startServer?.()).rejects.toMatchObject({ code: 'writesPaused' });
  expect(starts(rig.hub.calls)).toEqual([]);
});

test('a hub’s proxy without a route to a running server is an outage; no kernel counts as gone', async () => {
  await using rig = await startBehindHub();
  rig.hub.state = 'running';
  const { id } = await start(rig.gateway);
  rig.server.answer = ({ path }) => ({ status: 302, headers: { location: `/hub/user/ana${path}` } });
  await expect(rig.gateway.findKernel(id)).rejects.toMatchObject({ code: 'unreachable' });
  const connecting = rig.gateway.connect(id, { sessionId: randomUUID() });
  await expect(connecting).rejects.toMatchObject({ code: 'serverStopped' });
  rig.server.answer = () => undefined;
  expect(await rig.gateway.findKernel(id)).toMatchObject({ id });
});

test('without hub settings a stopped server is reported, and no kernel counts as gone', async () => {
  await using rig = await startBehindHub({ isConfigured: false });
  for (const call of [
    () => start(rig.gateway),
    () => rig.gateway.readKernelspecs(),
    () => rig.gateway.findKernel('k'),
    () => rig.gateway.connect('k', { sessionId: 's' }),
  ])
    await expect(call()).rejects.toMatchObject({
      code: 'serverStopped',
      message: 'The JupyterHub server is stopped (status 424)',
    });
});
