import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { createGatewayClient } from '../../../src/gateway/client.ts';
import { Secrets, silentLog, startLog } from '../../../src/log.ts';
import { run, settingsFor, startRig } from '../../support/gateway-client.ts';
import type { Call, CannedAnswer, ScriptedGateway } from '../../support/scripted-gateway.ts';

/** Traps of protocol.md §5 about REST calls, starts and credentials; numbers as there. */

const start = (more: object = {}) => ({
  kernelspec: 'python3',
  kernelId: randomUUID(),
  env: { KERNEL_USERNAME: 'bot' },
  ...more,
});
const isPost = (call: Call) => call.method === 'POST' && call.path === '/api/kernels';

/** Holds every start back until the returned function is called. */
function holdPosts(server: ScriptedGateway): () => void {
  const { promise: gate, resolve: open } = Promise.withResolvers<void>();
  server.answer = async (call) => {
    if (isPost(call)) await gate;
    return undefined;
  };
  return open;
}
const postsOf = (calls: readonly Call[]) => calls.filter(isPost);

test('the seeds’ calls as they come from a healthy gateway', async () => {
  await using rig = await startRig();
  const { gateway } = rig;
  expect(await gateway.readInfo()).toEqual({ version: '2.21.1' });
  expect(await gateway.readKernelspecs()).toEqual({
    default: 'python3',
    list: [
      { name: 'python3', displayName: 'Python 3', language: 'python' },
      { name: 'scala-spark', displayName: 'Scala', language: 'scala' },
    ],
  });
  expect(await gateway.listKernels()).toBeUndefined();
  const wanted = start();
  const model = await gateway.startKernel(wanted);
  expect(model).toEqual({
    id: wanted.kernelId,
    name: 'python3',
    executionState: 'starting',
    connections: 0,
  });
  expect(await gateway.findKernel(model.id)).toMatchObject({ id: model.id });
  await gateway.shutDownKernel(model.id);
  expect(await gateway.findKernel(model.id)).toBeUndefined();
  await gateway.shutDownKernel(model.id);
});

test('an incomplete kernelspec is listed by its name and does not affect the others', async () => {
  await using rig = await startRig();
  const { server, gateway } = rig;
  const kernelspecs = {
    python3: { name: 'python3', spec: { display_name: 'Python 3', language: 'python' } },
    // As Jupyter fills in what a kernel.json leaves out.
    empty: { name: 'empty', spec: { display_name: '', language: '' } },
    nulls: { name: 'nulls', spec: { display_name: null, language: null } },
    endless: { name: 'endless', spec: { display_name: 'E'.repeat(9_000), language: '.'.repeat(9_000) } },
    specless: { name: 'specless' },
    nothing: null,
  };
  server.answer = () => ({ status: 200, body: { default: null, kernelspecs } });
  expect(await gateway.readKernelspecs()).toEqual({
    default: '',
    list: [
      { name: 'python3', displayName: 'Python 3', language: 'python' },
      ...['empty', 'nulls'].map((name) => ({ name, displayName: name, language: '' })),
      { name: 'endless', displayName: 'E'.repeat(500), language: '.'.repeat(500) },
      ...['specless', 'nothing'].map((name) => ({ name, displayName: name, language: '' })),
    ],
  });
});

test('a gateway that lists its kernels', async () => {
  await using rig = await startRig();
  const { server, gateway } = rig;
  server.answer = (call) =>
    call.path === '/api/kernels'
      ? {
          status: 200,
          body: [
            { id: 'a', name: 'python3', execution_state: 'odd' },
            { id: 'b', name: 'ir', reason: 'oom' },
          ],
        }
      : undefined;
  expect(await gateway.listKernels()).toEqual([
    { id: 'a', name: 'python3', executionState: 'odd' },
    { id: 'b', name: 'ir', executionState: 'unknown', reason: 'oom' },
  ]);
});

test('a 403 of Jupyter Server for a bad token is not a refusal to list kernels', async () => {
  await using rig = await startRig();
  rig.server.answer = () => ({ status: 403, body: { message: 'Forbidden', reason: null } });
  await expect(rig.gateway.listKernels()).rejects.toMatchObject({ code: 'unauthorized', status: 403 });
});

