import { setImmediate as nextTurn } from 'node:timers/promises';

/** Others get a turn whenever so much time is used up. */
const TURN_MS = 15;

/** One work after the other, with room for everybody else between. `onFailed` gets what a work throws. */
export class Turns {
  readonly #onFailed: (error: unknown) => void;
  /** The work that has to end before the next one begins. */
  #busy: Promise<void> | undefined;
  #turnedAt = performance.now();

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

  /** Many works in a row would keep everybody else waiting: promises alone give no turn. */
  async give(): Promise<void> {
    if (performance.now() - this.#turnedAt < TURN_MS) return;
    await nextTurn();
    this.#turnedAt = performance.now();
  }
}
