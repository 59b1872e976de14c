/** The timers of the playground, which end with it. */
export class Timers {
  readonly #cancels = new Set<() => void>();

  /** Runs `action` once after `delayMs`; the returned function cancels it. */
  after(delayMs: number, action: () => void): () => void {
    const timer = setTimeout(() => {
      this.#cancels.delete(cancel);
      action();
    }, delayMs);
    const cancel = () => {
      clearTimeout(timer);
      this.#cancels.delete(cancel);
    };
    this.#cancels.add(cancel);
    return cancel;
  }

  every(intervalMs: number, action: () => void): () => void {
    const timer = setInterval(action, intervalMs);
    const cancel = () => {
      clearInterval(timer);
      this.#cancels.delete(cancel);
    };
    this.#cancels.add(cancel);
    return cancel;
  }

  clear(): void {
    for (const cancel of this.#cancels) cancel();
  }
}
