import { expect, test } from 'vitest';
import { KernelCookies, withCookies } from '../../../../src/gateway/http/cookies.ts';

function sent(...setCookies: string[]): string {
  const cookies = new KernelCookies();
  cookies.take('k', setCookies);
  return cookies.header('k');
}

test.for([
  ['a=b; Path=/', 'a=b'],
  ['a=b; Path=/jkg; Secure; HttpOnly; SameSite=None', 'a=b'],
  ['a=b; Max-Age=60', 'a=b'],
  ['a=b; Max-Age=0', ''],
  ['a=b; Expires=Sat, 28 Nov 2015 11:59:59 GMT', ''],
  ['a=b; Expires=Sat, 28 Nov 2015 11:59:59 GMT; Max-Age=60', 'a=b'],
  ['a=b; Expires=Sat, 28 Nov 2099 12:00:01 GMT', 'a=b'],
  ['a="x,y=="; Path=/', 'a="x,y=="'],
  ['', ''],
  ['no value', ''],
  ['a=é', ''],
  [`a=${'x'.repeat(5_000)}`, ''],
] as const)('%s: %s', ([setCookie, header]) => {
  expect(sent(setCookie)).toBe(header);
});

test('the newest cookie of a name counts, an expired one removes it, and at most twenty are kept', () => {
  expect(sent('a=1; Path=/', 'b=2; Path=/', 'a=3; Path=/')).toBe('b=2; a=3');
  expect(sent('a=1; Path=/', 'a=; Path=/; Max-Age=0')).toBe('');
  const many = Array.from({ length: 1_000 }, (_, n) => `c${n}=1; Path=/`);
  expect(sent(...many).split('; ')).toHaveLength(20);
});

test('kernels do not share cookies, and a later process gets those that were stored', () => {
  const cookies = new KernelCookies();
  cookies.take('k', ['a=b; Path=/; Max-Age=60']);
  expect(cookies.header('other')).toBe('');
  expect(cookies.save('other')).toBeUndefined();
  const later = new KernelCookies();
  later.restore('k', cookies.save('k') ?? '');
  expect(later.header('k')).toBe('a=b');
  later.forget('k');
  expect(later.save('k')).toBeUndefined();
});

test('existing names are left unchanged', () => {
  expect(withCookies({ cookie: 'a=1; b=2' }, 'b=3; c=4', '')).toEqual({ cookie: 'a=1; b=2; c=4' });
  expect(withCookies({ accept: 'x' }, '')).toEqual({ accept: 'x' });
});

test('the cookies of the ten thousand kernels that were used last are kept', () => {
  const cookies = new KernelCookies();
  for (let kernel = 0; kernel <= 10_000; kernel += 1) {
    cookies.take(`k${kernel}`, ['a=b; Path=/']);
    cookies.take('k0', ['a=b; Path=/']);
  }
  expect(['k0', 'k1', 'k2', 'k10000'].map((kernel) => cookies.header(kernel))).toEqual([
    'a=b',
    '',
    'a=b',
    'a=b',
  ]);
});
