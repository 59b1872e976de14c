import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { expect, test } from 'vitest';
import { checkProxy, checkTunnel } from '../../../src/doctor/check-proxy.ts';
import { startReport } from '../../../src/doctor/report.ts';
import { readExceptions } from '../../../src/proxy.ts';
import { startConnectProxy, startTls } from '../../support/connect-proxy.ts';

function openReport() {
  const lines: string[] = [];
  const report = startReport((text) => lines.push(...text.trimEnd().split('\n')), false);
  return { report, findings: () => lines.filter((line) => !line.startsWith('   …')) };
}

async function examine(url: string, addresses: Record<string, string>, noProxy = ''): Promise<string[]> {
  const { report, findings } = openReport();
  await checkProxy({ url, exceptions: readExceptions(noProxy) }, addresses, report);
  return findings();
}

test('the proxy’s answer is reported for each address, never its password', async () => {
  await using proxy = await startConnectProxy({ credentials: 'ana:s3cret' });
  await using tls = await startTls(proxy.url);
  const to = `https://localhost:${tls.port}/`;
  const known = await examine(proxy.url.replace('//', '//ana:s3cret@'), { Slack: to });
  expect(known).toEqual([
    `ok      proxy                ${proxy.url} opens the way to localhost:${tls.port} (200).`,
  ]);
  const unknown = await examine(proxy.url.replace('//', '//ana:wr0ng@'), { Slack: to });
  expect(unknown[0]).toBe(
    `failed  proxy                ${proxy.url} answers 407 Proxy Authentication Required when asked for localhost:${tls.port}.`,
  );
  expect(unknown[1]).toContain('HTTPS_PROXY: http://user:password@host:3128');
  expect(unknown.join()).not.toContain('wr0ng');
});

test.each([200, 407])('no tunnel stays open behind a look (%i)', async (status) => {
  const opened: Socket[] = [];
  const server = createServer((socket) => {
    opened.push(socket);
    socket.on('error', () => undefined);
    socket.once('data', () => socket.write(`HTTP/1.1 ${status} Said\r\n\r\n`));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await examine(`http://127.0.0.1:${port}`, { Slack: 'https://slack.com/api/' });
  const closed = once(server, 'close');
  server.close();
  await closed;
  expect(opened).toHaveLength(1);
});

test('a refusal names the address that the proxy should let through', async () => {
  await using proxy = await startConnectProxy();
  proxy.refuseWith = 403;
  const [failure, remedy] = await examine(proxy.url, { Slack: 'https://slack.com/api/' });
  expect(failure).toContain(`${proxy.url} answers 403 Forbidden when asked for slack.com:443.`);
  expect(remedy).toContain('tunnels (CONNECT) to slack.com:443');
});

test('a proxy that does not answer', async () => {
  const proxy = await startConnectProxy();
  await proxy[Symbol.asyncDispose]();
  const [failure] = await examine(proxy.url, { Slack: 'https://slack.com/api/' });
  expect(failure).toContain(`${proxy.url} gives no answer (ECONNREFUSED).`);
});

test('addresses that are reached without the proxy are noted', async () => {
  await using proxy = await startConnectProxy();
  const addresses = { Slack: 'https://slack.com/api/', 'the gateway': 'http://gateway:8888/' };
  const why = 'is plain http, or NO_PROXY names it.';
  expect(await examine(proxy.url, addresses, 'slack.com')).toEqual([
    `note    HTTPS_PROXY is not used for Slack: slack.com ${why}`,
    `note    HTTPS_PROXY is not used for the gateway: gateway:8888 ${why}`,
  ]);
  expect(proxy.asked).toEqual([]);
  const { report, findings } = openReport();
  await checkTunnel({ url: proxy.url, exceptions: [] }, 'ws://gateway:8888/', report);
  await checkProxy(undefined, addresses, report);
  expect(findings()).toEqual([]);
});
