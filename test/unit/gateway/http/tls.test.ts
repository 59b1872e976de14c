import { createPrivateKey } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type ServerOptions } from 'node:https';
import { expect, test } from 'vitest';
import { WebSocketServer } from 'ws';
import { createGatewayClient } from '../../../../src/gateway/client.ts';
import type { Gateway, GatewaySettings } from '../../../../src/gateway/gateway.ts';
import { readFailure } from '../../../../src/gateway/http/http-errors.ts';
import { silentLog } from '../../../../src/log.ts';
import { settingsFor } from '../../../support/gateway-client.ts';

const pem = (name: string) =>
  readFileSync(new URL(`../../../fixtures/tls/${name}.pem`, import.meta.url), 'utf8');
const key = (name: string) =>
  readFileSync(new URL(`../../../fixtures/tls/${name}.key`, import.meta.url), 'utf8');

/** A TLS server that asks for a password, and clients of it. */
async function startTls(options: ServerOptions = {}) {
  const server = createServer(
    { cert: pem('server'), key: key('server'), ...options },
    (request, response) => {
      const isKnown =
        request.headers.authorization === `Basic ${Buffer.from('ana:right').toString('base64')}`;
      response.statusCode = isKnown ? 200 : 401;
      response.end(isKnown ? '{"version":"1"}' : '<html>401</html>');
    },
  );
  const upgrades = new WebSocketServer({ noServer: true });
  server.on('upgrade', (request, socket, head) =>
    upgrades.handleUpgrade(request, socket, head, (open) => upgrades.emit('connection', open)),
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = address !== null && typeof address !== 'string' ? address.port : 0;
  const gateways: Gateway[] = [];
  return {
    upgrades,
    open(tls: Partial<GatewaySettings['tls']>, pass = 'right'): Gateway {
      const urls = { httpUrl: `https://localhost:${port}`, wsUrl: `wss://localhost:${port}` };
      const gateway = createGatewayClient(
        settingsFor(urls, { user: 'ana', pass, tls: { verify: true, ...tls } }),
        { log: silentLog },
      );
      gateways.push(gateway);
      return gateway;
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(gateways.map((gateway) => gateway.close()));
      for (const socket of upgrades.clients) socket.terminate();
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

test('a certificate of the given authority is trusted', async () => {
  await using tls = await startTls();
  expect(await tls.open({ ca: pem('ca') }).readInfo()).toEqual({ version: '1' });
});

test.for([
  ['no authority of ours', {}],
  ['another authority', { ca: pem('other-ca') }],
] as const)('untrusted, on REST and on the websocket: %s', async ([, trust]) => {
  await using tls = await startTls();
  const gateway = tls.open(trust);
  await expect(gateway.readInfo()).rejects.toMatchObject({ code: 'untrusted' });
  await expect(gateway.connect('k', { sessionId: 's' })).rejects.toMatchObject({ code: 'untrusted' });
});

test('a wrong password is told apart from a wrong authority', async () => {
  await using tls = await startTls();
  const failing = tls.open({ ca: pem('ca') }, 'wrong').readInfo();
  await expect(failing).rejects.toMatchObject({ code: 'unauthorized', status: 401 });
});

test('without a check anything is trusted', async () => {
  await using tls = await startTls();
  expect(await tls.open({ verify: false }).readInfo()).toEqual({ version: '1' });
});

test('a client certificate is sent to a server that asks for one', async () => {
  await using tls = await startTls({ requestCert: true, rejectUnauthorized: true, ca: pem('ca') });
  const shown = tls.open({ ca: pem('ca'), cert: pem('client'), key: key('client') });
  expect(await shown.readInfo()).toEqual({ version: '1' });
  await expect(tls.open({ ca: pem('ca') }).readInfo()).rejects.toMatchObject({ name: 'GatewayError' });
});

test('an encrypted client key is opened by its passphrase, for REST and the websocket', async () => {
  await using tls = await startTls({ requestCert: true, rejectUnauthorized: true, ca: pem('ca') });
  const locked = String(
    createPrivateKey(key('client')).export({
      type: 'pkcs8',
      format: 'pem',
      cipher: 'aes-256-cbc',
      passphrase: 'sesame',
    }),
  );
  const shown = tls.open({ ca: pem('ca'), cert: pem('client'), key: locked, passphrase: 'sesame' });
  expect(await shown.readInfo()).toEqual({ version: '1' });
  const opened = once(tls.upgrades, 'connection');
  const leaving = new AbortController();
  const connecting = shown.connect('k', { sessionId: 's', signal: leaving.signal }).catch(() => undefined);
  await opened;
  leaving.abort();
  await connecting;
});

test('an alert about the client certificate does not mean that the server is untrusted', () => {
  const alert = Object.assign(new Error('alert'), { code: 'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED' });
  expect(readFailure(alert, 'https://host')).toMatchObject({ code: 'unauthorized' });
});

test('a file without a certificate trusts nobody', async () => {
  await using tls = await startTls();
  const gateway = tls.open({ ca: 'no certificate at all' });
  await expect(gateway.readInfo()).rejects.toMatchObject({ code: 'untrusted' });
});
