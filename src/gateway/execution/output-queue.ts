import type { KernelOutput } from '../outputs.ts';

const HIGH_BYTES = 2 * 2 ** 20;
/** Parsing such a frame has taken long enough: its output is read in the next turn of the event loop. */
const HEAVY_BYTES = 2 ** 20;
/** Memory of an output beyond its frame. */
const OVERHEAD_BYTES = 200;
const DONE = { done: true, value: undefined } as const;

/**
 * Outputs between the websocket and one reader. Above `HIGH_BYTES` it has the websocket paused, and below half of that
 * resumed, so that memory stays bounded.
 */
export class OutputQueue {
  readonly #onFull: (isFull: boolean) => void;
  #queued: { said: KernelOutput; bytes: number }[] = [];
  #first = 0;
  #bytes = 0;
  /** Ended: no more outputs. Left: nobody reads any more. */
  #state: 'open' | 'ended' | 'left' = 'open';
  #wake: ((result: IteratorResult<KernelOutput, undefined>) => void) | undefined;
  isFull = false;

  constructor(onFull: (isFull: boolean) => void) {
    this.#onFull = onFull;
  }

  /** `bytes`: length of the frame that brought it. */
  push(said: KernelOutput, bytes = 0): void {
    if (this.#state !== 'open') return;
    if (this.#wake !== undefined) {
      const resolve = this.#wake;
      this.#wake = undefined;
      const give = () => resolve({ done: false, value: said });
      if (bytes < HEAVY_BYTES) return give();
      return void setImmediate(give);
    }
    this.#queued.push({ said, bytes: bytes + OVERHEAD_BYTES });
    this.#weigh(bytes + OVERHEAD_BYTES);
  }

  /** Whether everything has been read and the reader waits for more. */
  get isRead(): boolean {
    return this.#wake !== undefined;
  }

  end(): void {
    if (this.#state === 'open') this.#state = 'ended';
    this.#wake?.(DONE);
    this.#wake = undefined;
  }

  /** For one reader. Leaving the loop early drops everything that still comes. */
  read(): AsyncIterator<KernelOutput, undefined> {
    return {
      next: () => {
        const said = this.#shift();
        if (said !== undefined) return Promise.resolve({ done: false, value: said });
        if (this.#state !== 'open') return Promise.resolve(DONE);
        return new Promise((resolve) => {
          this.#wake = resolve;
        });
      },
      return: () => {
        this.#state = 'left';
        this.#queued = [];
        this.#first = 0;
        this.#weigh(-this.#bytes);
        return Promise.resolve(DONE);
      },
    };
  }

  #shift(): KernelOutput | undefined {
    const next = this.#queued[this.#first];
    if (next === undefined) return undefined;
    this.#first += 1;
    // Removed in batches: shifting an array of thousands one by one is slow.
    if (this.#first > 1000 || this.#first === this.#queued.length) {
      this.#queued = this.#queued.slice(this.#first);
      this.#first = 0;
    }
    this.#weigh(-next.bytes);
    return next.said;
  }

  #weigh(change: number): void {
    this.#bytes += change;
    const isFull = this.#bytes > HIGH_BYTES || (this.isFull && this.#bytes >= HIGH_BYTES / 2);
    if (isFull === this.isFull) return;
    this.isFull = isFull;
    this.#onFull(isFull);
  }
}
