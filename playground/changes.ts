/** Tells waiting tests that the state of the playground has changed, so that nothing has to poll. */

export interface WaitOptions {
  /** By default the playground's `waitTimeoutMs`. */
  readonly timeoutMs?: number;
  /** What is waited for, for the error message: "the final answer of ben's run". */
  readonly what?: string;
}

export class Changes {
  readonly #listeners = new Set<() => void>();
  readonly #defaultTimeoutMs: number;

  constructor(defaultTimeoutMs: number) {
    this.#defaultTimeoutMs = defaultTimeoutMs;
  }

  announce(): void {
    for (const listener of this.#listeners) listener();
  }

  /** Calls `listener` after every change, until the returned function is called. */
  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  /**
   * Resolves with the first value of `find` that is not undefined, null or false. `find` is called now and after each
   * change. Rejects with what it throws.
   */
  waitFor<T>(
    find: () => T | undefined | null | false,
    options: WaitOptions,
    diary: () => string,
  ): Promise<T> {
    const timeoutMs = options.timeoutMs ?? this.#defaultTimeoutMs;
    return new Promise<T>((resolve, reject) => {
      const look = () => {
        let found: T | undefined | null | false;
        try {
          found = find();
        } catch (error) {
          end();
          reject(error instanceof Error ? error : new Error(String(error)));
          return;
        }
        if (found === undefined || found === null || found === false) return;
        end();
        resolve(found);
      };
      const timer = setTimeout(() => {
        end();
        reject(new Error(`waited ${timeoutMs} ms for ${options.what ?? find.toString()}\n${diary()}`));
      }, timeoutMs);
      const unsubscribe = this.subscribe(look);
      const end = () => {
        clearTimeout(timer);
        unsubscribe();
      };
      look();
    });
  }
}