test.for([
  { startConcurrency: 1, told: [[], [1], [2, 1]] },
  { startConcurrency: 2, told: [[], [], [2]] },
])(
  'traps 2, 49: starts take turns, $startConcurrency at once, each with a complete env; those waiting are told their place',
  async ({ startConcurrency, told: expected }) => {
    await using rig = await startRig({ settings: { startConcurrency } });
    const { server, gateway } = rig;
    const { promise: gate, resolve: open } = Promise.withResolvers<undefined>();
    let atOnce = 0;
    let most = 0;
    server.answer = async (call) => {
      if (!isPost(call)) return undefined;
      atOnce += 1;
      most = Math.max(most, atOnce);
      await gate;
      atOnce -= 1;
      return undefined;
    };
    const places: number[][] = [[], [], []];
    const starts = places.map((told) =>
      gateway.startKernel(start({ onTurn: (before: number) => told.push(before) })),
    );
    await expect.poll(() => atOnce).toBe(startConcurrency);
    open(undefined);
    await Promise.all(starts);
    expect(most).toBe(startConcurrency);
    expect(places).toEqual(expected);
    expect(postsOf(server.calls)).toHaveLength(3);
    for (const post of postsOf(server.calls)) {
      expect(post.body).toEqual({
        name: 'python3',
        kernel_id: expect.any(String),
        env: { KERNEL_USERNAME: 'bot', KERNEL_LAUNCH_TIMEOUT: '20', KERNEL_ID: expect.any(String) },
      });
    }
  },
);

test('a start that is given up while it waits for its turn is never sent', async () => {
  await using rig = await startRig();
  const { server, gateway } = rig;
  const open = holdPosts(server);
  const first = gateway.startKernel(start());
  const giveUp = new AbortController();
  const second = gateway.startKernel(start({ signal: giveUp.signal }));
  giveUp.abort();
  await expect(second).rejects.toMatchObject({ code: 'startFailed' });
  open();
  await first;
  await gateway.startKernel(start());
  expect(postsOf(server.calls)).toHaveLength(2);
});

test('trap 3: a start that is given up while the gateway works on it leaves no kernel', async () => {
  await using rig = await startRig();
  const { server, gateway } = rig;
  const open = holdPosts(server);
  const giveUp = new AbortController();
  const wanted = start({ signal: giveUp.signal });
  const starting = gateway.startKernel(wanted);
  await server.untilCall(isPost);
  giveUp.abort();
  await expect(starting).rejects.toMatchObject({ code: 'startFailed' });
  server.answer = (call) => (call.method === 'DELETE' ? { status: 502, body: '' } : undefined);
  open();
  // One deletion is sent three times at most.
  for (let sent = 0; sent < 4; sent += 1) await server.untilCall((call) => call.method === 'DELETE');
  server.answer = () => undefined;
  await expect.poll(() => server.kernels.get(wanted.kernelId)?.isDeleted).toBe(true);
});

test('a start that a proxy answers in the gateway’s place is not sent again once it is given up', async () => {
  for (const how of ['signal', 'release']) {
    await using rig = await startRig({ timings: { shutdownLookMs: 60_000 } });
    const { server, gateway } = rig;
    server.answer = (call) => (isPost(call) ? { status: 404, body: '<html></html>' } : undefined);
    const giveUp = new AbortController();
    const noted: boolean[] = [];
    const onLost = (_: string, isLost: boolean): void => void noted.push(isLost);
    const starting = gateway.startKernel(start({ [how]: giveUp.signal, onLost }));
    for (let posts = 0; posts < 2; posts += 1) await server.untilCall(isPost);
    giveUp.abort();
    await expect(starting).rejects.toMatchObject({
      code: how === 'signal' ? 'startFailed' : 'unreachable',
    });
    // The next start has its turn once that one is over.
    server.answer = () => undefined;
    const next = await gateway.startKernel(start());
    expect(postsOf(server.calls)).toHaveLength(3);
    expect([...server.kernels.keys()]).toEqual([next.id]);
    expect(noted).toEqual(how === 'signal' ? [true, false] : []);
    expect(server.calls.filter(({ method }) => method === 'DELETE')).toEqual([]);
  }
});

