/** Runs what has one key one after the other, in order; other keys side by side. */
export class KeyedMutex {
  readonly #last = new Map<string, Promise<void>>();

  /** Rejects as `act` does; a failure holds up nothing behind it. */
  async run(key: string, act: () => Promise<void>): Promise<void> {
    const before = this.#last.get(key) ?? Promise.resolve();
    const mine = before.catch(() => undefined).then(act);
    this.#last.set(key, mine);
    try {
      await mine;
    } finally {
      if (this.#last.get(key) === mine) this.#last.delete(key);
    }
  }
}
