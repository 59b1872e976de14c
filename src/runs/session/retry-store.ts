import { setTimeout as delay } from 'node:timers/promises';
import { StoreError } from '../../errors.ts';
import type { Log } from '../../log.ts';

const RETRY_MS = 500;
/** How often an outage of the store is logged by each write that waits for it. */
const LOG_EVERY = 60;

/**
 * Repeats `work` while the store does not answer or does not accept this process's writes: for steps that have gone too
 * far to be given up. Once `signal` is aborted the last `StoreError` is thrown.
 */
export async function retryStore<T>(work: () => Promise<T>, signal: AbortSignal, log: Log): Promise<T> {
  for (let tries = 0; ; tries += 1) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof StoreError) || signal.aborted) throw error;
      if (tries % LOG_EVERY === 0)
        log.warn({ event: 'store.retry', err: error }, 'a write waits for the store');
      await delay(RETRY_MS, undefined, { signal, ref: false }).catch(() => undefined);
      if (signal.aborted) throw error;
    }
  }
}