test('a repeated start that is given up while its kernel is looked for is never sent', async () => {
  await using rig = await startRig();
  const { server, gateway } = rig;
  const looked = Promise.withResolvers<undefined>();
  server.answer = ({ method }) => (method === 'GET' ? looked.promise : undefined);
  const giveUp = new AbortController();
  const starting = gateway.startKernel(start({ isRepeated: true, signal: giveUp.signal }));
  await server.untilCall(({ method }) => method === 'GET');
  giveUp.abort();
  await expect(starting).rejects.toMatchObject({ code: 'startFailed' });
  looked.resolve(undefined);
  server.answer = () => undefined;
  await gateway.startKernel(start());
  expect(postsOf(server.calls)).toHaveLength(1);
});

test.for<[string, CannedAnswer | 'reset' | 'hang', string?]>([
  ['a connection that breaks', 'reset'],
  ['a proxy that gives up waiting', { status: 504, body: '<html>Gateway Time-out</html>' }],
  ['a proxy that says so in JSON', { status: 504, body: { message: 'Endpoint request timed out' } }],
  ['a Knox that gives up waiting', { status: 500, body: '<html>Error 500</html>' }, 'startFailed'],
  ['no answer at all', 'hang'],
])(
  'trap 3: a start whose answer is lost by %s is deleted by its chosen id, also when it comes late',
  async ([, loss, code = 'unreachable']) => {
    await using rig = await startRig({ settings: { launchTimeoutMs: 600 } });
    const { server, gateway } = rig;
    server.answer = (call) => (isPost(call) ? loss : undefined);
    const wanted = start();
    const deleted = server.untilCall((call) => call.method === 'DELETE');
    await expect(gateway.startKernel(wanted)).rejects.toMatchObject({ code });
    expect((await deleted).path).toBe(`/api/kernels/${wanted.kernelId}`);
    // It was not there yet; now it comes up.
    const kernel = server.addKernel(wanted.kernelId);
    const again = server.untilCall((call) => call.method === 'DELETE');
    await again;
    await expect.poll(() => kernel.isDeleted).toBe(true);
  },
);

test('trap 3: the kernel of a lost start is deleted also after an outage that is longer than a launch', async () => {
  await using rig = await startRig({ settings: { launchTimeoutMs: 50 } });
  const { server, gateway } = rig;
  server.answer = () => 'reset';
  const wanted = start();
  await expect(gateway.startKernel(wanted)).rejects.toMatchObject({ code: 'unreachable' });
  // One deletion is sent three times at most.
  for (let sent = 0; sent < 4; sent += 1) await server.untilCall((call) => call.method === 'DELETE');
  const kernel = server.addKernel(wanted.kernelId);
  server.answer = () => undefined;
  await expect.poll(() => kernel.isDeleted).toBe(true);
});

test('trap 3: a proxy’s 500 to the deletion of a kernel that is not there yet does not end the search for it', async () => {
  await using rig = await startRig({ settings: { launchTimeoutMs: 1_000 } });
  const { server, gateway } = rig;
  const wanted = start();
  let isFailing = true;
  server.answer = (call) => {
    if (isPost(call)) return 'reset';
    if (!isFailing) return undefined;
    if (call.method === 'DELETE') return { status: 500, body: '<html>Error 500</html>' };
    isFailing = false;
    return { status: 404, body: { message: `Kernel does not exist: ${wanted.kernelId}`, reason: null } };
  };
  await expect(gateway.startKernel(wanted)).rejects.toMatchObject({ code: 'unreachable' });
  await expect.poll(() => isFailing).toBe(false);
  const kernel = server.addKernel(wanted.kernelId);
  await expect.poll(() => kernel.isDeleted).toBe(true);
});

test('trap 3: a gateway or proxy that answers and never lets a kernel be deleted ends the search for it', async () => {
  const searched = Promise.withResolvers<void>();
  const warn = (about: object): void => {
    if (Reflect.get(about, 'event') === 'kernel.unanswered') searched.resolve();
  };
  await using rig = await startRig({
    settings: { launchTimeoutMs: 50 },
    client: { log: { ...silentLog, warn } },
  });
  const { server, gateway } = rig;
  server.answer = (call) => (isPost(call) ? 'reset' : { status: 200, body: '<html>Welcome</html>' });
  await expect(gateway.startKernel(start())).rejects.toMatchObject({ code: 'unreachable' });
  await searched.promise;
});

