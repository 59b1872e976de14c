import { StoreError } from '../../errors.ts';
import type { Log } from '../../log.ts';
import { pause } from '../../waits.ts';

/** How long `saveSoon` collects changes for one write. */
const SOON_MS = 20;

/**
 * Writes the newest state of one record, one write after another. All changes that come during a write are stored by the
 * next one. `write` resolves with false if the store has no such record. Failed writes are repeated until `signal` is
 * aborted.
 */
export function createLatestWriter(write: () => Promise<boolean>, signal: AbortSignal, log: Log) {
  let next: PromiseWithResolvers<boolean> | undefined;
  let writing: Promise<void> | undefined;
  let soon: NodeJS.Timeout | undefined;
  /** Resolves with the result of a write that starts after this call. */
  const save = (): Promise<boolean> => {
    next ??= Promise.withResolvers<boolean>();
    const { promise } = next;
    writing ??= writeAll();
    return promise;
  };
  const writeAll = async (): Promise<void> => {
    clearTimeout(soon);
    soon = undefined;
    while (next !== undefined) {
      const { resolve, reject } = next;
      next = undefined;
      await retryStore(write, signal, log).then(resolve, reject);
    }
    writing = undefined;
  };
  return {
    save,
    /** As `save`, but it first collects the changes of some milliseconds. */
    saveSoon(): Promise<boolean> {
      next ??= Promise.withResolvers<boolean>();
      const { promise } = next;
      if (writing === undefined) soon ??= setTimeout(() => void save().catch(() => undefined), SOON_MS);
      return promise;
    },
    /** Resolves when everything is written. */
    get idle(): Promise<void> {
      if (next !== undefined) writing ??= writeAll();
      return writing ?? Promise.resolve();
    },
  };
}

export type LatestWriter = ReturnType<typeof createLatestWriter>;

const RETRY_MS = 500;
/** An outage of the store is logged at every so many tries. */
const LOG_EVERY = 60;

/**
 * Repeats `work` while it throws a `StoreError`, for steps that must not be given up. Once `signal` is aborted, it throws the
 * last error.
 */
export async function retryStore<T>(work: () => Promise<T>, signal: AbortSignal, log: Log): Promise<T> {
  for (let tries = 0; ; tries += 1) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof StoreError) || signal.aborted) throw error;
      if (tries % LOG_EVERY === 0)
        log.warn({ event: 'store.retry', err: error }, 'a write waits for the store');
      await pause(RETRY_MS, signal);
      if (signal.aborted) throw error;
    }
  }
}
