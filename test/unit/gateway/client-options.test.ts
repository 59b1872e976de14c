import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { Readable } from 'node:stream';
import { Registry } from 'prom-client';
import { expect, test } from 'vitest';
import { createGatewayClient } from '../../../src/gateway/client.ts';
import type { ConnectionEvent } from '../../../src/gateway/gateway.ts';
import { isStatus } from '../../../src/gateway/outputs.ts';
import { silentLog } from '../../../src/log.ts';
import { instrumentGateway } from '../../../src/server/instrument.ts';
import {
  quickTimings,
  run,
  runBegun,
  settingsFor,
  startConnectedRig,
  startRig,
  withoutLooks,
} from '../../support/gateway-client.ts';

/** What a caller gives the client: headers, the leave to write, a listener. */

test('headers are requested for each REST request and each upgrade, and override those of the settings', async () => {
  let asked = 0;
  const headers = () => {
    asked += 1;
    return Promise.resolve({ Authorization: `Bearer ${asked}`, 'x-more': 'own' });
  };
  await using rig = await startRig({
    client: { credentials: { headers, renew: () => Promise.resolve(false) } },
    settings: { token: 'old', headers: { 'X-Fixed': 'yes', 'X-More': 'setting' } },
  });
  const kernel = rig.server.addKernel();
  await rig.gateway.readInfo();
  const connection = await rig.gateway.connect(kernel.id, { sessionId: 's' });
  kernel.drop();
  await kernel.untilConnected();
  expect((await run(connection).end).kind).toBe('ok');
  const seen = rig.server.calls.map((call) => call.headers.authorization);
  // Requests overtake each other, and one may be given up before it is sent; each has one of its own.
  const given = Array.from({ length: asked }, (_, index) => `Bearer ${index + 1}`);
  expect(given).toEqual(expect.arrayContaining(seen));
  expect(new Set(seen).size).toBe(seen.length);
  expect(rig.server.calls.filter((call) => call.isUpgrade)).toHaveLength(2);
  for (const call of rig.server.calls)
    expect(call.headers).toMatchObject({ 'x-fixed': 'yes', 'x-more': 'own' });
});

test('headers that cannot be obtained are reported as such, by REST and at an upgrade, and requested again', async () => {
  let isBroken = false;
  const headers = () => (isBroken ? Promise.reject(new Error('no ticket')) : Promise.resolve({}));
  await using rig = await startConnectedRig({
    timings: withoutLooks,
    client: { credentials: { headers, renew: () => Promise.resolve(false) } },
  });
  const { kernel, gateway } = rig;
  const running = await runBegun(rig);
  isBroken = true;
  await expect(gateway.readInfo()).rejects.toMatchObject({ code: 'noCredentials' });
  kernel.drop();
  expect(await running.until('outage')).toMatchObject({ code: 'noCredentials', isCutOff: true });
  isBroken = false;
  await running.until('reconnected');
});

test('while nothing may be written, calls that change something reject without being sent; others are made', async () => {
  let mayWrite = false;
  await using paused = await startRig({ client: { mayWrite: () => mayWrite } });
  const kernel = paused.server.addKernel();
  const { gateway, server } = paused;
  const rejected = { name: 'GatewayError', code: 'writesPaused' };
  const start = { kernelspec: 'python3', kernelId: randomUUID(), env: {} };
  await expect(gateway.startKernel(start)).rejects.toMatchObject(rejected);
  await expect(gateway.restartKernel(kernel.id)).rejects.toMatchObject(rejected);
  await expect(gateway.shutDownKernel(kernel.id)).rejects.toMatchObject(rejected);
  expect(await gateway.findKernel(kernel.id)).toMatchObject({ id: kernel.id });
  // An upgrade would take the session from the process that has it now.
  await expect(gateway.connect(kernel.id, { sessionId: 's' })).rejects.toMatchObject(rejected);
  expect(server.calls.filter(({ isUpgrade }) => isUpgrade)).toEqual([]);
  expect(new Set(server.calls.map(({ method }) => method))).toEqual(new Set(['GET']));
  mayWrite = true;
  const connection = await gateway.connect(kernel.id, { sessionId: 's' });
  expect((await run(connection).end).kind).toBe('ok');
});

test('a websocket that is lost while nothing may be written is reopened when it may, with the messages that came meanwhile', async () => {
  let mayWrite = true;
  let refusals = 0;
  const refusedTwice = Promise.withResolvers<void>();
  const ask = () => {
    if (!mayWrite && (refusals += 1) === 2) refusedTwice.resolve();
    return mayWrite;
  };
  await using rig = await startRig({ client: { mayWrite: ask } });
  const kernel = rig.server.addKernel();
  kernel.onExecute = (asked) => kernel.begin(asked);
  const connection = await rig.gateway.connect(kernel.id, { sessionId: 's' });
  const running = run(connection);
  const asked = await kernel.untilReceived('execute_request');
  const upgrades = () => rig.server.calls.filter(({ isUpgrade }) => isUpgrade).length;
  mayWrite = false;
  kernel.drop();
  kernel.stream(asked, 'said meanwhile');
  await refusedTwice.promise;
  expect(upgrades()).toBe(1);
  mayWrite = true;
  await kernel.untilConnected();
  kernel.end(asked);
  expect((await running.end).kind).toBe('ok');
  expect(running.outputs).toContainEqual(expect.objectContaining({ text: 'said meanwhile' }));
});