test('a search for the kernel of a start that begins anew ends the one before, which would miss the kernel', async () => {
  const warned: unknown[] = [];
  const warn = (about: object): void => void warned.push(Reflect.get(about, 'kernelId'));
  await using rig = await startRig({
    settings: { launchTimeoutMs: 300 },
    client: { log: { ...silentLog, warn } },
  });
  const { server, gateway } = rig;
  const open = holdPosts(server);
  const giveUp = new AbortController();
  const noted: boolean[] = [];
  const onLost = (_: string, isLost: boolean): void => void noted.push(isLost);
  const given = start({ signal: giveUp.signal, onLost });
  const starting = gateway.startKernel(given);
  await server.untilCall(isPost);
  giveUp.abort();
  await expect(starting).rejects.toMatchObject({ code: 'startFailed' });
  const deleted = server.untilCall((call) => call.method === 'DELETE');
  gateway.removeLost(given.kernelId, onLost);
  await deleted;
  open();
  await expect.poll(() => noted.at(-1)).toBe(false);
  expect(server.kernels.get(given.kernelId)?.isDeleted).toBe(true);
  const lost = start({ onLost });
  server.answer = (call) => (isPost(call) ? 'reset' : undefined);
  await expect(gateway.startKernel(lost)).rejects.toMatchObject({ code: 'unreachable' });
  // Begun later, this search ends later than a second one for the first kernel would.
  await expect.poll(() => warned).not.toEqual([]);
  expect(noted).toEqual([true, true, true, false, true, false]);
  expect(warned).toEqual([lost.kernelId]);
});

test('a repeated start finds the kernel of the first one, even if the gateway chooses ids itself', async () => {
  await using rig = await startRig();
  const { server, gateway } = rig;
  const first = server.addKernel();
  expect(await gateway.startKernel(start({ kernelId: first.id, isRepeated: true }))).toMatchObject({
    id: first.id,
  });
  expect(postsOf(server.calls)).toEqual([]);
});

test('trap 10: an unknown kernelspec is a 500 without a reason; the error names it', async () => {
  await using rig = await startRig();
  const failing = rig.gateway.startKernel(start({ kernelspec: 'pyhton3' }));
  await expect(failing).rejects.toMatchObject({
    code: 'startFailed',
    message: expect.stringContaining('pyhton3'),
  });
  await expect(failing).rejects.not.toMatchObject({ message: expect.stringContaining('secret path') });
});

test.for<[string, CannedAnswer, object]>([
  [
    'limit of kernels',
    { status: 403, body: { reason: 'Forbidden', message: 'Resource Limit' } },
    { code: 'refused', message: expect.stringContaining('Resource Limit') },
  ],
  [
    'trap 46: a user refused in reason alone',
    { status: 403, body: { reason: 'User bot is not authorized', message: '' } },
    { code: 'refused', message: expect.stringContaining('not authorized') },
  ],
  [
    'whole sentences within one of ours',
    { status: 403, body: { reason: 'User bot is refused. Set another and retry the request.', message: '' } },
    {
      message:
        'The gateway refused to start python3 (status 403: User bot is refused. Set another and retry the request)',
    },
  ],
  [
    'a launch time-out',
    { status: 500, body: { reason: "KernelID: 'x' launch timeout due to: waited too long", message: '' } },
    { code: 'startFailed', message: expect.stringContaining('launch timeout') },
  ],
  [
    'no resources on YARN',
    { status: 503, body: { reason: 'YARN resources are lacking', message: '' } },
    { code: 'startFailed', message: expect.stringContaining('YARN') },
  ],
  [
    'bad env',
    { status: 400, body: { message: "Environment variable 'X' value must be a string" } },
    { code: 'refused' },
  ],
  [
    'a missing token on Jupyter Server',
    { status: 403, body: { message: "'_xsrf' argument missing from POST", reason: null } },
    { code: 'unauthorized' },
  ],
  [
    'a wrong token',
    { status: 401, body: { reason: 'Unauthorized', message: '' } },
    { code: 'unauthorized', status: 401 },
  ],
  [
    'a page to log in',
    { status: 302, headers: { location: '/sso/login' } },
    { code: 'unauthorized', message: 'The gateway sent us to a login page (status 302)' },
  ],
  [
    'a status that nobody expects',
    { status: 507, body: '' },
    { code: 'startFailed', message: 'The gateway could not start python3: it gives no reason' },
  ],
  ['a proxy before a gateway that is away', { status: 522, body: '' }, { code: 'unreachable' }],
  [
    'a proxy that limits the rate',
    { status: 429, body: '' },
    { code: 'unreachable', message: 'Too many requests reach the gateway just now (status 429)' },
  ],
  [
    'a page in place of a kernel',
    { status: 200, body: '<html><body>hello</body></html>' },
    { code: 'badAnswer' },
  ],
  ['a kernel without an id', { status: 201, body: { name: 'python3' } }, { code: 'badAnswer' }],
])('a start that the gateway refuses: %s', async ([, answer, error]) => {
  await using rig = await startRig();
  rig.server.answer = (call) => (isPost(call) ? answer : undefined);
  await expect(rig.gateway.startKernel(start())).rejects.toMatchObject(error);
});

