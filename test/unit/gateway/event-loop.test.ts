import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { giveTurn, hasTime, inOwnTurn } from '../../../src/gateway/event-loop.ts';
import { useUpTurn, watchTurns } from '../../support/turns.ts';

test('the time of a turn is shared by all work, and the next turn has time again', async () => {
  await nextTurn();
  useUpTurn();
  expect(hasTime()).toBe(false);
  let isNext = false;
  setImmediate(() => (isNext = true));
  await giveTurn();
  expect(isNext).toBe(true);
  await nextTurn();
  // What another file's test has left may use up some turns.
  for (let turns = 0; turns < 1_000 && !hasTime(); turns += 1) await nextTurn();
  expect(hasTime()).toBe(true);
});

test('heavy work gets turns of its own, in order, even after work that fails', async () => {
  using turns = watchTurns();
  const failed = inOwnTurn(() => Promise.reject(new Error('no')));
  const works = ['a', 'b', 'c'].map((name) => inOwnTurn(() => [name, turns.count] as const));
  await expect(failed).rejects.toThrow('no');
  const done = await Promise.all(works);
  expect(done.map(([name]) => name)).toEqual(['a', 'b', 'c']);
  expect(new Set(done.map(([, inTurn]) => inTurn)).size).toBe(3);
});
