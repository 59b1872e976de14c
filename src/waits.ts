/** Resolves after `ms`, and at once when the signal is aborted. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  const end = (): void => resolve();
  const timer = setTimeout(end, ms);
  signal.addEventListener('abort', end);
  await promise;
  clearTimeout(timer);
  signal.removeEventListener('abort', end);
}

/** What `work` gives, or undefined after `ms`; the work goes on, and the process does not stay for it. */
export async function atMost<T>(work: Promise<T>, ms: number): Promise<T | undefined> {
  const { promise: silence, resolve } = Promise.withResolvers<undefined>();
  const timer = setTimeout(resolve, ms, undefined).unref();
  try {
    return await Promise.race([work, silence]);
  } finally {
    clearTimeout(timer);
  }
}

/** What `asked` gives, or a rejection with what `late` makes after `ms`. A cache behind it still gets what comes later. */
export async function withTimeout<T>(
  asked: Promise<T>,
  ms: number,
  late: () => Error = () => new Error(`no answer within ${ms} ms`),
): Promise<T> {
  const { promise: silence, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(late()), ms);
  try {
    return await Promise.race([asked, silence]);
  } finally {
    clearTimeout(timer);
  }
}

/** Lets one waiter sleep until something changes or time is up. */
export class Notifier {
  #wake: (() => void) | undefined;

  notify(): void {
    this.#wake?.();
  }

  /** Resolves after `ms`, or at the next `notify`. */
  wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        this.#wake = undefined;
        resolve();
      };
      const timer = setTimeout(done, ms);
      this.#wake = done;
    });
  }
}

/** Runs what has one key one after the other, in order; other keys side by side. */
export class KeyedMutex {
  readonly #last = new Map<string, Promise<unknown>>();

  /** Gives what `act` gives and rejects as it does; a failure holds up nothing behind it. */
  async run<Done>(key: string, act: () => Promise<Done>): Promise<Done> {
    const before = this.#last.get(key) ?? Promise.resolve();
    const mine = before.catch(() => undefined).then(act);
    this.#last.set(key, mine);
    try {
      return await mine;
    } finally {
      if (this.#last.get(key) === mine) this.#last.delete(key);
    }
  }
}

/** Runs one work after the other. `onFailed` gets what a work throws. */
export class InOrder {
  readonly #onFailed: (error: unknown) => void;
  /** The work that has to end before the next one begins. */
  #busy: Promise<void> | undefined;

  constructor(onFailed: (error: unknown) => void) {
    this.#onFailed = onFailed;
  }

  /** Works at once where nothing is under way, else behind it. Never rejects. */
  run(work: () => Promise<void> | undefined): Promise<void> | undefined {
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
