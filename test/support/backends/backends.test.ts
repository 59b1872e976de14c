import { readFileSync } from 'node:fs';
import { request as httpsRequest } from 'node:https';
import { describe, expect, inject, test } from 'vitest';
import { WebSocket } from 'ws';
import { type KernelGateway, startKernelGateway } from '../../../demo/gateway.ts';
import { startEnterpriseGateway } from './enterprise-gateway.ts';
import { startJupyterServer } from './jupyter-server.ts';
import { startKernelGateway2 } from './kernel-gateway-2.ts';
import { runOnce } from './run-once.ts';
import { startTlsFront } from './tls-front.ts';

const backends = inject('backends');

const servers: Record<string, () => Promise<KernelGateway>> = {
  'Kernel Gateway 2': () => startKernelGateway2(backends),
  'Kernel Gateway 3': () => startKernelGateway({ provisioned: backends }),
  'Enterprise Gateway': () => startEnterpriseGateway(backends),
  'Jupyter Server': () => startJupyterServer(backends),
};

describe.each(Object.entries(servers))('%s', (_, start) => {
  test('starts, runs code without dropping output, and ends', async () => {
    await using gateway = await start();
    const answer = await runOnce(gateway, 'python3', 'print("x" * 5_000_000)');
    expect(answer.text.length).toBe(5_000_001);
  });
});

describe('kernelspecs', () => {
  const snippets = {
    'python3-spark': ['print(sc.parallelize(range(10)).count())', '10\n'],
    'python3-ipykernel6': ['import ipykernel; print(ipykernel.version_info[0])', '6\n'],
    ir: ['cat(mean(c(1, 2, 3)))', '2'],
    'scala-spark': ['println(sc.parallelize(1 to 5).count())', '5\n'],
  } as const;
  test.for(Object.entries(snippets))('%s', async ([name, [code, expected]], { skip }) => {
    skip(backends.missing[name] !== undefined, backends.missing[name]);
    await using gateway = await startKernelGateway({ provisioned: backends });
    expect((await runOnce(gateway, name, code)).text).toBe(expected);
  });
});

test('a kernel’s environment has no secret of this process or of the gateway', async () => {
  process.env['SLACK_BOT_TOKEN'] = 'xoxb-do-not-pass-on';
  try {
    await using gateway = await startKernelGateway({ provisioned: backends });
    const { text } = await runOnce(gateway, 'python3', 'import os; print(dict(os.environ))');
    expect(text).toContain('IPYTHONDIR');
    expect(text).not.toContain('xoxb-do-not-pass-on');
    expect(text).not.toContain(gateway.token);
  } finally {
    delete process.env['SLACK_BOT_TOKEN'];
  }
});

describe('the TLS front', () => {
  test('passes REST and websockets under their own prefixes only', async () => {
    await using gateway = await startKernelGateway({ provisioned: backends, token: '' });
    await using front = await startTlsFront({ upstream: gateway.url });
    const ca = readFileSync(front.caFile);
    const authorization = `Basic ${Buffer.from(`${front.user}:${front.password}`).toString('base64')}`;
    const get = (url: string, headers: Record<string, string>) =>
      new Promise<{ status: number | undefined; body: string }>((resolve, reject) => {
        const sent = httpsRequest(url, { ca, headers }, (response) => {
          let body = '';
          response.setEncoding('utf8').on('data', (text: string) => (body += text));
          response.on('end', () => resolve({ status: response.statusCode, body }));
        });
        sent.on('error', reject).end();
      });
    expect(await get(`${front.url}api`, { authorization })).toMatchObject({ status: 200 });
    expect(await get(`${front.url}api`, {})).toMatchObject({
      status: 401,
      body: expect.stringContaining('<html>'),
    });
    const websocketRoot = front.wsUrl.replace('wss:', 'https:');
    expect(await get(`${websocketRoot}api`, { authorization })).toMatchObject({ status: 404 });
    await expect(fetch(front.url), 'an unknown authority').rejects.toThrow();

    const through = { url: front.url, wsUrl: front.wsUrl, headers: { authorization }, ca };
    expect((await runOnce(through, 'python3', 'print(2 + 3)')).text).toBe('5\n');
    const wrongPlace = `${front.url.replace('https:', 'wss:')}api/kernels/x/channels`;
    const status = await new Promise((resolve) => {
      const socket = new WebSocket(wrongPlace, { ca, headers: { authorization } });
      socket.on('unexpected-response', (_, response) => {
        response.resume();
        resolve(response.statusCode);
      });
    });
    expect(status).toBe(400);
  });
});
