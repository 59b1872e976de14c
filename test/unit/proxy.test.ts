import { expect, test } from 'vitest';
import { proxyFor, readExceptions, shownProxy } from '../../src/proxy.ts';

const url = 'http://ana:s3cret@proxy:3128/';

function isDirect(address: string, noProxy: string): boolean {
  return proxyFor(address, { url, exceptions: readExceptions(noProxy) }) === undefined;
}

test.for([
  ['https://slack.com/api/', '', false],
  ['wss://wss-primary.slack.com/link', '', false],
  ['http://slack.com/', '', true],
  ['ws://gateway:8888/', '', true],
  ['https://gateway.corp/', 'gateway.corp', true],
  ['https://gateway.corp./', 'gateway.corp', true],
  ['https://GATEWAY.corp/', 'Gateway.Corp', true],
  ['https://a.gateway.corp/', 'gateway.corp', true],
  ['https://agateway.corp/', 'gateway.corp', false],
  ['https://corp/', '.corp', true],
  ['https://a.corp/', '.corp', true],
  ['https://corp/', '*.corp', false],
  ['https://a.corp/', '*.corp', true],
  ['https://a.corp/', 'x, y\t a.corp ,', true],
  ['https://a.corp/', 'a.corp:443', true],
  ['https://a.corp:8443/', 'a.corp:443', false],
  ['https://a.corp:8443/', 'a.corp:8443', true],
  ['https://a.corp/', '*', true],
  ['https://a.corp/', '*:8443', false],
  ['https://10.1.2.3/', '10.1.2.3', true],
  ['https://10.1.2.3/', '10.0.0.0/8', true],
  ['https://11.1.2.3/', '10.0.0.0/8', false],
  ['https://10.1.2.3:8443/', '10.0.0.0/8:8443', true],
  ['https://a10.1.2.3.nip.io/', '10.1.2.3', false],
  ['https://[::1]/', '::1', true],
  ['https://[::1]:8443/', '[::1]:8443', true],
  ['https://[fd00::7]/', 'fd00::/8', true],
  ['https://[fd00::7]/', '10.0.0.0/8', false],
  ['https://a.corp/', '10.0.0.0/99', false],
] as const)('%s with NO_PROXY=%s goes directly: %s', ([address, noProxy, direct]) => {
  expect(isDirect(address, noProxy)).toBe(direct);
});

test('without a proxy everything goes directly, and a proxy is shown without its password', () => {
  expect(proxyFor('https://slack.com/', undefined)).toBeUndefined();
  expect(proxyFor('https://slack.com/', { url, exceptions: [] })).toBe(url);
  expect(shownProxy(url)).toBe('http://proxy:3128');
});
