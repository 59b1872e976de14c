import { expect, test } from 'vitest';
import { startPlayground } from '../../../playground/playground.ts';
import { askMessage, finalAnswer } from '../../support/ask.ts';
import { startConnectProxy, startTls, testAuthorityFile } from '../../support/connect-proxy.ts';
import { startScriptedGateway } from '../../support/scripted-gateway.ts';
import { startBot } from '../../support/start-bot.ts';
import { runDoctor } from '../doctor/rig.ts';

/** Slack and a gateway behind TLS, and a proxy that wants a password: the machine of a company. */
async function startCompany() {
  const playground = await startPlayground({ rates: false });
  const gateway = await startScriptedGateway();
  const slackTls = await startTls(playground.origin);
  const gatewayTls = await startTls(gateway.httpUrl);
  const proxy = await startConnectProxy({ credentials: 'ana:s3cret-word' });
  const origin = `https://localhost:${slackTls.port}`;
  playground.service.origin = origin;
  playground.service.uploads.origin = origin;
  return {
    playground,
    gateway,
    slackTls,
    gatewayTls,
    proxy,
    environment: {
      KG_URL: `https://localhost:${gatewayTls.port}`,
      KG_WS_URL: `wss://localhost:${gatewayTls.port}`,
      KG_CLIENT_CA: testAuthorityFile,
      NODE_EXTRA_CA_CERTS: testAuthorityFile,
      HTTPS_PROXY: proxy.url.replace('//', '//ana:s3cret-word@'),
    },
    async [Symbol.asyncDispose]() {
      await slackTls[Symbol.asyncDispose]();
      await gatewayTls[Symbol.asyncDispose]();
      await proxy[Symbol.asyncDispose]();
      await playground[Symbol.asyncDispose]();
      await gateway.close();
    },
  };
}

test('calls, events, uploads, downloads and the gateway’s calls and websockets go through the proxy, and nothing bypasses it', async () => {
  await using company = await startCompany();
  const { playground, gateway, proxy, slackTls, gatewayTls } = company;
  const long = Array.from({ length: 3_000 }, (_, line) => `line ${line}\n`).join('');
  gateway.onStart = (kernel) => {
    kernel.onExecute = (request) =>
      kernel.run(request, String(request.content['code']).includes('long') ? long : 'short\n');
  };
  await using bot = await startBot({
    playground,
    gateway,
    environment: { ...company.environment, LOG_LEVEL: 'trace' },
  });

  const file = playground
    .as('ana')
    .upload('#data', { name: 'a.py', content: 'long()' }, `<@${playground.bot.id}>`);
  const answer = await finalAnswer(playground, '#data', file.ts);
  expect(answer.text).toContain('line 2999');
  await playground.waitFor(
    () => playground.replies('#data', file.ts).find(({ files }) => (files ?? []).length > 0),
    { what: 'the attached output' },
  );

  // Slack's websocket and the kernel's come back through the proxy.
  const opens = playground.callsOf('apps.connections.open').length;
  proxy.cut();
  await bot.untilLog(({ event }) => event === 'socket.reopened');
  await playground.waitFor(() => playground.callsOf('apps.connections.open').length > opens);
  await playground.waitForConnection();
  const again = await askMessage(playground, 'ana', '#data', `<@${playground.bot.id}> \`short()\``);
  expect(again.text).toContain('short');

  const tunnels = (port: number) =>
    proxy.asked.filter(({ target, status }) => target === `localhost:${port}` && status === 200).length;
  expect([slackTls.connections(), gatewayTls.connections()]).toEqual([
    tunnels(slackTls.port),
    tunnels(gatewayTls.port),
  ]);
  await bot.stop();
  const said = JSON.stringify([bot.lines, playground.calls.map(({ args }) => args)]);
  expect(said).not.toContain('s3cret-word');
  expect(said).not.toContain(Buffer.from('ana:s3cret-word').toString('base64'));
});

test('doctor names the proxy and its refusal', async () => {
  await using company = await startCompany();
  const { KG_URL, HTTPS_PROXY } = company.environment;
  const { lines, failures } = await runDoctor({
    ...company.playground.environment,
    KG_URL,
    HTTPS_PROXY: HTTPS_PROXY.replace('s3cret', 'wr0ng'),
    STORE_URL: 'memory:',
  });
  const told = `${company.proxy.url} answers 407 Proxy Authentication Required when asked for localhost`;
  expect(failures.slice(0, 2)).toEqual([expect.stringContaining(told), expect.stringContaining(told)]);
  expect(lines.join('\n')).not.toContain('wr0ng-word');
});
