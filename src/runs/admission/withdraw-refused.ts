import { setTimeout as sleep } from 'node:timers/promises';
import { StoreError } from '../../errors.ts';
import type { Log } from '../../log.ts';
import type { Ledger } from '../../store/run-store.ts';
import type { Door, RunData } from '../run.ts';

/** Doors that answer "nothing ran" where the store is silent; what comes as an event is brought again by Slack instead. */
const answeringDoors: ReadonlySet<Door> = new Set(['slash', 'editor', 'shortcut', 'again']);
/** What was written before the connection broke has been done by then, or never is (redis-connection.ts). */
const LANDED_MS = 1_000;
const LOOK_AGAIN_MS = 500;

/**
 * The same ledger, in which an admission that failed at an answering door stays refused: the store may have done it
 * although its answer was lost. Such a run is not seen here, and taken out as soon as the store answers.
 */
export function withdrawRefused(ledger: Ledger<RunData>, log: Log): Ledger<RunData> {
  const refused = new Set<string>();

  const withdraw = async (runId: string): Promise<void> => {
    const run = await ledger.get(runId);
    if (run === undefined) return;
    const withdrawn =
      run.state === 'waiting' && (await ledger.change(run, { state: 'posted', updatedAt: Date.now() }));
    if (!withdrawn)
      return log.warn({ run: runId }, 'a refused snippet was taken up before it could be withdrawn');
    await ledger.remove(runId);
    log.info({ run: runId }, 'a refused snippet was withdrawn');
  };

  const withdrawOnce = async (runId: string): Promise<void> => {
    refused.add(runId);
    await sleep(LANDED_MS, undefined, { ref: false });
    for (;;) {
      try {
        await withdraw(runId);
        refused.delete(runId);
        return;
      } catch (error) {
        // Also one that refuses: a Redis in trouble takes no writes for a while.
        if (!(error instanceof StoreError))
          return log.warn({ err: error, run: runId }, 'a refused snippet was not withdrawn');
        await sleep(LOOK_AGAIN_MS, undefined, { ref: false });
      }
    }
  };

  return {
    ...ledger,
    async admit(delivery, run, limits) {
      try {
        return await ledger.admit(delivery, run, limits);
      } catch (error) {
        if (answeringDoors.has(run.data.door)) void withdrawOnce(run.id);
        throw error;
      }
    },
    lane: async (lane) => (await ledger.lane(lane)).filter(({ id }) => !refused.has(id)),
    unposted: async () => (await ledger.unposted()).filter(({ id }) => !refused.has(id)),
  };
}