test.for<[string, CannedAnswer, object]>([
  [
    'trap 11: a redirect to a login page',
    { status: 302, headers: { location: 'https://sso.example.org/login?next=/' } },
    { code: 'unauthorized', status: 302 },
  ],
  [
    'trap 11: a redirect to elsewhere',
    { status: 302, headers: { location: '/jkg/api/kernelspecs?code=s3cret' } },
    {
      code: 'badAnswer',
      status: 302,
      message: 'The gateway redirected us to /jkg/api/kernelspecs (status 302)',
    },
  ],
  [
    'a login page as an answer',
    { status: 200, body: '<html><form><input type="password"></form></html>' },
    { code: 'unauthorized' },
  ],
  ...[
    '<!doctype html><head><title>Sign in to your account</title></head>',
    '<html><title>My Company - Sign In</title><script src="/okta.js"></script>',
    '<title>Log in - Grafana</title>',
    '<html><meta http-equiv="refresh" content="0; url=/oauth2/start?rd=%2Fapi">',
    '<form method="post" action="https://idp.example.org/"><input type="hidden" name="SAMLRequest" value="x">',
    '<html><script>window.location.href = "https://login.example.org/authorize?client_id=1"</script></html>',
  ].map((body): [string, CannedAnswer, object] => [body, { status: 200, body }, { code: 'unauthorized' }]),
  ['another page', { status: 200, body: '<!doctype html><title>Welcome</title>' }, { code: 'badAnswer' }],
  ['broken JSON', { status: 200, body: '{"kernelspecs":' }, { code: 'badAnswer' }],
  ['JSON of another kind', { status: 200, body: { hello: 1 } }, { code: 'badAnswer' }],
  [
    'Jupyter Server’s 403',
    { status: 403, body: { message: 'Forbidden', reason: null } },
    { code: 'unauthorized', status: 403 },
  ],
  [
    'a 401 page',
    { status: 401, body: '<html>401 Authorization Required</html>' },
    { code: 'unauthorized', status: 401 },
  ],
  ['a 404 of a wrong prefix', { status: 404, body: '<html>404</html>' }, { code: 'refused', status: 404 }],
  [
    'a redirect to another address, whose query may be secret',
    { status: 301, headers: { location: 'https://gateway.example.org/jkg/api/kernelspecs?code=s3cret' } },
    { message: 'The gateway redirected us to https://gateway.example.org/jkg/api/kernelspecs (status 301)' },
  ],
  [
    'a redirect without an address',
    { status: 307, body: '' },
    { message: 'The gateway redirected us (status 307)' },
  ],
  [
    'a proxy’s page, whose title says what is wrong',
    {
      status: 400,
      body: '<html>\r\n<head><title>400 The plain HTTP request was sent to HTTPS port</title></head>',
    },
    {
      code: 'refused',
      message:
        'The gateway refused its kernelspecs (status 400: The plain HTTP request was sent to HTTPS port)',
    },
  ],
  [
    'a page whose title has only the status',
    { status: 404, body: '<title>404</title>' },
    { message: 'The gateway refused its kernelspecs (status 404)' },
  ],
  ...['No required SSL certificate was sent', 'The SSL certificate error'].map(
    (said): [string, CannedAnswer, object] => [
      `nginx wants another client certificate: ${said}`,
      { status: 400, body: `<html><head><title>400 ${said}</title></head></html>` },
      {
        code: 'unauthorized',
        message: `The gateway does not accept our client certificate (status 400: ${said})`,
      },
    ],
  ),
  ['an error without a body', { status: 500, body: '' }, { code: 'badAnswer', status: 500 }],
])('an answer that is none: %s', async ([, answer, error]) => {
  await using rig = await startRig();
  rig.server.answer = () => answer;
  await expect(rig.gateway.readKernelspecs()).rejects.toMatchObject({ name: 'GatewayError', ...error });
  expect(rig.server.calls).toHaveLength(1);
});

