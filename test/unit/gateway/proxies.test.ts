import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { createGatewayClient } from '../../../src/gateway/client.ts';
import type { GatewaySettings } from '../../../src/gateway/gateway.ts';
import { silentLog } from '../../../src/log.ts';
import { startConnectProxy, startTls, testAuthority } from '../../support/connect-proxy.ts';
import { quickTimings, run, settingsFor } from '../../support/gateway-client.ts';
import { startScriptedGateway } from '../../support/scripted-gateway.ts';

/** A gateway behind TLS, a proxy on the way, and a client that may take it for both roots or one. */
async function startBehindProxy(
  options: { at?: string; wants?: string; has?: string; ways?: readonly ('rest' | 'websocket')[] } = {},
) {
  const { at, wants, has, ways = ['rest', 'websocket'] } = options;
  const server = await startScriptedGateway();
  const tls = await startTls(server.httpUrl);
  const proxy = await startConnectProxy(wants === undefined ? {} : { credentials: wants });
  const url = at ?? (has === undefined ? proxy.url : proxy.url.replace('//', `//${has}@`));
  const proxies: GatewaySettings['proxies'] = Object.fromEntries(ways.map((way) => [way, url]));
  const urls = { httpUrl: `https://localhost:${tls.port}`, wsUrl: `wss://localhost:${tls.port}` };
  const settings = settingsFor(urls, { tls: { verify: true, ca: testAuthority }, proxies });
  const gateway = createGatewayClient(settings, {
    log: silentLog,
    timings: { ...quickTimings, reopenTimeoutMs: 20_000 },
  });
  return {
    server,
    proxy,
    gateway,
    target: `localhost:${tls.port}`,
    async [Symbol.asyncDispose]() {
      await gateway.close();
      await tls[Symbol.asyncDispose]();
      await proxy[Symbol.asyncDispose]();
      await server.close();
    },
  };
}

test('REST and the websocket go through the proxy, also when the websocket was cut', async () => {
  await using rig = await startBehindProxy();
  const { gateway, server, proxy, target } = rig;
  const kernel = server.addKernel();
  const connection = await gateway.connect(kernel.id, { sessionId: randomUUID() });
  kernel.onExecute = (request) => kernel.begin(request);
  const running = run(connection);
  await running.until('started');
  proxy.cut();
  await running.until('reconnected');
  const request = await kernel.untilReceived('execute_request', 1);
  kernel.end(request);
  expect((await running.end).kind).toBe('ok');
  expect(new Set(proxy.asked.map((each) => each.target))).toEqual(new Set([target]));
  // Whatever reached the gateway came in one of these.
  const upgrades = server.calls.filter(({ isUpgrade }) => isUpgrade).length;
  expect(upgrades).toBe(2);
  expect(proxy.asked.length).toBeGreaterThanOrEqual(upgrades);
});

test('the two roots may use different proxies', async () => {
  await using rig = await startBehindProxy({ ways: ['websocket'] });
  await rig.gateway.readInfo();
  expect(rig.proxy.asked).toEqual([]);
  const kernel = rig.server.addKernel();
  await rig.gateway.connect(kernel.id, { sessionId: randomUUID() });
  expect(rig.proxy.asked).toHaveLength(1);
});

test('the proxy’s user and password are sent to it, special characters included, and never to the gateway', async () => {
  await using rig = await startBehindProxy({ wants: 'ana:p@ss:word', has: 'ana:p%40ss%3Aword' });
  await rig.gateway.readInfo();
  const kernel = rig.server.addKernel();
  await rig.gateway.connect(kernel.id, { sessionId: randomUUID() });
  expect(rig.proxy.asked.map(({ status }) => status)).toEqual(rig.proxy.asked.map(() => 200));
  expect(rig.server.calls.filter(({ headers }) => 'proxy-authorization' in headers)).toEqual([]);
});

test.for([407, 403, 502] as const)(
  'a proxy that answers %i is named, and is no refusal of the gateway',
  async (status) => {
    await using rig = await startBehindProxy({ has: 'ana:s3cret' });
    rig.proxy.refuseWith = status;
    const words = `through the proxy ${rig.proxy.url}: the proxy answers with status ${status}`;
    const expected = { code: 'unreachable', status: undefined, message: expect.stringContaining(words) };
    await expect(rig.gateway.readInfo()).rejects.toMatchObject(expected);
    const connecting = rig.gateway.connect(randomUUID(), { sessionId: randomUUID() });
    await expect(connecting).rejects.toMatchObject(expected);
    await expect(connecting).rejects.not.toMatchObject({ message: expect.stringContaining('s3cret') });
    expect(rig.server.calls).toEqual([]);
  },
);

test('an unreachable proxy is named', async () => {
  // A port that was free a moment ago may be another test's by now; nobody listens on this one.
  await using rig = await startBehindProxy({ at: 'http://127.0.0.1:1' });
  const expected = {
    code: 'unreachable',
    message: expect.stringMatching(
      /through the proxy http:\/\/127\.0\.0\.1:1 gives no answer \(ECONNREFUSED\)/,
    ),
  };
  await expect(rig.gateway.readInfo()).rejects.toMatchObject(expected);
  await expect(rig.gateway.connect(randomUUID(), { sessionId: 's' })).rejects.toMatchObject(expected);
});

test('a proxy that does not answer is given up with the websocket', async () => {
  await using rig = await startBehindProxy({ ways: ['websocket'] });
  const { gateway, server, proxy } = rig;
  const kernel = server.addKernel();
  proxy.refuseWith = 'silence';
  const leaving = new AbortController();
  const connecting = gateway.connect(kernel.id, { sessionId: randomUUID(), signal: leaving.signal });
  connecting.catch(() => undefined);
  await expect.poll(() => proxy.asked.length).toBeGreaterThan(0);
  leaving.abort();
  await expect(connecting).rejects.toMatchObject({ code: 'unreachable' });
  await expect.poll(() => proxy.open()).toBe(0);
});
