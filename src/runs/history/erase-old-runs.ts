import type { Log } from '../../log.ts';
import type { Ledger } from '../../store/run-store.ts';
import type { RunData } from '../run.ts';

const DAY_MS = 24 * 60 * 60_000;
/** What Slack may bring twice is known this long (product.md §0). */
const DELIVERIES_KEPT_MS = 7 * DAY_MS;

export interface EraseOldRunsOptions {
  ledger: Ledger<RunData>;
  /** KEEP_RUNS; undefined: for ever. */
  keepRunsMs: number | undefined;
  log: Log;
  now?: () => number;
}

/** Erases code and answers' state that is older than `keepRunsMs`: now, and every day. `close` ends that. */
export function startErasing(options: EraseOldRunsOptions): {
  erase: () => Promise<void>;
  close: () => void;
} {
  const { ledger, keepRunsMs, log, now = Date.now } = options;
  const erase = async (): Promise<void> => {
    try {
      const runsBefore = keepRunsMs === undefined ? 0 : now() - keepRunsMs;
      const erased = await ledger.purge({ runsBefore, deliveriesBefore: now() - DELIVERIES_KEPT_MS });
      if (erased.length > 0) log.info({ erased: erased.length }, 'old runs were erased (KEEP_RUNS)');
    } catch (error) {
      log.warn({ err: error }, 'old runs could not be erased; tried again tomorrow');
    }
  };
  const daily = setInterval(() => void erase(), DAY_MS).unref();
  return { erase, close: () => clearInterval(daily) };
}
