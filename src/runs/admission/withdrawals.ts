import { StoreError } from '../../errors.ts';
import { untilAborted } from '../../gateway/until-aborted.ts';
import type { Log } from '../../log.ts';
import type { Acceptance, NewRun, RunStore } from '../../store/store.ts';
import { pause } from '../../waits.ts';
import type { RunData } from '../run.ts';

const RETRY_MS = 500;

/**
 * Acceptances of which the store's answer was lost or came too late. The requester was told that nothing ran, so the run
 * is taken out again; where Slack or the requester repeats the very same request first, it counts as accepted then.
 */
export class Withdrawals {
  readonly #store: RunStore<RunData>;
  readonly #log: Log;
  /** By request key. */
  readonly #pending = new Map<string, { run: NewRun<RunData>; cancelled: AbortController }>();

  constructor(store: RunStore<RunData>, log: Log) {
    this.#store = store;
    this.#log = log;
  }

  /**
   * The run that the store has, an earlier try of the same request perhaps; undefined where the request is known already.
   * Rejects with `StoreError` or the signal's reason: then the run is withdrawn in the background.
   */
  async guard(
    run: NewRun<RunData>,
    accept: (run: NewRun<RunData>) => Promise<Acceptance>,
    signal: AbortSignal | undefined,
  ): Promise<{ order: number; run: NewRun<RunData> } | undefined> {
    const key = run.data.requestKey;
    const earlier = this.#pending.get(key);
    // Its withdrawal would take away what is accepted now.
    earlier?.cancelled.abort();
    this.#pending.delete(key);
    // A late answer of the first try must not make a second run.
    const given = earlier === undefined ? run : { ...run, id: earlier.run.id };
    try {
      const acceptance = await untilAborted(accept(given), signal);
      if (acceptance.kind === 'accepted') return { order: acceptance.order, run: given };
      if (earlier === undefined || acceptance.runId !== earlier.run.id) return undefined;
      const stored = await this.#store.get(earlier.run.id);
      return { order: stored?.order ?? 0, run: earlier.run };
    } catch (error) {
      this.#withdraw(given);
      throw error;
    }
  }

  #withdraw(run: NewRun<RunData>): void {
    const cancelled = new AbortController();
    this.#pending.set(run.data.requestKey, { run, cancelled });
    this.#withdrawOnceAnswered(run, cancelled.signal)
      .catch((error: unknown) =>
        this.#log.warn(
          { event: 'run.withdraw', err: error, run: run.id },
          'a refused snippet was not withdrawn',
        ),
      )
      .finally(() => {
        // A later try of the same request may be pending instead.
        const { requestKey } = run.data;
        if (this.#pending.get(requestKey)?.cancelled === cancelled) this.#pending.delete(requestKey);
      });
  }

  async #withdrawOnceAnswered({ id, data }: NewRun<RunData>, signal: AbortSignal): Promise<void> {
    for (;;) {
      // First: a step that was written before the connection broke is done by then, or never.
      await pause(RETRY_MS, signal);
      if (signal.aborted) return;
      try {
        await this.#store.withdraw(id, data.requestKey);
        this.#log.info({ event: 'run.withdrawn', run: id }, 'a refused snippet was withdrawn');
        return;
      } catch (error) {
        if (!(error instanceof StoreError)) throw error;
      }
    }
  }
}
