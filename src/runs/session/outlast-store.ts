import { setTimeout as wait } from 'node:timers/promises';
import { StoreError } from '../../errors.ts';

/** A store that is away is asked again after this. */
const ASK_AGAIN_MS = 500;

/**
 * Does `work` again while the store does not answer: for steps that have gone too far to be given up. Once `left` is
 * aborted it is not done again, and what the store said last is thrown (`StoreError`).
 */
export async function outlastStore<T>(work: () => Promise<T>, left?: AbortSignal): Promise<T> {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      if (left?.aborted !== true)
        await wait(ASK_AGAIN_MS, undefined, { signal: left, ref: false }).catch(() => undefined);
      if (left?.aborted === true) throw error;
    }
  }
}
