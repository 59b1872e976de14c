/** One work after the other. `onFailed` gets what a work throws. */
export class Turns {
  readonly #onFailed: (error: unknown) => void;
  /** The work that has to end before the next one begins. */
  #busy: Promise<void> | undefined;

  constructor(onFailed: (error: unknown) => void) {
    this.#onFailed = onFailed;
  }

  /** Works at once where nothing is under way, else behind it. Never rejects. */
  take(work: () => Promise<void> | undefined): Promise<void> | undefined {
    const begun = this.#busy === undefined ? work() : this.#busy.then(work);
    if (begun === undefined) return undefined;
    const settled = this.settle(begun).finally(() => {
      if (this.#busy === settled) this.#busy = undefined;
    });
    this.#busy = settled;
    return settled;
  }

  /** Never rejects. */
  async settle(work: Promise<void>): Promise<void> {
    await work.catch(this.#onFailed);
  }
}
