import { expect, test } from 'vitest';
import { CallLimiter, LOOK_RATE, POST_RATE } from '../../../../src/slack/messages/call-limiter.ts';

test('posts: a burst of five, then one a second per channel', () => {
  let nowMs = 1_000_000;
  const limiter = new CallLimiter(() => nowMs, POST_RATE);
  expect([1, 2, 3, 4, 5].map(() => limiter.reserve('C1'))).toEqual([0, 0, 0, 0, 0]);
  expect(limiter.reserve('C1')).toBeGreaterThanOrEqual(1000);
  expect(limiter.reserve('C1')).toBeGreaterThanOrEqual(2000);
  expect(limiter.reserve('C2')).toBe(0);
  nowMs += 60_000;
  expect(limiter.reserve('C1')).toBe(0);
  limiter.pause(3000, 'C1');
  expect(limiter.reserve('C1')).toBeGreaterThanOrEqual(3000);
});

test('looks: never more than 50 in any 60 s, and a pause holds for all', () => {
  let nowMs = 1_000_000;
  const limiter = new CallLimiter(() => nowMs, LOOK_RATE);
  const looks: number[] = [];
  for (const until = nowMs + 300_000; nowMs < until; nowMs += 100)
    if (limiter.take() === 0) looks.push(nowMs);
  expect(looks.length).toBeGreaterThan(100);
  for (const from of looks)
    expect(looks.filter((at) => at >= from && at < from + 60_000).length).toBeLessThanOrEqual(50);
  limiter.pause(5_000);
  expect(limiter.take()).toBeGreaterThan(0);
});
