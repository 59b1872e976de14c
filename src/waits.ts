import { setImmediate as nextTurn } from 'node:timers/promises';

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

/** The result of `work`, or undefined after `ms`. The work goes on, but the timer keeps no process alive. */
export async function atMost<T>(work: Promise<T>, ms: number): Promise<T | undefined> {
  const { timer, end } = endAfter(ms);
  timer.unref();
  try {
    return await Promise.race([work, end]);
  } finally {
    clearTimeout(timer);
  }
}

/** The result of `asked`, or a rejection with `late()` after `ms`. A later result still reaches a cache behind `asked`. */
export async function withTimeout<T>(
  asked: Promise<T>,
  ms: number,
  late: () => Error = () => new Error(`no answer within ${ms} ms`),
): Promise<T> {
  const { timer, end } = endAfter(ms);
  try {
    return await Promise.race([asked, end.then(() => Promise.reject(late()))]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * `end` resolves after `ms`. When this process has stood still, its timers are due before it has read what came meanwhile,
 * so that is read first.
 */
function endAfter(ms: number): { timer: NodeJS.Timeout; end: Promise<undefined> } {
  const { promise: end, resolve } = Promise.withResolvers<undefined>();
  const timer = setTimeout(() => void nextTurn().then(() => resolve(undefined)), ms);
  return { timer, end };
}

/** Lets one waiter sleep until something changes or a time has passed. */
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

/** Runs work with the same key one after the other, in order, and work with different keys concurrently. */
export class KeyedMutex {
  readonly #last = new Map<string, Promise<unknown>>();

  /** Settles as `act` does. A failure does not stop the work behind it. */
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

/** Runs one piece of work after the other. `onFailed` gets what they throw. */
export class InOrder {
  readonly #onFailed: (error: unknown) => void;
  /** The last work in line. */
  #busy: Promise<void> | undefined;

  constructor(onFailed: (error: unknown) => void) {
    this.#onFailed = onFailed;
  }

  /** Starts the work at once if no other work is running, else after it. Never rejects. */
  run(work: () => Promise<void> | undefined): Promise<void> | undefined {
    const begun = this.#busy === undefined ? work() : this.#busy.then(work);
    if (begun === undefined) return undefined;
    const settled = begun.catch(this.#onFailed).finally(() => {
      if (this.#busy === settled) this.#busy = undefined;
    });
    this.#busy = settled;
    return settled;
  }
}