test.for<[string, string]>([
  ['<html><form><input type="password"></form></html>', 'unauthorized'],
  ['<!doctype html><title>Welcome</title>', 'badAnswer'],
])('a page in place of a deletion or a restart is no success: %s', async ([body, code]) => {
  await using rig = await startRig();
  const { id } = rig.server.addKernel();
  rig.server.answer = () => ({ status: 200, body });
  await expect(rig.gateway.shutDownKernel(id)).rejects.toMatchObject({ code });
  await expect(rig.gateway.restartKernel(id)).rejects.toMatchObject({ code });
});

test('a front that answers 200 and {} to a deletion has not done it', async () => {
  await using rig = await startRig();
  const { id } = rig.server.addKernel();
  rig.server.answer = ({ method }) => (method === 'GET' ? undefined : { status: 200, body: {} });
  const error = { code: 'badAnswer', message: expect.stringContaining('answered with something else') };
  await expect(rig.gateway.shutDownKernel(id)).rejects.toMatchObject(error);
  rig.server.kernels.get(id)!.isDeleted = true;
  await expect(rig.gateway.shutDownKernel(id), 'it did delete it').resolves.toBeUndefined();
});

test('a 404 in HTML does not prove that a kernel is gone', async () => {
  await using rig = await startRig();
  rig.server.answer = () => ({ status: 404, body: '<html>404 Not Found</html>' });
  await expect(rig.gateway.findKernel('a')).rejects.toMatchObject({ code: 'unreachable' });
  rig.server.answer = ({ path }) =>
    path.endsWith('/a') ? { status: 404, body: '<html>404 Not Found</html>' } : undefined;
  await expect(rig.gateway.findKernel('a')).rejects.toMatchObject({ code: 'refused' });
});

test('behind a proxy with its own page for each 404 the list of a gateway tells at once that a kernel is gone', async () => {
  await using rig = await startRig({ timings: { shutdownLookMs: 60_000 } });
  const { server, gateway } = rig;
  const [gone, alive] = [server.addKernel(), server.addKernel()];
  gone.isDeleted = true;
  const list = [{ id: alive.id, name: 'python3', execution_state: 'idle' }];
  server.answer = ({ path }) => {
    if (path === '/api/kernels') return { status: 200, body: list };
    return path.includes('/kernels/') ? { status: 404, body: '<html>404 Not Found</html>' } : undefined;
  };
  expect(await gateway.findKernel(gone.id)).toBeUndefined();
  expect(await gateway.findKernel(alive.id)).toMatchObject({ id: alive.id, executionState: 'idle' });
});

test('a connection that meets such pages can be given up', async () => {
  await using rig = await startRig({ timings: { shutdownLookMs: 60_000 } });
  const { server, gateway } = rig;
  server.answer = ({ path }) =>
    path.includes('kernels/a') ? { status: 404, body: '<html></html>' } : undefined;
  const giveUp = new AbortController();
  const connecting = gateway.connect('a', { sessionId: 's', signal: giveUp.signal });
  const failure = expect(connecting).rejects.toMatchObject({ code: 'unreachable' });
  for (let looks = 0; looks < 2; looks += 1)
    await server.untilCall(({ path, isUpgrade }) => path.endsWith('/a') && !isUpgrade);
  giveUp.abort();
  await failure;
});

test.for([429, 502, 503, 504])('a GET is repeated over a passing %d', async (status) => {
  await using rig = await startRig();
  rig.server.answer = (call) =>
    rig.server.calls.indexOf(call) === 0 ? { status, body: '<html></html>' } : undefined;
  expect(await rig.gateway.readInfo()).toEqual({ version: '2.21.1' });
  expect(rig.server.calls).toHaveLength(2);
});

test('a GET is repeated after a broken connection, at most three times; a POST is not', async () => {
  await using rig = await startRig();
  const { server, gateway } = rig;
  server.answer = (call) => (call.path === '/api' || isPost(call) ? 'reset' : undefined);
  await expect(gateway.readInfo()).rejects.toMatchObject({ code: 'unreachable' });
  expect(server.calls).toHaveLength(3);
  await expect(gateway.startKernel(start())).rejects.toMatchObject({ code: 'unreachable' });
  expect(postsOf(server.calls)).toHaveLength(1);
});

