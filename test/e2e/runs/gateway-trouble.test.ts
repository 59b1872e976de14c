import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type KernelGateway, startKernelGateway } from '../../../demo/gateway.ts';
import { type Playground, startPlayground } from '../../../playground/playground.ts';
import { askSlash } from '../../support/ask.ts';
import { provisioned } from '../../support/backends/provisioned.ts';
import { startTlsFront, type TlsFront } from '../../support/backends/tls-front.ts';
import { compiledCode } from '../../support/compiled-code.ts';
import { type StartedBot, startBot } from '../../support/start-bot.ts';

/** What an operator got wrong is named, and nothing runs. */
let gateway: KernelGateway;
let front: TlsFront;
let playground: Playground;

beforeAll(async () => {
  gateway = await startKernelGateway({ provisioned: await provisioned(), token: '' });
  front = await startTlsFront({ upstream: gateway.url });
  playground = await startPlayground({ rates: false });
});
afterAll(async () => {
  await playground?.stop();
  await front?.[Symbol.asyncDispose]();
  await gateway?.[Symbol.asyncDispose]();
});

const botWith = async (environment: Record<string, string>, httpUrl = ''): Promise<StartedBot> =>
  await startBot({
    playground,
    gateway: { httpUrl },
    environment: { DEFAULT_LANGUAGE: 'python3', ...environment },
  });

const refusal = async (): Promise<string> =>
  (await playground.as('ana').slash('#data', '/spark 1+1')).text ?? '';

test('IBM’s service credentials file and a CA are enough for prefixes, TLS, Basic and both addresses', async () => {
  await using bot = await botWith({
    KG_SERVICE_CREDENTIALS: front.credentialsFile,
    KG_CLIENT_CA: front.caFile,
  });
  expect((await askSlash(playground, 'ana', '#data', '/spark 40+2')).text).toMatch(/│ 42\n/);
  expect(bot.lines.join('\n')).not.toContain(front.password);
});

test('a wrong CA and a wrong password are told apart', async () => {
  {
    await using bot = await botWith({
      KG_SERVICE_CREDENTIALS: front.credentialsFile,
      KG_CLIENT_CA: front.otherCaFile,
    });
    expect(await refusal()).toContain('TLS certificate is not trusted');
    expect(bot.lines.join('\n')).not.toContain(front.password);
  }
  await using bot = await botWith({
    KG_URL: front.url,
    KG_WS_URL: front.wsUrl,
    KG_HTTP_USER: front.user,
    KG_HTTP_PASS: 'not the password',
    KG_CLIENT_CA: front.caFile,
  });
  expect(await refusal()).toContain('refused the bot’s credentials (401)');
  expect(bot.lines.join('\n')).not.toContain('not the password');
});

test('an unreachable gateway and a server that is no gateway are told apart', async () => {
  {
    await using bot = await botWith({}, 'http://127.0.0.1:9/');
    expect(await refusal()).toContain('The gateway cannot be reached, so nothing ran');
    expect(bot.pid).toBeGreaterThan(0);
  }
  const server = createServer((_, response) =>
    response.setHeader('content-type', 'text/html').end('<h1>hello</h1>'),
  );
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  try {
    await using bot = await botWith({}, `http://127.0.0.1:${port}/`);
    expect(await refusal()).toContain('is not a Jupyter gateway');
    expect(bot.pid).toBeGreaterThan(0);
  } finally {
    server.close();
  }
});

test('missing and malformed settings are listed all at once, with exit code 78', async () => {
  const main = fileURLToPath(new URL('../../../src/main.ts', import.meta.url));
  const child = spawn(process.execPath, [main], {
    env: { ...compiledCode, PATH: process.env['PATH'] ?? '', KG_URL: 'ftp://x', RUN_TIMEOUT: 'soon' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number];
  expect(code).toBe(78);
  expect(said).toContain('SLACK_BOT_TOKEN');
  expect(said).toContain('KG_URL');
  expect(said).toContain('RUN_TIMEOUT');
});
