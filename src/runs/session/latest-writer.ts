/** How long a change that nobody waits for may wait for others. */
const SOON_MS = 20;

/**
 * Writes the newest state of one record, one write after another. Changes that come while a write is under way are one
 * write together.
 */
export class LatestWriter {
  readonly #write: () => Promise<boolean>;
  #next: PromiseWithResolvers<boolean> | undefined;
  #writing: Promise<void> | undefined;
  #soon: NodeJS.Timeout | undefined;

  /** `write` resolves with false when the store has no such record. */
  constructor(write: () => Promise<boolean>) {
    this.#write = write;
  }

  /** Resolves with the result of a write that begins after this call. */
  save(): Promise<boolean> {
    this.#next ??= Promise.withResolvers<boolean>();
    const { promise } = this.#next;
    this.#writing ??= this.#writeAll();
    return promise;
  }

  /** The same for what nobody waits for: changes of some milliseconds are one write. */
  saveSoon(): Promise<boolean> {
    this.#next ??= Promise.withResolvers<boolean>();
    const { promise } = this.#next;
    if (this.#writing === undefined)
      this.#soon ??= setTimeout(() => void this.save().catch(() => undefined), SOON_MS);
    return promise;
  }

  /** Settles when nothing is left to write. */
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
      await this.#write().then(resolve, reject);
    }
    this.#writing = undefined;
  }
}
