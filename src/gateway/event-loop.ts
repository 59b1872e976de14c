import { setImmediate as nextTurn } from 'node:timers/promises';

/** All that is done for kernels in one turn of the event loop takes about this long; what is left has the next one. */
const TURN_MS = 10;

let begunMs: number | undefined;

/**
 * Whether this turn of the event loop has time left; all runs share it. Long work that gets false awaits `giveTurn`: another
 * promise would let nobody else run.
 */
export function hasTime(): boolean {
  const nowMs = performance.now();
  if (begunMs === undefined) {
    begunMs = nowMs;
    setImmediate(() => {
      begunMs = undefined;
    });
  }
  return nowMs - begunMs < TURN_MS;
}

/** Long work awaits it between two pieces. Waits for the next turn where this one has no time left. */
export async function giveTurn(): Promise<void> {
  if (!hasTime()) await nextTurn();
}

let lastHeavy: Promise<unknown> = Promise.resolve();

/** Work that may take a turn's time at once has a turn of its own, one after the other, whoever it is for. */
export function inOwnTurn<T>(work: () => T | Promise<T>): Promise<T> {
  const done = lastHeavy.then(() => nextTurn()).then(work);
  lastHeavy = done.catch(() => undefined);
  return done;
}
