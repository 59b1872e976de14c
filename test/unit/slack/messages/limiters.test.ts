import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { CallLimiter, EditLimiter, LOOK_RATE, POST_RATE } from '../../../../src/slack/messages/limiters.ts';

const limits = { edits: 50, windowMs: 60_000, gapMs: 1_000, apartMs: 0, endsShare: 10 };

/** Many answers that want an edit all the time, on a clock of their own. Returns the times of all edits by answer. */
function simulate(answers: number, seconds: number, step = 50) {
  let nowMs = 0;
  const limiter = new EditLimiter(() => nowMs, { limits, isFresh: true });
  const names = Array.from({ length: answers }, (_, number) => `run-${number}`);
  for (const name of names) limiter.open(name);
  const edits = new Map<string, number[]>(names.map((name) => [name, []]));
  for (; nowMs < seconds * 1000; nowMs += step) {
    for (const name of names) if (limiter.take(name, 'live') === 0) edits.get(name)?.push(nowMs);
  }
  const ends: number[] = [];
  for (const name of names) ends.push(limiter.take(name, 'end'));
  return { edits, ends, endedAt: nowMs };
}

test.each([1, 5, 20, 40, 49])(
  '%i answers: every end gets its edit, and there are never more than 50 in any 60 s',
  (answers) => {
    const { edits, ends, endedAt } = simulate(answers, 200);
    expect(ends.every((wait) => wait === 0)).toBe(true);
    const times = [...edits.values()]
      .flat()
      .concat(ends.map(() => endedAt))
      .toSorted((a, b) => a - b);
    for (const [index, from] of times.entries()) {
      const inWindow = times.slice(index).filter((at) => at < from + 60_000).length;
      expect(inWindow).toBeLessThanOrEqual(50);
    }
  },
);

test('the share is fair', () => {
  const { edits } = simulate(20, 300);
  const counts = [...edits.values()].map((times) => times.length);
  expect(Math.min(...counts)).toBeGreaterThan(0);
  expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(3);
});

test('the share of quiet answers goes to the others', () => {
  let nowMs = 0;
  const limiter = new EditLimiter(() => nowMs, { limits, isFresh: true });
  for (let number = 0; number < 20; number += 1) limiter.open(`quiet-${number}`);
  limiter.open('busy');
  let edits = 0;
  for (; nowMs < 60_000; nowMs += 100) if (limiter.take('busy', 'live') === 0) edits += 1;
  expect(edits).toBeGreaterThan(20);
});

test('root messages, which are edited once, get no share of progress after that', () => {
  let nowMs = 0;
  const limiter = new EditLimiter(() => nowMs, { limits, isFresh: true });
  limiter.open('busy');
  for (let number = 0; number < 10; number += 1) expect(limiter.take(`run-${number}/root`, 'live')).toBe(0);
  let edits = 0;
  for (; nowMs < 15_000; nowMs += 100) if (limiter.take('busy', 'live') === 0) edits += 1;
  expect(edits).toBeGreaterThanOrEqual(10);
});

test('one answer alone is edited about once a second until its minute is used up', () => {
  const { edits } = simulate(1, 10);
  expect(edits.get('run-0')?.length).toBeGreaterThanOrEqual(7);
});

test('after a 429 nobody edits until it is over', () => {
  let nowMs = 0;
  const limiter = new EditLimiter(() => nowMs, { limits, isFresh: true });
  limiter.pause(3000);
  expect(limiter.take('run-1', 'end')).toBe(3000);
  nowMs = 3000;
  expect(limiter.take('run-1', 'end')).toBe(0);
});

test('a closed answer reserves nothing', () => {
  const limiter = new EditLimiter(() => 0, { limits, isFresh: true });
  const closes = Array.from({ length: 50 }, (_, number) => limiter.open(`run-${number}`));
  expect(limiter.take('run-0', 'live')).toBeGreaterThan(0);
  for (const close of closes) close();
  expect(limiter.take('run-0', 'live')).toBe(0);
});

test('with more answers than edits progress is still shown, and half of the edits are reserved for ends', () => {
  const { edits, ends } = simulate(200, 50);
  expect([...edits.values()].flat()).toHaveLength(25);
  expect(ends.filter((wait) => wait === 0)).toHaveLength(25);
});

test('ends that had to wait come before all others, in their order', () => {
  let nowMs = 0;
  const limiter = new EditLimiter(() => nowMs, { limits, isFresh: true });
  const take = (names: string[], use: 'live' | 'end'): string[] =>
    names.filter((name) => limiter.take(name, use) === 0);
  const early = Array.from({ length: 50 }, (_, number) => `early-${number}`);
  expect(take(early.slice(0, 48), 'end')).toHaveLength(48);
  nowMs = 30_000;
  expect(take(early.slice(48), 'end')).toHaveLength(2);
  const close = limiter.open('gone');
  expect(take([...early.slice(0, 48), 'gone', 'last'], 'end')).toEqual([]);
  close();
  nowMs = 60_000;
  expect(take(['late'], 'live')).toEqual([]);
  expect(take(['late', 'last', ...early.slice(0, 48)], 'end')).toEqual(early.slice(0, 48));
  nowMs = 90_000;
  expect(take(['late', 'last'], 'end')).toEqual(['late', 'last']);
});