test('a GET without an answer times out, and can be aborted before', async () => {
  await using rig = await startRig({ timings: { callMs: 200 } });
  const { server, gateway } = rig;
  server.answer = () => 'hang';
  await expect(gateway.readInfo()).rejects.toMatchObject({
    code: 'unreachable',
    message: expect.stringContaining('0.2 s'),
  });
  const giveUp = new AbortController();
  const asking = gateway.readInfo(giveUp.signal);
  giveUp.abort();
  await expect(asking).rejects.toMatchObject({
    code: 'unreachable',
    message: expect.stringContaining('given up'),
  });
});

test('an answer that came while this process stood still came in time', async () => {
  await using rig = await startRig({ timings: { callMs: 500 } });
  rig.server.answer = () => {
    const until = performance.now() + 1_000;
    // Runs when the answer has been written, and lets nobody read it before the timeout.
    process.nextTick(() => {
      while (performance.now() < until);
    });
    return undefined;
  };
  expect(await rig.gateway.readInfo()).toEqual({ version: '2.21.1' });
  expect(rig.server.calls).toHaveLength(1);
});

test('trap 52: of two simultaneous deletions, a 500 for one counts as success', async () => {
  await using rig = await startRig();
  const kernel = rig.server.addKernel();
  rig.server.answer = (call) => {
    if (call.method !== 'DELETE') return undefined;
    kernel.isDeleted = true;
    return { status: 500, body: '' };
  };
  await expect(rig.gateway.shutDownKernel(kernel.id)).resolves.toBeUndefined();
});

test.for(['DELETE', 'restart'])(
  'a %s of a missing kernel behind a proxy that puts its own page in place of each 404',
  async (call) => {
    await using rig = await startRig();
    const { server, gateway } = rig;
    const kernelId = crypto.randomUUID();
    server.answer = ({ path }) =>
      path.includes(kernelId) ? { status: 404, body: '<html>404 Not Found</html>' } : undefined;
    if (call === 'DELETE') await expect(gateway.shutDownKernel(kernelId)).resolves.toBeUndefined();
    else await expect(gateway.restartKernel(kernelId)).rejects.toMatchObject({ code: 'kernelGone' });
    // A proxy that answers so to everything proves nothing.
    server.answer = () => ({ status: 404, body: '<html>404 Not Found</html>' });
    const asked = call === 'DELETE' ? gateway.shutDownKernel(kernelId) : gateway.restartKernel(kernelId);
    await expect(asked).rejects.toMatchObject({ code: 'unreachable' });
  },
);

test.for([
  ['that fails during a restart', { status: 500, body: { message: 'Unknown server error' } }],
  ['that a proxy answers in place of the gateway', { status: 404, body: '<html>404 Not Found</html>' }],
] as const)('a deletion %s is repeated', async ([, answer]) => {
  await using rig = await startRig();
  const kernel = rig.server.addKernel();
  let deletions = 0;
  rig.server.answer = (call) => {
    if (call.method !== 'DELETE') return undefined;
    deletions += 1;
    return deletions === 1 ? answer : undefined;
  };
  await rig.gateway.shutDownKernel(kernel.id);
  expect(kernel.isDeleted).toBe(true);
});

test('a failing deletion is reported', async () => {
  await using rig = await startRig();
  const kernel = rig.server.addKernel();
  rig.server.answer = (call) => (call.method === 'DELETE' ? { status: 500, body: '' } : undefined);
  await expect(rig.gateway.shutDownKernel(kernel.id)).rejects.toMatchObject({
    code: 'badAnswer',
    status: 500,
  });
});

test('trap 7: Basic and token at once: Basic in the header, the token in the query, on REST and on the upgrade', async () => {
  await using rig = await startRig({
    settings: { user: 'ana', pass: 'p:ä', token: 't&1', headers: { 'X-Extra': 'e' } },
  });
  const kernel = rig.server.addKernel();
  await rig.gateway.readInfo();
  await rig.gateway.connect(kernel.id, { sessionId: 's' });
  for (const call of rig.server.calls) {
    expect(call.headers.authorization).toBe(`Basic ${Buffer.from('ana:p:ä').toString('base64')}`);
    expect(call.query.get('token')).toBe('t&1');
    expect(call.headers['x-extra']).toBe('e');
    expect(call.headers.origin).toBeUndefined();
  }
});

