import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { startPlayground } from '../../../playground/playground.ts';
import { readConfig } from '../../../src/config/config.ts';
import { createGatewayClient } from '../../../src/gateway/client.ts';
import { silentLog } from '../../../src/log.ts';
import { askMessage } from '../../support/ask.ts';
import { type JupyterHub, startJupyterHub } from '../../support/backends/jupyter-hub.ts';
import { run, textOf } from '../../support/gateway-client.ts';
import { startBot } from '../../support/start-bot.ts';

let hub: JupyterHub;
beforeAll(async () => {
  hub = await startJupyterHub(inject('backends'));
});
afterAll(() => hub[Symbol.asyncDispose]());

const slack = { SLACK_BOT_TOKEN: 'xoxb-1', SLACK_APP_TOKEN: 'xapp-1' };

async function valueOf(kernel: Awaited<ReturnType<ReturnType<typeof openGateway>['connect']>>, code: string) {
  const running = run(kernel, { code });
  expect((await running.end).kind).toBe('ok');
  return textOf(running.outputs);
}

function openGateway(environment: Record<string, string> = hub.environment) {
  return createGatewayClient(readConfig({ ...slack, ...environment }).gateway, { log: silentLog });
}

test('a stopped server is started for a kernel, and a culled server takes its kernels with it', async () => {
  const gateway = openGateway();
  await expect(gateway.readKernelspecs()).rejects.toMatchObject({ code: 'serverStopped', status: 424 });
  const told: (number | undefined)[] = [];
  const start = () =>
    gateway.startKernel({
      kernelspec: 'python3',
      kernelId: randomUUID(),
      env: {},
      onServer: (sinceMs) => told.push(sinceMs),
    });
  const first = await start();
  expect(told).toEqual([expect.any(Number), undefined]);
  expect(await hub.isRunning()).toBe(true);
  const connection = await gateway.connect(first.id, { sessionId: randomUUID() });
  expect(await valueOf(connection, 'x = 41; print(x + 1)')).toContain('42');
  await connection.close();

  await hub.stopServer();
  expect(await gateway.findKernel(first.id)).toBeUndefined();
  await expect(gateway.connect(first.id, { sessionId: randomUUID() })).rejects.toMatchObject({
    code: 'kernelGone',
    status: 424,
  });
  await gateway.shutDownKernel(first.id);
  // Only the start of a kernel starts the server again.
  expect(await hub.isRunning()).toBe(false);

  const second = await start();
  const again = await gateway.connect(second.id, { sessionId: randomUUID() });
  expect(await valueOf(again, 'print("x" in dir())')).toContain('False');
  await again.close();
  await gateway.shutDownKernel(second.id);
  await gateway.close();
  await hub.stopServer();
});

test('a start that the hub refuses has its reason', async () => {
  const gateway = openGateway({ ...hub.environment, JUPYTERHUB_SERVER_NAME: 'spark' });
  await expect(gateway.startServer?.()).rejects.toMatchObject({
    code: 'startFailed',
    message: 'JupyterHub could not start the server: Named servers are not enabled',
  });
  await gateway.close();
});

test('without JupyterHub’s settings a stopped server is reported as stopped', async () => {
  const gateway = openGateway({ KG_URL: hub.serverUrl, KG_AUTH_TOKEN: hub.environment.JUPYTERHUB_API_TOKEN });
  const start = gateway.startKernel({ kernelspec: 'python3', kernelId: randomUUID(), env: {} });
  await expect(start).rejects.toMatchObject({
    code: 'serverStopped',
    message: 'The JupyterHub server is stopped (status 424)',
  });
  await gateway.close();
});

test('the bot starts the server and says so, also after a culler has stopped it', async () => {
  await using playground = await startPlayground({ rates: false });
  await using bot = await startBot({
    playground,
    gateway: { httpUrl: hub.serverUrl },
    environment: { ...hub.environment, NO_PROXY: '*' },
  });
  const ask = (code: string) =>
    askMessage(playground, 'ana', '#data', `<@${playground.bot.id}> python \`${code}\``);
  const shown = () => JSON.stringify(playground.calls.map(({ args }) => args));
  const first = await ask('x = 6; print(x * 7)');
  expect(first.text).toContain('42');
  expect(shown()).toContain('Starting the server');

  await hub.stopServer();
  const second = await ask('print("x" in dir())');
  expect(second.text).toContain('False');
  expect(second.text).toContain('the variables from before are gone');
  await bot.stop();
  const said = JSON.stringify([bot.lines, playground.calls.map(({ args }) => args)]);
  expect(said).not.toContain(hub.environment.JUPYTERHUB_API_TOKEN);
  await hub.stopServer();
});
