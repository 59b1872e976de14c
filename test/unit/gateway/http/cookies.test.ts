import { expect, test } from 'vitest';
import { KernelCookies, withCookies } from '../../../../src/gateway/http/cookies.ts';

const NOW = Date.parse('2026-11-28T12:00:00Z');
const from = new URL('https://gw.corp/jkg/api/kernels');

function sentTo(address: string, ...setCookies: string[]): string {
  const cookies = new KernelCookies(() => NOW);
  cookies.take('k', from, setCookies);
  return cookies.header('k', new URL(address));
}

const channels = 'wss://gw.corp/jkg/api/kernels/k/channels';

test.for([
  ['a=b; Path=/', channels, 'a=b'],
  ['a=b', channels, 'a=b'],
  ['a=b; Path=/jkg', channels, 'a=b'],
  ['a=b; Path=/jk', channels, ''],
  ['a=b; Path=/other', channels, ''],
  ['a=b; Path=relative', channels, 'a=b'],
  ['a=b; Path=/; Secure', channels, 'a=b'],
  ['a=b; Path=/; Secure', 'http://gw.corp/', ''],
  ['a=b; Path=/', 'https://other.corp/', ''],
  ['a=b; Path=/', 'https://gw.corp:8443/', 'a=b'],
  ['a=b; Path=/; Domain=corp', 'wss://sockets.corp/', 'a=b'],
  ['a=b; Path=/; Domain=.corp', 'wss://sockets.corp/', 'a=b'],
  ['a=b; Path=/; Domain=rp', channels, ''],
  ['a=b; Path=/; Domain=elsewhere.org', channels, ''],
  ['a=b; Path=/; Max-Age=60', channels, 'a=b'],
  ['a=b; Path=/; Max-Age=0', channels, ''],
  ['a=b; Path=/; Expires=Sat, 28 Nov 2026 11:59:59 GMT', channels, ''],
  ['a=b; Path=/; Expires=Sat, 28 Nov 2026 12:00:01 GMT', channels, 'a=b'],
  ['a="x,y=="; Path=/', channels, 'a="x,y=="'],
  ['', channels, ''],
  ['no value', channels, ''],
  ['a=é', channels, ''],
  [`a=${'x'.repeat(5_000)}`, channels, ''],
] as const)('%s to %s: %s', ([setCookie, address, header]) => {
  expect(sentTo(address, setCookie)).toBe(header);
});

test('the newest cookie of a name counts, an expired one removes it, and at most twenty are kept', () => {
  expect(sentTo(channels, 'a=1; Path=/', 'b=2; Path=/', 'a=3; Path=/')).toBe('b=2; a=3');
  expect(sentTo(channels, 'a=1; Path=/', 'a=; Path=/; Max-Age=0')).toBe('');
  const many = Array.from({ length: 1_000 }, (_, n) => `c${n}=1; Path=/`);
  expect(sentTo(channels, ...many).split('; ')).toHaveLength(20);
});

test('kernels do not share cookies, and a stored one expires in time', () => {
  let now = NOW;
  const cookies = new KernelCookies(() => now);
  cookies.take('k', from, ['a=b; Path=/; Max-Age=60']);
  expect(cookies.header('other', from)).toBe('');
  const later = new KernelCookies(() => now);
  later.restore('k', cookies.save('k') ?? '');
  expect(later.header('k', from)).toBe('a=b');
  now += 60_000;
  expect(later.header('k', from)).toBe('');
  expect(later.save('k')).toBeUndefined();
});

test('existing names are left unchanged', () => {
  expect(withCookies({ cookie: 'a=1; b=2' }, 'b=3; c=4', '')).toEqual({ cookie: 'a=1; b=2; c=4' });
  expect(withCookies({ accept: 'x' }, '')).toEqual({ accept: 'x' });
});

test('the cookies of the ten thousand kernels that were used last are kept', () => {
  const cookies = new KernelCookies(() => NOW);
  const url = new URL(channels);
  for (let kernel = 0; kernel <= 10_000; kernel += 1) {
    cookies.take(`k${kernel}`, from, ['a=b; Path=/']);
    cookies.take('k0', from, ['a=b; Path=/']);
  }
  expect(['k0', 'k1', 'k2', 'k10000'].map((kernel) => cookies.header(kernel, url))).toEqual([
    'a=b',
    '',
    'a=b',
    'a=b',
  ]);
});
