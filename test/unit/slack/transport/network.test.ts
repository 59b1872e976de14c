import { once } from 'node:events';
import { createServer } from 'node:http';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { gzipSync } from 'node:zlib';
import { WebSocket } from 'undici';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { WebSocketServer } from 'ws';
import { deliverToUrl } from '../../../../src/audit/pending-lines.ts';
import { type ProxySettings, readExceptions } from '../../../../src/proxy.ts';
import { openSlackNetwork } from '../../../../src/slack/transport/network.ts';
import {
  type ConnectProxy,
  startConnectProxy,
  startTls,
  testAuthority,
} from '../../../support/connect-proxy.ts';

const usual = getCACertificates('default');
beforeAll(() => setDefaultCACertificates([...usual, testAuthority]));
afterAll(() => setDefaultCACertificates(usual));

/** A server that says back what it is sent, behind TLS, and a proxy. */
async function startRig(noProxy = '', credentials?: string) {
  const server = createServer((request, response) => {
    request.pipe(response);
  });
  const websockets = new WebSocketServer({ server });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = address !== null && typeof address !== 'string' ? address.port : 0;
  const tls = await startTls(`http://127.0.0.1:${port}`);
  const proxy = await startConnectProxy(credentials === undefined ? {} : { credentials });
  const url = proxy.url.replace('//', credentials === undefined ? '//' : `//${credentials}@`);
  const settings: ProxySettings = { url, exceptions: readExceptions(noProxy) };
  return {
    proxy,
    settings,
    websockets,
    address: `https://localhost:${tls.port}/`,
    async [Symbol.asyncDispose]() {
      for (const socket of websockets.clients) socket.terminate();
      await tls[Symbol.asyncDispose]();
      await proxy[Symbol.asyncDispose]();
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

const statuses = ({ asked }: ConnectProxy) => asked.map(({ status }) => status);

test('without a proxy files go through the global fetch, and Socket Mode’s client opens its own connections', () => {
  const network = openSlackNetwork(undefined);
  expect(network).toMatchObject({ fetch: globalThis.fetch, socketDispatcher: undefined });
});

test.for([
  ['through the proxy', true],
  ['directly', false],
] as const)('a call of the Web API goes %s, and its answer can be read twice', async ([, isProxied]) => {
  await using rig = await startRig();
  const { call } = openSlackNetwork(isProxied ? rig.settings : undefined);
  const headers = { 'content-type': 'text/plain', authorization: 'Bearer x' };
  const answer = await call(rig.address, { method: 'POST', headers, body: '{"ok":true,"said":"ä"}' });
  expect(answer).toMatchObject({ ok: true, status: 200, statusText: 'OK', url: rig.address });
  expect(await answer.text()).toBe('{"ok":true,"said":"ä"}');
  expect(await answer.json()).toEqual({ ok: true, said: 'ä' });
  expect(Buffer.from(await answer.arrayBuffer()).toString()).toBe(await answer.text());
  expect(answer.headers.get('Transfer-Encoding')).toBe('chunked');
  expect(answer.headers.get('retry-after')).toBeNull();
  expect([...answer.headers.entries()]).toContainEqual(['transfer-encoding', 'chunked']);
  expect(rig.proxy.asked).toHaveLength(isProxied ? 1 : 0);
});

test('a call of the Web API gets its answer as text, follows no redirect, ends with its signal, and takes no files', async () => {
  const { call } = openSlackNetwork(undefined);
  const server = createServer((request, response) => {
    if (request.url === '/moved') response.writeHead(302, { location: '/elsewhere' }).end();
    // As HTTP allows where a request does not say what it takes.
    const mayCompress = request.headers['accept-encoding'] !== 'identity';
    if (request.url === '/page') {
      const headers = mayCompress ? { 'content-encoding': 'gzip' } : {};
      response.writeHead(200, headers).end(mayCompress ? gzipSync('{"ok":true}') : '{"ok":true}');
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const root = `http://127.0.0.1:${address !== null && typeof address !== 'string' ? address.port : 0}`;
  try {
    expect(await call(`${root}/moved`, {})).toMatchObject({ ok: false, status: 302 });
    expect(await (await call(`${root}/page`, {})).json()).toEqual({ ok: true });
    const ending = new AbortController();
    const silent = call(`${root}/silent`, { signal: ending.signal });
    ending.abort(new Error('too late'));
    await expect(silent).rejects.toThrow('too late');
    // As of a response_url, for which Bolt's client sets no limit.
    await expect(openSlackNetwork(undefined, 50).call(`${root}/silent`, {})).rejects.toThrow('timeout');
    await expect(call(root, { body: new FormData() })).rejects.toThrow(TypeError);
  } finally {
    server.closeAllConnections();
    server.close();
  }
});

test('texts and streams go through the proxy, with its password', async () => {
  await using rig = await startRig('', 'ana:s3cret');
  const { fetch } = openSlackNetwork(rig.settings);
  const post = async (body: string | ReadableStream<Uint8Array>) => {
    const answer = await fetch(rig.address, { method: 'POST', body, duplex: 'half' });
    return await answer.text();
  };
  expect(await post('a=b')).toBe('a=b');
  expect(await post(new Blob(['ab', 'c']).stream())).toBe('abc');
  expect(new Set(statuses(rig.proxy))).toEqual(new Set([200]));
});

test('audit lines go through the proxy', async () => {
  await using rig = await startRig();
  const deliver = deliverToUrl(new URL(rig.address), openSlackNetwork(rig.settings).fetch);
  await deliver('{}\n', AbortSignal.timeout(10_000));
  expect(statuses(rig.proxy)).toEqual([200]);
});

test('NO_PROXY is checked for each address', async () => {
  await using rig = await startRig('localhost');
  const { fetch } = openSlackNetwork(rig.settings);
  expect(await (await fetch(rig.address, { method: 'POST', body: 'direct' })).text()).toBe('direct');
  expect(rig.proxy.asked).toEqual([]);
  const byAddress = rig.address.replace('localhost', '127.0.0.1');
  expect(await (await fetch(byAddress, { method: 'POST', body: 'tunnel' })).text()).toBe('tunnel');
  expect(statuses(rig.proxy)).toEqual([200]);
});

test('a refusal of the proxy fails with its status, and without its password', async () => {
  await using rig = await startRig('', 'ana:s3cret');
  const url = rig.settings.url.replace('s3cret', 'wr0ng');
  const { fetch } = openSlackNetwork({ ...rig.settings, url });
  const failing = fetch(rig.address);
  await expect(failing).rejects.toMatchObject({
    cause: { cause: { message: expect.stringContaining('407') } },
  });
  const failure = await failing.catch((error: unknown) => error);
  expect(JSON.stringify(failure, Object.getOwnPropertyNames(failure))).not.toContain('wr0ng');
  expect(statuses(rig.proxy)).toEqual([407]);
});

test.for([
  ['through the proxy', '', 1],
  ['directly', 'localhost', 0],
] as const)(
  'a websocket goes %s, and is closed when the next one is opened, even if its peer is silent',
  async ([, noProxy, tunnels]) => {
    await using rig = await startRig(noProxy);
    const { socketDispatcher: dispatcher } = openSlackNetwork(rig.settings);
    if (dispatcher === undefined) throw new Error('no dispatcher');
    const open = async () => {
      const server = once(rig.websockets, 'connection');
      const client = new WebSocket(rig.address.replace('https', 'wss'), { dispatcher });
      await once(client, 'open');
      await server;
      return client;
    };
    const first = await open();
    expect(rig.proxy.asked).toHaveLength(tunnels);
    const [serverSide] = rig.websockets.clients;
    if (serverSide === undefined) throw new Error('no websocket');
    serverSide.pause();
    const closed = once(first, 'close');
    const second = await open();
    await closed;
    expect(second.readyState).toBe(WebSocket.OPEN);
    second.close();
  },
);

test('tunnels that the proxy cuts are opened again', async () => {
  await using rig = await startRig();
  const { fetch, socketDispatcher: dispatcher } = openSlackNetwork(rig.settings);
  if (dispatcher === undefined) throw new Error('no dispatcher');
  const post = async () => await (await fetch(rig.address, { method: 'POST', body: 'a' })).text();
  const open = async () => {
    const client = new WebSocket(rig.address.replace('https', 'wss'), { dispatcher });
    await once(client, 'open');
    return client;
  };
  await post();
  const first = await open();
  const closed = once(first, 'close');
  rig.proxy.cut();
  await closed;
  expect(await post()).toBe('a');
  const second = await open();
  expect(second.readyState).toBe(WebSocket.OPEN);
  second.close();
});
