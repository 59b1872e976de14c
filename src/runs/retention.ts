import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Log } from '../log.ts';
import type { RunStore } from '../store/store.ts';
import { pause } from '../waits.ts';
import type { RunData } from './run.ts';

const DAY_MS = 24 * 60 * 60_000;
/** How long a request stays known, in case Slack repeats it. */
const REQUESTS_KEPT_MS = 7 * DAY_MS;
/** How long one round may take. The next round, which then comes sooner, erases the rest. */
const PURGE_MS = 1_000;
const AGAIN_MS = 10 * 60_000;

/**
 * Erases code and records older than KEEP_RUNS (undefined: none), now and every day until `closing` is aborted. Never
 * rejects.
 */
export async function eraseOldRuns(
  store: Pick<RunStore<RunData>, 'purge'>,
  keepRunsMs: number | undefined,
  closing: AbortSignal,
  log: Log,
): Promise<void> {
  /** Resolves with whether nothing is left to erase. */
  const erase = async (): Promise<boolean> => {
    try {
      const runsBefore = keepRunsMs === undefined ? 0 : Date.now() - keepRunsMs;
      const requestsBefore = Date.now() - REQUESTS_KEPT_MS;
      const endsAt = performance.now() + PURGE_MS;
      let erased = 0;
      let isPartial = true;
      for (; isPartial && !closing.aborted && performance.now() < endsAt; await nextTurn()) {
        const purged = await store.purge({ runsBefore, requestsBefore });
        erased += purged.ids.length;
        ({ isPartial } = purged);
      }
      if (erased > 0) log.info({ event: 'runs.erased', erased }, 'old runs were erased (KEEP_RUNS)');
      return !isPartial;
    } catch (error) {
      log.warn(
        { event: 'runs.unerased', err: error },
        'old runs could not be erased; this is tried again in 10 minutes',
      );
      return false;
    }
  };
  while (!closing.aborted) await pause((await erase()) ? DAY_MS : AGAIN_MS, closing);
}
