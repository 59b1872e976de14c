import { expect, test } from 'vitest';
import { Rates } from '../../playground/rates.ts';

test('50 updates in any 60 s', () => {
  const rates = new Rates();
  for (let i = 0; i < 50; i += 1) expect(rates.retryAfterS('chat.update', 'C1', i * 100)).toBeUndefined();
  expect(rates.retryAfterS('chat.update', 'C2', 10_000)).toBe(50);
  expect(rates.retryAfterS('chat.update', 'C1', 60_000)).toBeUndefined();
  expect(rates.retryAfterS('chat.update', 'C1', 60_050)).toBe(1);
});

test('posts: a burst of 5 per channel, then one a second', () => {
  const rates = new Rates();
  for (let i = 0; i < 5; i += 1) expect(rates.retryAfterS('chat.postMessage', 'C1', 0)).toBeUndefined();
  expect(rates.retryAfterS('chat.postMessage', 'C1', 0)).toBe(1);
  expect(rates.retryAfterS('chat.postMessage', 'C2', 0)).toBeUndefined();
  expect(rates.retryAfterS('chat.postMessage', 'C1', 1000)).toBeUndefined();
  expect(rates.retryAfterS('chat.postMessage', 'C1', 1000)).toBe(1);
});

test('a rate can be set', () => {
  const rates = new Rates({ 'users.info': 1 });
  expect(rates.retryAfterS('users.info', undefined, 0)).toBeUndefined();
  expect(rates.retryAfterS('users.info', undefined, 1)).toBe(60);
});
