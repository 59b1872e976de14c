import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { giveTurn, hasTime } from '../../../src/gateway/waits.ts';

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