test('edits do not go out all at once', () => {
  let nowMs = 0;
  const limiter = new EditLimiter(() => nowMs, { limits: { ...limits, apartMs: 50 }, isFresh: true });
  expect(limiter.take('a', 'end')).toBe(0);
  expect(limiter.take('b', 'end')).toBe(50);
  nowMs = 50;
  expect(limiter.take('b', 'end')).toBe(0);
});

test('after a start a predecessor is assumed to have used its share: no burst, and an edit within seconds', () => {
  let nowMs = 1_000_000;
  const limiter = new EditLimiter(() => nowMs);
  const granted: number[] = [];
  for (const until = nowMs + 61_000; nowMs < until; nowMs += 50) {
    if (limiter.take('run', 'live') === 0) granted.push(nowMs);
  }
  expect(granted[0]).toBeLessThan(1_003_000);
  expect(granted.length).toBeGreaterThan(30);
  expect(granted.length).toBeLessThanOrEqual(41);
  expect(Math.min(...granted.slice(1).map((at, nth) => at - (granted[nth] ?? 0)))).toBeGreaterThan(1_000);
});

test('after a start edits are made one at a time for a minute: if a predecessor has used it up, there is one refusal', () => {
  let nowMs = 1_000_000;
  const limiter = new EditLimiter(() => nowMs);
  const taken = (ms: number): number => {
    let count = 0;
    for (const until = nowMs + ms; nowMs < until; nowMs += 10)
      if (limiter.take('run', 'end') === 0) count += 1;
    return count;
  };
  expect(taken(900)).toBe(1);
  limiter.answered();
  expect(taken(400)).toBe(1);
  limiter.answered();
  expect(taken(400)).toBe(1);
  nowMs += 61_000;
  expect(taken(400)).toBe(8);
});

test('after a start an edit without an answer counts even if another message opens meanwhile', () => {
  let nowMs = 1_000_000;
  const limiter = new EditLimiter(() => nowMs);
  expect(limiter.take('run-0', 'end')).toBe(0);
  for (let nth = 1; nth < 9; nth += 1) {
    nowMs += 100;
    limiter.open(`run-${nth}`);
    expect(limiter.take(`run-${nth}`, 'end')).toBeGreaterThan(0);
  }
});

test('after a start with more open messages than edits progress is shown within seconds, too', () => {
  let nowMs = 1_000_000;
  const limiter = new EditLimiter(() => nowMs);
  const runs = Array.from({ length: 200 }, (_, nth) => `run-${nth}`);
  for (const run of runs) limiter.open(run);
  while (!runs.some((run) => limiter.take(run, 'live') === 0)) nowMs += 50;
  expect(nowMs).toBeLessThan(1_003_000);
});

test('a 429 counts as a used-up minute: no burst after it', () => {
  let nowMs = 1_000_000;
  const limiter = new EditLimiter(() => nowMs, { isFresh: true });
  limiter.pause(2_000);
  nowMs += 2_000;
  const granted = Array.from({ length: 50 }, (_, nth) => limiter.take(`run-${nth}`, 'end'));
  expect(granted.filter((waitMs) => waitMs === 0)).toHaveLength(1);
});

test('an end never waits for edits that only showed progress', () => {
  let nowMs = 0;
  const limiter = new EditLimiter(() => nowMs, { isFresh: true });
  limiter.open('long');
  for (; nowMs < 600_000; nowMs += 100) limiter.take('long', 'live');
  for (let nth = 0; nth < 10; nth += 1) {
    expect(limiter.take(`quick-${nth}`, 'end')).toBe(0);
    nowMs += 50;
  }
});

test('posts: a burst of five, then one a second per channel; a 429 in one holds up no other', () => {
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
  expect(limiter.reserve('C2')).toBe(0);
});

test('looks: never more than 50 in any 60 s, and a pause counts for all', () => {
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

test('an end that was posted anew does not hold back others', () => {
  let nowMs = 0;
  const limiter = new EditLimiter(() => nowMs, { limits, isFresh: true });
  expect(limiter.take('first', 'end')).toBe(0);
  nowMs = 30_000;
  for (let number = 0; number < 49; number += 1) limiter.take(`run-${number}`, 'end');
  expect(limiter.take('posted anew', 'end')).toBeGreaterThan(0);
  limiter.leave('posted anew');
  nowMs = 60_000;
  expect(limiter.take('next', 'end')).toBe(0);
});

test('a message that was never opened, such as a root message, is forgotten', () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  let nowMs = 0;
  const limiter = new EditLimiter(() => nowMs, { limits, isFresh: true });
  const heldBytes = (): number => {
    nowMs += 60_000;
    limiter.take('one more', 'live');
    collect();
    return process.memoryUsage().heapUsed;
  };
  const before = heldBytes();
  for (let number = 0; number < 100_000; number += 1) limiter.take(`run-${number}/root`, 'live');
  expect(heldBytes() - before).toBeLessThan(4_000_000);
});

test('an urgent picture that is progress again keeps no turn', () => {
  let nowMs = 0;
  const limiter = new EditLimiter(() => nowMs, { limits, isFresh: true });
  for (let number = 0; number < 50; number += 1) limiter.take(`run-${number}`, 'end');
  expect(limiter.take('asked', 'urgent')).toBeGreaterThan(0);
  expect(limiter.take('asked', 'live')).toBeGreaterThan(0);
  nowMs = 60_000;
  expect(Array.from({ length: 50 }, (_, nth) => limiter.take(`next-${nth}`, 'end'))).toEqual(
    Array.from({ length: 50 }, () => 0),
  );
});
