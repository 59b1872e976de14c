import { untilAborted } from '../../gateway/until-aborted.ts';
import type { Log } from '../../log.ts';
import type { Acceptance, NewRun, RunStore } from '../../store/store.ts';
import { atMost, pause } from '../../waits.ts';
import type { RunData } from '../run.ts';
import { retryStore } from '../session/store-writes.ts';

/** After this time the store has executed an unconfirmed step, or never will. */
const UNCONFIRMED_MS = 500;
/** How long to wait for withdrawals when this process ends. */
const CLOSING_MS = 1_000;

/**
 * Runs whose acceptance was not confirmed in time. The requester was told that nothing ran, so the run is erased in case the
 * store has accepted it. If the same request is repeated before that, the run counts as accepted.
 */
export class Withdrawals {
  readonly #store: RunStore<RunData>;
  readonly #forgetNotebook: (requestKey: string) => Promise<void>;
  readonly #log: Log;
  /** By request key. */
  readonly #pending = new Map<
    string,
    { run: NewRun<RunData>; cancelled: AbortController; done: Promise<void> }
  >();

  constructor(store: RunStore<RunData>, forgetNotebook: (requestKey: string) => Promise<void>, log: Log) {
    this.#store = store;
    this.#forgetNotebook = forgetNotebook;
    this.#log = log;
  }

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
    const earlier = this.#pending.get(key);
    // Its withdrawal would erase the run that is accepted now.
    earlier?.cancelled.abort();
    this.#pending.delete(key);
    // The same id, so that the first try, if it still succeeds, makes no second run.
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
    const done = this.#withdrawLater(run, cancelled.signal)
      .catch((error: unknown) => {
        const about = { event: 'run.withdraw', err: error, run: run.id };
        if (!cancelled.signal.aborted) this.#log.warn(about, 'a refused snippet could not be withdrawn');
      })
      .finally(() => {
        // By now a later try of the same request may be pending.
        const { requestKey } = run.data;
        if (this.#pending.get(requestKey)?.cancelled === cancelled) this.#pending.delete(requestKey);
      });
    this.#pending.set(run.data.requestKey, { run, cancelled, done });
  }

  /** A run that is not withdrawn before this process ends would run in its successor. */
  async close(): Promise<void> {
    await atMost(Promise.all([...this.#pending.values()].map(({ done }) => done)), CLOSING_MS);
  }

  async #withdrawLater({ id, data }: NewRun<RunData>, signal: AbortSignal): Promise<void> {
    await pause(UNCONFIRMED_MS, signal);
    if (signal.aborted) return;
    const withdraw = async (): Promise<void> => {
      await this.#store.withdraw(id, data.requestKey);
      // A later try of the request has stored it again.
      if (!signal.aborted) await this.#forgetNotebook(data.requestKey);
    };
    await retryStore(withdraw, signal, this.#log);
    this.#log.info({ event: 'run.withdrawn', run: id }, 'a refused snippet was withdrawn');
  }
}
