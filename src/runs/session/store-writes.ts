import { StoreError } from '../../errors.ts';
import type { Log } from '../../log.ts';
import { pause } from '../../waits.ts';

/** How long `saveSoon` collects changes for one write. */
const SOON_MS = 20;

/**
 * Writes the newest state of one record, one write after another. All changes that come during a write are stored by the
 * next one.
 */
export class LatestWriter {
  readonly #write: () => Promise<boolean>;
  readonly #signal: AbortSignal;
  readonly #log: Log;
  #next: PromiseWithResolvers<boolean> | undefined;
  #writing: Promise<void> | undefined;
  #soon: NodeJS.Timeout | undefined;

  /** `write` resolves with false if the store has no such record. Failed writes are repeated until `signal` is aborted. */
  constructor(write: () => Promise<boolean>, signal: AbortSignal, log: Log) {
    this.#write = write;
    this.#signal = signal;
    this.#log = log;
  }

  /** Resolves with the result of a write that starts after this call. */
  save(): Promise<boolean> {
    this.#next ??= Promise.withResolvers<boolean>();
    const { promise } = this.#next;
    this.#writing ??= this.#writeAll();
    return promise;
  }

  /** As `save`, but it first collects the changes of some milliseconds. */
  saveSoon(): Promise<boolean> {
    this.#next ??= Promise.withResolvers<boolean>();
    const { promise } = this.#next;
    if (this.#writing === undefined)
      this.#soon ??= setTimeout(() => void this.save().catch(() => undefined), SOON_MS);
    return promise;
  }

  /** Resolves when everything is written. */
  get idle(): Promise<void> {
    if (this.#next !== undefined) this.#writing ??= this.#writeAll();
    return this.#writing ?? Promise.resolve();
  }

  async #writeAll(): Promise<void> {
    clearTimeout(this.#soon);
    this.#soon = undefined;
    while (this.#next !== undefined) {
      const { resolve, reject } = this.#next;
      this.#next = undefined;
      await retryStore(this.#write, this.#signal, this.#log).then(resolve, reject);
    }
    this.#writing = undefined;
  }
}

const RETRY_MS = 500;
/** An outage of the store is logged this often, however many writes wait. */
const LOG_EVERY_MS = 30_000;
const loggedAt = new WeakMap<Log, number>();

/**
 * Repeats `work` while it throws a `StoreError` that is worth it, for steps that must not be given up. Once `signal` is
 * aborted, it throws the last error.
 */
export async function retryStore<T>(
  work: () => Promise<T>,
  signal: AbortSignal,
  log: Log,
  isWorthIt: (error: StoreError) => boolean = () => true,
): Promise<T> {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof StoreError) || signal.aborted || !isWorthIt(error)) throw error;
      const now = performance.now();
      if (now - (loggedAt.get(log) ?? -Infinity) >= LOG_EVERY_MS) {
        loggedAt.set(log, now);
        log.warn({ event: 'store.retry', err: error }, 'a write waits for the store');
      }
      await pause(RETRY_MS, signal);
      if (signal.aborted) throw error;
    }
  }
}
