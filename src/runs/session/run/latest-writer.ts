/**
 * Writes the newest state of one record, one write after another. Changes that come while a write is under way are one
 * write together.
 */
export class LatestWriter {
  readonly #write: () => Promise<boolean>;
  #next: PromiseWithResolvers<boolean> | undefined;
  #writing: Promise<void> | undefined;

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

  /** Settles when nothing is left to write. */
  get idle(): Promise<void> {
    return this.#writing ?? Promise.resolve();
  }

  async #writeAll(): Promise<void> {
    while (this.#next !== undefined) {
      const { resolve, reject } = this.#next;
      this.#next = undefined;
      await this.#write().then(resolve, reject);
    }
    this.#writing = undefined;
  }
}