test('a listener gets all events from the opening on, also through the metrics', async () => {
  await using rig = await startRig();
  const gateway = instrumentGateway(new Registry())(rig.gateway);
  const kernel = rig.server.addKernel();
  kernel.answersInfo = false;
  const events: ConnectionEvent[] = [];
  const onEvent = (event: ConnectionEvent) => void events.push(event);
  const connecting = gateway.connect(kernel.id, { sessionId: 's', onEvent });
  await kernel.untilReceived('kernel_info_request');
  // While it is being opened, so before the caller has the connection.
  kernel.status('starting');
  await kernel.untilReceived('kernel_info_request', 2);
  kernel.answersInfo = true;
  await connecting;
  expect(events).toContainEqual({ kind: 'kernelRestarted', automatic: false });
});

test('a listener that throws loses only its event', async () => {
  await using rig = await startRig();
  const kernel = rig.server.addKernel();
  const lost = Promise.withResolvers<void>();
  const onEvent = () => {
    lost.resolve();
    throw new Error('not taken');
  };
  const connection = await rig.gateway.connect(kernel.id, { sessionId: 's', onEvent });
  kernel.drop();
  await lost.promise;
  expect((await run(connection).end).kind).toBe('ok');
});

test('statuses and outputs are told apart', async () => {
  await using rig = await startConnectedRig();
  rig.kernel.onExecute = (request) => rig.kernel.run(request, 'text');
  const running = run(rig.connection);
  await running.end;
  expect(running.outputs.filter((said) => isStatus(said))).toEqual([{ kind: 'started' }]);
});

test('a start that is repeated after its answer was lost keeps its kernel', async () => {
  await using rig = await startRig({ timings: { lostStartLookMs: 5 } });
  const { server, gateway } = rig;
  const start = { kernelspec: 'python3', kernelId: randomUUID(), env: {} };
  server.answer = (call) => (call.method === 'POST' ? 'reset' : undefined);
  await expect(gateway.startKernel(start)).rejects.toMatchObject({ code: 'unreachable' });
  await server.untilCall(({ method }) => method === 'DELETE');
  server.answer = () => undefined;
  const model = await gateway.startKernel(start);
  const deletions = () => server.calls.filter(({ method }) => method === 'DELETE').length;
  const before = deletions();
  for (let looks = 0; looks < 20; looks += 1) await gateway.findKernel(model.id);
  expect(deletions()).toBe(before);
  expect(server.kernels.get(model.id)?.isDeleted).toBe(false);
});

test('a released start whose answer was lost is no longer searched for; one that is given up is', async () => {
  await using rig = await startRig({ timings: { lostStartLookMs: 5 } });
  const { server, gateway } = rig;
  const release = new AbortController();
  const stop = new AbortController();
  const signals = { release: release.signal, signal: stop.signal };
  const start = { kernelspec: 'python3', kernelId: randomUUID(), env: {}, ...signals };
  server.answer = (call) => (call.method === 'POST' ? 'reset' : undefined);
  await expect(gateway.startKernel(start)).rejects.toMatchObject({ code: 'unreachable' });
  await server.untilCall(({ method }) => method === 'DELETE');
  stop.abort();
  await server.untilCall(({ method }) => method === 'DELETE');
  release.abort();
  await gateway.readInfo();
  const before = server.calls.length;
  for (let looks = 0; looks < 20; looks += 1) await gateway.readInfo();
  expect(server.calls.slice(before).map(({ method }) => method)).not.toContain('DELETE');
});

test('a refusal of the upgrade whose body never ends is read to a limit', async () => {
  const server = createServer((_request, response) => void response.writeHead(404).end());
  server.on('upgrade', (_request, socket) => {
    socket.on('error', () => undefined);
    socket.write('HTTP/1.1 403 Refused\r\nconnection: close\r\n\r\n');
    Readable.from(endless()).pipe(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  const urls = { httpUrl: `http://127.0.0.1:${port}`, wsUrl: `ws://127.0.0.1:${port}` };
  const gateway = createGatewayClient(settingsFor(urls), { log: silentLog, timings: quickTimings });
  const connecting = gateway.connect('k', { sessionId: 's' });
  await expect(connecting).rejects.toMatchObject({ code: 'unauthorized', status: 403 });
  await gateway.close();
  server.closeAllConnections();
  server.close();
});

function* endless(): Generator<string> {
  for (;;) yield 'x'.repeat(16_000);
}
