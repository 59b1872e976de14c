import { expect, test } from 'vitest';
import { readConfig } from '../../../src/config/config.ts';
import { ConfigError } from '../../../src/errors.ts';
import { LEAST } from '../../support/least-settings.ts';

const least = { ...LEAST, KG_URL: 'https://gateway.corp/jkg/' };
const proxied = { ...least, HTTPS_PROXY: 'http://ana:p%40ss@proxy.corp:3128' };

test('the proxy is for Slack and for both of the gateway’s roots', () => {
  const { proxy, gateway, secrets, warnings } = readConfig(proxied);
  const url = 'http://ana:p%40ss@proxy.corp:3128/';
  expect(proxy).toEqual({ url, exceptions: [] });
  expect(gateway.proxies).toEqual({ rest: url, websocket: url });
  expect(secrets).toEqual(
    expect.arrayContaining(['p@ss', 'p%40ss', Buffer.from('ana:p@ss').toString('base64')]),
  );
  expect(warnings).toEqual([]);
});

test.for([
  [{ NO_PROXY: 'gateway.corp' }, {}],
  [{ no_proxy: '.corp' }, {}],
  [{ KG_URL: 'http://gateway.corp/' }, {}],
  [{ KG_WS_URL: 'wss://sockets.corp/', NO_PROXY: 'gateway.corp' }, { websocket: proxied.HTTPS_PROXY + '/' }],
  [
    { HTTPS_PROXY: '', https_proxy: 'proxy:8080' },
    { rest: 'http://proxy:8080/', websocket: 'http://proxy:8080/' },
  ],
] as const)('%o takes %o', ([env, proxies]) => {
  expect(readConfig({ ...proxied, ...env }).gateway.proxies).toEqual(proxies);
});

test('without one nothing is proxied, and names that belong to other programs are no misspelling', () => {
  const { proxy, gateway, warnings } = readConfig({
    ...least,
    HTTP_PROXY: 'x',
    http_proxy: 'x',
    no_proxy: 'x',
  });
  expect(proxy).toBeUndefined();
  expect(gateway.proxies).toEqual({});
  expect(warnings).toEqual([]);
});

test.for(['socks5://proxy:1080', 'http://proxy/path', 'http://a:%zz@proxy:1', 'a b', 'http://'])(
  '%s is refused without being repeated',
  (address) => {
    const read = () => readConfig({ ...least, HTTPS_PROXY: address });
    expect(read).toThrow(ConfigError);
    expect(read).toThrow(
      'HTTPS_PROXY must be the URL of an HTTP proxy such as http://host:3128, without a path.',
    );
  },
);