test('a token alone goes into the header, where no log sees it', async () => {
  await using rig = await startRig({ settings: { token: 'T' } });
  const kernel = rig.server.addKernel();
  await rig.gateway.readInfo();
  await rig.gateway.connect(kernel.id, { sessionId: 's' });
  for (const call of rig.server.calls) {
    expect(call.headers.authorization).toBe('token T');
    expect(call.query.has('token')).toBe(false);
  }
});

test('trap 12: path prefixes are kept, with and without a trailing slash, separately for REST and websocket', async () => {
  await using rig = await startRig();
  const { server } = rig;
  const gateway = createGatewayClient(
    settingsFor({
      httpUrl: `${server.httpUrl}/gateway/default/jkg/`,
      wsUrl: `${server.wsUrl}/gateway/default/jkgws`,
    }),
    { log: startLog({ level: 'silent', secrets: new Secrets() }) },
  );
  server.answer = (call) => (call.isUpgrade ? { status: 401 } : { status: 200, body: { version: '1' } });
  await gateway.readInfo();
  await expect(gateway.connect('k', { sessionId: 's' })).rejects.toMatchObject({ code: 'unauthorized' });
  await gateway.close();
  expect(server.calls.map((call) => call.path)).toEqual([
    '/gateway/default/jkg/api',
    '/gateway/default/jkgws/api/kernels/k/channels',
  ]);
});

test('trap 8: neither token nor password appears in an error or in the log', async () => {
  const lines: string[] = [];
  const log = startLog({ level: 'trace', secrets: new Secrets() });
  for (const level of ['trace', 'debug', 'info', 'warn', 'error'] as const) {
    log[level] = (...parts: unknown[]) =>
      void lines.push(
        JSON.stringify(parts, (_key, value: unknown) => (value instanceof Error ? shown(value) : value)),
      );
  }
  await using rig = await startRig({
    client: { log },
    settings: { user: 'ana', pass: 'hunter2-pass', token: 'tok-secret', launchTimeoutMs: 400 },
  });
  const { server, gateway } = rig;
  const kernel = server.addKernel();
  const connection = await gateway.connect(kernel.id, { sessionId: 's' });
  const failures: unknown[] = [];
  const note = (failure: unknown) => failures.push(failure);
  kernel.onExecute = (request) => kernel.begin(request);
  const running = run(connection);
  await running.until('started');
  for (const answer of [
    { status: 401 },
    { status: 302, headers: { location: `/login?token=tok-secret` } },
    'reset',
    { status: 500 },
  ] as const) {
    server.answer = () => answer;
    await gateway.readInfo().catch(note);
    await gateway.startKernel(start()).catch(note);
    await gateway.connect(kernel.id, { sessionId: 'other' }).catch(note);
    kernel.drop();
  }
  expect(failures).toHaveLength(12);
  expect(lines.join()).toContain('lost the websocket');
  const all = `${failures.map((failure) => shown(failure)).join('\n')}\n${lines.join('\n')}`;
  expect(all).toContain('unauthorized');
  for (const secret of ['tok-secret', 'hunter2-pass', Buffer.from('ana:hunter2-pass').toString('base64')]) {
    expect(all).not.toContain(secret);
  }
});

/** Everything that a log could print of an error. */
function shown(failure: unknown): string {
  if (!(failure instanceof Error)) return String(failure);
  const fields = Object.entries(failure).map(([key, value]) => `${key}=${String(value)}`);
  return `${failure.message} ${failure.stack ?? ''} ${fields.join(' ')} ${failure.cause === undefined ? '' : shown(failure.cause)}`;
}

test('a missing gateway is reported as unreachable, with its address', async () => {
  const gateway = createGatewayClient(
    settingsFor({ httpUrl: 'http://127.0.0.1:9', wsUrl: 'ws://127.0.0.1:9' }),
    { log: startLog({ level: 'silent', secrets: new Secrets() }) },
  );
  await expect(gateway.readInfo()).rejects.toMatchObject({
    code: 'unreachable',
    message: expect.stringContaining('127.0.0.1:9'),
  });
  await expect(gateway.connect('k', { sessionId: 's' })).rejects.toMatchObject({ code: 'unreachable' });
  await gateway.close();
});
