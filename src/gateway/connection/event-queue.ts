/** Events to any number of listeners; those from before the first listener wait for it. */
export class EventLine<E> {
  readonly #listeners = new Set<(event: E) => void>();
  #unheard: E[] = [];

  emit(event: E): void {
    if (this.#listeners.size === 0) this.#unheard.push(event);
    for (const listener of this.#listeners) listener(event);
  }

  /** Gives back what takes the listener off again. */
  listen(listener: (event: E) => void): () => void {
    this.#listeners.add(listener);
    const unheard = this.#unheard;
    this.#unheard = [];
    for (const event of unheard) listener(event);
    return () => this.#listeners.delete(listener);
  }
}
