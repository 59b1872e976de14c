import { Keyv } from 'keyv';
import { expect, test } from 'vitest';
import { type EditBudget, startEditBudget } from '../../../../src/slack/messages/edit-limiter.ts';
import { openEditBudget } from '../../../../src/slack/messages/open-edit-limiter.ts';
import { startLookPace, startPostPace } from '../../../../src/slack/messages/post-limiter.ts';

const limits = { edits: 50, windowMs: 60_000, gapMs: 1_000, apartMs: 0 };

/** Many answers that want an edit all the time, on a clock of their own. Returns the times of all edits by answer. */
async function simulate(answers: number, seconds: number, step = 50) {
  let nowMs = 0;
  const budget = startEditBudget(() => nowMs, limits);
  const names = Array.from({ length: answers }, (_, number) => `run-${number}`);
  for (const name of names) budget.open(name);
  const edits = new Map<string, number[]>(names.map((name) => [name, []]));
  for (; nowMs < seconds * 1000; nowMs += step) {
    for (const name of names) if ((await budget.take(name, 'live')) === 0) edits.get(name)?.push(nowMs);
  }
  const ends: number[] = [];
  for (const name of names) ends.push(await budget.take(name, 'end'));
  return { edits, ends, endedAt: nowMs };
}

test.each([1, 5, 20, 40, 49])(
  '%i answers: every end finds its edit, and never more than 50 in any 60 s',
  async (answers) => {
    const { edits, ends, endedAt } = await simulate(answers, 200);
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

test('the share is fair', async () => {
  const { edits } = await simulate(20, 300);
  const counts = [...edits.values()].map((times) => times.length);
  expect(Math.min(...counts)).toBeGreaterThan(0);
  expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(3);
});

test('quiet answers leave their share to the others', async () => {
  let nowMs = 0;
  const budget = startEditBudget(() => nowMs, limits);
  for (let number = 0; number < 20; number += 1) budget.open(`quiet-${number}`);
  budget.open('busy');
  let edits = 0;
  for (; nowMs < 60_000; nowMs += 100) if ((await budget.take('busy', 'live')) === 0) edits += 1;
  expect(edits).toBeGreaterThan(20);
});

test('one answer alone is edited about once a second until its minute is used up', async () => {
  const { edits } = await simulate(1, 10);
  expect(edits.get('run-0')?.length).toBeGreaterThanOrEqual(7);
});

test('after a 429 nobody edits until it is over', async () => {
  let nowMs = 0;
  const budget = startEditBudget(() => nowMs, limits);
  budget.pause(3000);
  expect(await budget.take('run-1', 'end')).toBe(3000);
  nowMs = 3000;
  expect(await budget.take('run-1', 'end')).toBe(0);
});

test('an answer that closed keeps nothing back', async () => {
  const budget = startEditBudget(() => 0, limits);
  const closes = Array.from({ length: 50 }, (_, number) => budget.open(`run-${number}`));
  expect(await budget.take('run-0', 'live')).toBeGreaterThan(0);
  for (const close of closes) close();
  expect(await budget.take('run-0', 'live')).toBe(0);
});

test('posts: a burst of five, then one a second per channel', () => {
  let nowMs = 1_000_000;
  const pace = startPostPace(() => nowMs);
  expect([1, 2, 3, 4, 5].map(() => pace.reserve('C1'))).toEqual([0, 0, 0, 0, 0]);
  expect(pace.reserve('C1')).toBeGreaterThanOrEqual(1000);
  expect(pace.reserve('C1')).toBeGreaterThanOrEqual(2000);
  expect(pace.reserve('C2')).toBe(0);
  nowMs += 60_000;
  expect(pace.reserve('C1')).toBe(0);
  pace.pause('C1', 3000);
  expect(pace.reserve('C1')).toBeGreaterThanOrEqual(3000);
});

test('with more answers than edits live pictures still move, and half of the edits are left to the ends', async () => {
  const { edits, ends } = await simulate(200, 50);
  expect([...edits.values()].flat()).toHaveLength(25);
  expect(ends.filter((wait) => wait === 0)).toHaveLength(25);
});

test('looks: never more than 50 in any 60 s, and a pause holds for all', () => {
  let nowMs = 1_000_000;
  const pace = startLookPace(() => nowMs);
  const looks: number[] = [];
  for (const until = nowMs + 300_000; nowMs < until; nowMs += 100) if (pace.take() === 0) looks.push(nowMs);
  expect(looks.length).toBeGreaterThan(100);
  for (const from of looks)
    expect(looks.filter((at) => at >= from && at < from + 60_000).length).toBeLessThanOrEqual(50);
  pace.pause(5_000);
  expect(pace.take()).toBeGreaterThan(0);
});

test('ends that found no edit left come before all others, in their order', async () => {
  let nowMs = 0;
  const budget = startEditBudget(() => nowMs, limits);
  const take = async (names: string[], use: 'live' | 'end'): Promise<string[]> => {
    const waits = await Promise.all(names.map((name) => budget.take(name, use)));
    return names.filter((_, index) => waits[index] === 0);
  };
  const early = Array.from({ length: 50 }, (_, number) => `early-${number}`);
  expect(await take(early.slice(0, 48), 'end')).toHaveLength(48);
  nowMs = 30_000;
  expect(await take(early.slice(48), 'end')).toHaveLength(2);
  const close = budget.open('gone');
  expect(await take([...early.slice(0, 48), 'gone', 'last'], 'end')).toEqual([]);
  close();
  nowMs = 60_000;
  expect(await take(['late'], 'live')).toEqual([]);
  expect(await take(['late', 'last', ...early.slice(0, 48)], 'end')).toEqual(early.slice(0, 48));
  nowMs = 90_000;
  expect(await take(['late', 'last'], 'end')).toEqual(['late', 'last']);
});

test('edits do not go out all at once', async () => {
  let nowMs = 0;
  const budget = startEditBudget(() => nowMs, { ...limits, apartMs: 50 });
  expect(await budget.take('a', 'end')).toBe(0);
  expect(await budget.take('b', 'end')).toBe(50);
  nowMs = 50;
  expect(await budget.take('b', 'end')).toBe(0);
});

test('a successor knows what its predecessor used up in the last minute', async () => {
  let nowMs = 1_000_000;
  const kept = new Keyv();
  const open = () => openEditBudget({ kind: 'alone', kept }, 'T1', () => nowMs);
  const granted = async (budget: EditBudget): Promise<number> => {
    let count = 0;
    while ((await budget.take(`run-${count}`, 'end')) === 0) {
      count += 1;
      nowMs += 50;
    }
    return count;
  };
  const predecessor = await open();
  for (let number = 0; number < 40; number += 1) {
    expect(await predecessor.take(`run-${number}`, 'end')).toBe(0);
    nowMs += 50;
  }
  const successor = await open();
  expect(await granted(successor)).toBe(10);
  nowMs += 61_000;
  expect(await granted(successor)).toBe(50);
});

test('a store that gives no edits back costs no answer anything', async () => {
  const away = async () => Promise.reject(new Error('away'));
  const kept = new Keyv({
    store: { get: away, set: away, delete: away, clear: away },
    throwOnErrors: true,
  });
  const budget = await openEditBudget({ kind: 'alone', kept }, 'T1', () => 0);
  expect(await budget.take('run-1', 'end')).toBe(0);
});
