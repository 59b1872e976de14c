import { StoreError } from '../../errors.ts';
import { untilAborted } from '../../gateway/waits.ts';
import type { Log } from '../../log.ts';
import type { Acceptance, NewRun, RunStore } from '../../store/store.ts';
import { pause } from '../../waits.ts';
import type { RunData } from '../run.ts';

const RETRY_MS = 500;

/**
 * Runs whose acceptance was not confirmed in time. The requester was told that nothing ran, so the run is erased in case the
 * store has accepted it. If the same request is repeated before that, the run counts as accepted.
 */
export function createWithdrawals(store: RunStore<RunData>, log: Log) {
  /** By request key. */
  const pending = new Map<string, { run: NewRun<RunData>; cancelled: AbortController }>();
  const withdraw = (run: NewRun<RunData>): void => {
    const cancelled = new AbortController();
    pending.set(run.data.requestKey, { run, cancelled });
    withdrawOnceAnswered(run, cancelled.signal)
      .catch((error: unknown) =>
        log.warn(
          { event: 'run.withdraw', err: error, run: run.id },
          'a refused snippet could not be withdrawn',
        ),
      )
      .finally(() => {
        // By now a later try of the same request may be pending.
        const { requestKey } = run.data;
        if (pending.get(requestKey)?.cancelled === cancelled) pending.delete(requestKey);
      });
  };
  const withdrawOnceAnswered = async ({ id, data }: NewRun<RunData>, signal: AbortSignal): Promise<void> => {
    for (;;) {
      // Waits first: after this time the store has executed the unconfirmed step, or never will.
      await pause(RETRY_MS, signal);
      if (signal.aborted) return;
      try {
        await store.withdraw(id, data.requestKey);
        log.info({ event: 'run.withdrawn', run: id }, 'a refused snippet was withdrawn');
        return;
      } catch (error) {
        if (!(error instanceof StoreError)) throw error;
      }
    }
  };
  return {
    /**
     * Accepts the run. Resolves with the stored run, which may be that of an earlier try, or undefined if the request is known
     * already. Rejects with `StoreError` or the signal's reason; the run is then withdrawn in the background.
     */
    async guard(
      run: NewRun<RunData>,
      accept: (run: NewRun<RunData>) => Promise<Acceptance>,
      signal: AbortSignal | undefined,
    ): Promise<{ order: number; run: NewRun<RunData> } | undefined> {
      const key = run.data.requestKey;
      const earlier = pending.get(key);
      // Its withdrawal would erase the run that is accepted now.
      earlier?.cancelled.abort();
      pending.delete(key);
      // The same id, so that the first try, if it still succeeds, makes no second run.
      const given = earlier === undefined ? run : { ...run, id: earlier.run.id };
      try {
        const acceptance = await untilAborted(accept(given), signal);
        if (acceptance.kind === 'accepted') return { order: acceptance.order, run: given };
        if (earlier === undefined || acceptance.runId !== earlier.run.id) return undefined;
        const stored = await store.get(earlier.run.id);
        return { order: stored?.order ?? 0, run: earlier.run };
      } catch (error) {
        withdraw(given);
        throw error;
      }
    },
  };
}

export type Withdrawals = ReturnType<typeof createWithdrawals>;
