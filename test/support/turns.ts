import { hasTime } from '../../src/gateway/event-loop.ts';

/** Uses up the current turn of the event loop, as long work does. */
export function useUpTurn(): void {
  while (hasTime());
}

/** The turns of the event loop, until it is disposed of. */
export interface WatchedTurns extends Disposable {
  readonly count: number;
  /** The most processor time of this thread in one turn, in ms. It does not depend on other processes. */
  readonly longestMs: number;
}

export function watchTurns(): WatchedTurns {
  const worked = (): number => {
    const { user, system } = process.threadCpuUsage();
    return (user + system) / 1_000;
  };
  let count = 0;
  let longestMs = 0;
  let lastMs = worked();
  let isOver = false;
  const look = (): void => {
    const nowMs = worked();
    longestMs = Math.max(longestMs, nowMs - lastMs);
    lastMs = nowMs;
  };
  const turn = (): void => {
    count += 1;
    look();
    if (!isOver) setImmediate(turn);
  };
  setImmediate(turn);
  return {
    get count() {
      return count;
    },
    get longestMs() {
      look();
      return longestMs;
    },
    [Symbol.dispose]: () => void (isOver = true),
  };
}

export async function longestTurnMs(work: () => unknown): Promise<number> {
  using turns = watchTurns();
  await work();
  return turns.longestMs;
}

/** The largest share of this thread's processor time for `work` that falls into one turn, 0 to 1. */
export async function shareOfLongestTurn(work: () => unknown): Promise<number> {
  const begun = process.threadCpuUsage();
  const longestMs = await longestTurnMs(work);
  const { user, system } = process.threadCpuUsage(begun);
  return longestMs / ((user + system) / 1_000);
}
