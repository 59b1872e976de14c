import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Log } from '../log.ts';
import type { RunStore } from '../store/store.ts';
import type { RunData } from './run.ts';

const DAY_MS = 24 * 60 * 60_000;
/** How long a request stays known, in case Slack repeats it. */
const REQUESTS_KEPT_MS = 7 * DAY_MS;
/** How long one round may take. The next round erases the rest. */
const PURGE_MS = 1_000;

export interface RetentionOptions {
  store: Pick<RunStore<RunData>, 'purge'>;
  /** KEEP_RUNS. Undefined: runs are never erased. */
  keepRunsMs: number | undefined;
  log: Log;
  now?: () => number;
}

/** Erases code and records older than `keepRunsMs`, now and every day until `close` is called. */
export function startRetention({ store, keepRunsMs, log, now = Date.now }: RetentionOptions): {
  close: () => void;
} {
  const erase = async (): Promise<void> => {
    try {
      const runsBefore = keepRunsMs === undefined ? 0 : now() - keepRunsMs;
      const requestsBefore = now() - REQUESTS_KEPT_MS;
      const endsAt = performance.now() + PURGE_MS;
      let erased = 0;
      for (let isPartial = true; isPartial && performance.now() < endsAt; await nextTurn()) {
        const purged = await store.purge({ runsBefore, requestsBefore });
        erased += purged.ids.length;
        ({ isPartial } = purged);
      }
      if (erased > 0) log.info({ event: 'runs.erased', erased }, 'old runs were erased (KEEP_RUNS)');
    } catch (error) {
      log.warn(
        { event: 'runs.unerased', err: error },
        'old runs could not be erased; this is tried again tomorrow',
      );
    }
  };
  void erase();
  const daily = setInterval(() => void erase(), DAY_MS).unref();
  return { close: () => clearInterval(daily) };
}
