import { isUnfinished } from '../run.ts';
import type { RunQueue } from './run-queue.ts';
import type { LiveRun } from './run/live-run.ts';

interface RunWork {
  runOne: (live: LiveRun) => Promise<void>;
  onBusy: () => void;
  /** A run has left the kernel. */
  onDone: () => void;
  onIdle: () => void;
}

/** Takes the runs of a queue one at a time, first come first served. */
export class RunWorker {
  readonly #queue: RunQueue;
  readonly #work: RunWork;
  #current: LiveRun | undefined;
  #working: Promise<void> | undefined;
  #isClosing = false;

  constructor(queue: RunQueue, work: RunWork) {
    this.#queue = queue;
    this.#work = work;
  }

  /** The run in hand. */
  get current(): LiveRun | undefined {
    return this.#current;
  }

  /** Settles when no run is in hand and none can be taken; undefined when that is so. */
  get working(): Promise<void> | undefined {
    return this.#working;
  }

  wake(): void {
    if (this.#isClosing) return;
    if (this.#working !== undefined) this.#queue.showPlaces();
    else if (this.#queue.placed.length > 0) this.#working = this.#workAll();
  }

  /** No further run is taken. */
  close(): void {
    this.#isClosing = true;
  }

  async #workAll(): Promise<void> {
    this.#work.onBusy();
    while (!this.#isClosing) {
      const [live] = this.#queue.placed;
      if (live === undefined) break;
      this.#current = live;
      this.#queue.showPlaces();
      await this.#work.runOne(live);
      this.#current = undefined;
      if (this.#isClosing) return;
      if (!isUnfinished(live.run)) this.#queue.remove(live);
      this.#work.onDone();
    }
    this.#working = undefined;
    this.#work.onIdle();
  }
}
