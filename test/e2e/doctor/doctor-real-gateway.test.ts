import { afterAll, beforeAll, expect, test } from 'vitest';
import { type KernelGateway, startKernelGateway } from '../../../demo/gateway.ts';
import { type Playground, startPlayground } from '../../../playground/playground.ts';
import { provisioned } from '../../support/backends/provisioned.ts';
import { startTlsFront, type TlsFront } from '../../support/backends/tls-front.ts';
import { runDoctor } from './rig.ts';

let playground: Playground;
let gateway: KernelGateway;
let front: TlsFront;
beforeAll(async () => {
  playground = await startPlayground();
  gateway = await startKernelGateway({
    provisioned: await provisioned(),
    token: '',
  });
  front = await startTlsFront({ upstream: gateway.url });
});
afterAll(async () => {
  await front.stop();
  await gateway.stop();
  await playground.stop();
});

function environment(more: Record<string, string>): Record<string, string> {
  return { ...playground.environment, STORE_URL: 'memory:', ...more };
}

test('with service credentials through a TLS front everything is well, and no kernel is left', async () => {
  const { code, failures, lines } = await runDoctor(
    environment({ KG_SERVICE_CREDENTIALS: front.credentialsFile, KG_CLIENT_CA: front.caFile }),
  );
  expect(failures).toEqual([]);
  expect(code).toBe(0);
  for (const name of Object.keys((await provisioned()).kernelspecs))
    expect(lines.some((line) => line.startsWith('ok') && line.includes(` ${name} `))).toBe(true);
  const left = await fetch(`${gateway.url}api/kernels`);
  expect(await left.json()).toEqual([]);
});

test('a wrong CA and a missing one are named', async () => {
  for (const ca of [front.otherCaFile, '']) {
    const { failures } = await runDoctor(
      environment({ KG_SERVICE_CREDENTIALS: front.credentialsFile, KG_CLIENT_CA: ca }),
    );
    expect(failures).toEqual([expect.stringMatching(/^gateway, HTTP The certificate .* → .*KG_CLIENT_CA/)]);
  }
});

test('a wrong password is named', async () => {
  const { failures } = await runDoctor(
    environment({
      KG_URL: front.url,
      KG_WS_URL: front.wsUrl,
      KG_CLIENT_CA: front.caFile,
      KG_HTTP_USER: front.user,
      KG_HTTP_PASS: 'wrong',
    }),
  );
  expect(failures).toEqual([
    expect.stringMatching(/^gateway, HTTP .* → Correct KG_HTTP_USER and KG_HTTP_PASS/),
  ]);
});

test('if the websocket’s address is missing, HTTP is well and the websocket is named as the failure', async () => {
  const { failures } = await runDoctor(
    environment({
      KG_URL: front.url,
      KG_CLIENT_CA: front.caFile,
      KG_HTTP_USER: front.user,
      KG_HTTP_PASS: front.password,
    }),
  );
  expect(failures).toEqual([expect.stringMatching(/^gateway, websocket .* → .*KG_WS_URL/)]);
});
