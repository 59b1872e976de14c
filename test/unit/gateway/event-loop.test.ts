import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { giveTurn, hasTime, inOwnTurn } from '../../../src/gateway/event-loop.ts';

/** As long work does. */
function useUp(): void {
  while (hasTime());
}

test('a turn of the event loop has an end for all together, and the next one has time again', async () => {
  await nextTurn();
  useUp();
  expect(hasTime()).toBe(false);
  let isNext = false;
  setImmediate(() => (isNext = true));
  await giveTurn();
  expect(isNext).toBe(true);
  await nextTurn();
  expect(hasTime()).toBe(true);
});

test('heavy work has turns of its own, in order, also behind one that fails', async () => {
  let turn = 0;
  let isOver = false;
  const count = (): void => {
    turn += 1;
    if (!isOver) setImmediate(count);
  };
  setImmediate(count);
  const failed = inOwnTurn(() => Promise.reject(new Error('no')));
  const works = ['a', 'b', 'c'].map((name) => inOwnTurn(() => [name, turn] as const));
  await expect(failed).rejects.toThrow('no');
  const done = await Promise.all(works);
  isOver = true;
  expect(done.map(([name]) => name)).toEqual(['a', 'b', 'c']);
  expect(new Set(done.map(([, inTurn]) => inTurn)).size).toBe(3);
});
