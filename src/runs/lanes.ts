import type { Ledger } from '../store/ledger.ts';
import type { Log } from '../log.ts';
import { type Run, type RunData, standsAside } from './run-data.ts';

/** Who may work on a lane. In a store of one process everybody holds everything. */
export interface LaneLeases {
  /** True: ours until dropped or lost. A number: held elsewhere, ask again at that time (ms since the epoch). */
  hold(lane: string): Promise<true | number>;
  drop(lane: string): Promise<void>;
}

export interface LanesOptions {
  ledger: Ledger<RunData>;
  leases: LaneLeases;
  log: Log;
  /** Takes one run as far as its kernel is concerned; the next of its lane starts when this resolves. */
  runOne: (run: Run) => Promise<void>;
  /** The lane's unfinished runs, in order, whenever that may have changed. */
  onPlaces: (runs: readonly Run[]) => void;
}

/**
 * The queues: one run at a time per kernel, first come first served. The order is the ledger's; here is only the
 * worker that takes the next one, woken by whoever changed something: nothing polls.
 */
export class Lanes {
  readonly #options: LanesOptions;
  readonly #working = new Map<string, { again: boolean; done: Promise<void> }>();
  readonly #retries = new Map<string, NodeJS.Timeout>();
  #closing = false;

  constructor(options: LanesOptions) {
    this.#options = options;
  }

  /** Something changed in this lane: a run was admitted, cancelled, agreed to, or found after a crash. */
  wake(lane: string): void {
    if (this.#closing) return;
    const working = this.#working.get(lane);
    if (working !== undefined) {
      working.again = true;
      this.#showPlaces(lane);
      return;
    }
    const worker = { again: false, done: Promise.resolve() };
    this.#working.set(lane, worker);
    worker.done = this.#work(lane, worker);
  }

  async #work(lane: string, worker: { again: boolean }): Promise<void> {
    const { leases, log } = this.#options;
    try {
      const held = await leases.hold(lane);
      if (held !== true) {
        this.#retryAt(lane, held);
        return;
      }
      do {
        worker.again = false;
        await this.#workOff(lane);
      } while (worker.again && !this.#closing);
    } catch (error) {
      log.error({ err: error, lane }, 'a lane stopped; it is tried again');
      this.#retryAt(lane, Date.now() + 1_000);
    } finally {
      this.#working.delete(lane);
    }
  }

  async #workOff(lane: string): Promise<void> {
    const { ledger, runOne, onPlaces } = this.#options;
    while (!this.#closing) {
      const runs = await ledger.lane(lane);
      const next = runs.find((run) => !standsAside(run));
      onPlaces(runs);
      if (next === undefined) return;
      await runOne(next);
    }
  }

  #showPlaces(lane: string): void {
    const { ledger, onPlaces, log } = this.#options;
    ledger.lane(lane).then(onPlaces, (error: unknown) => log.warn({ err: error, lane }, 'places not shown'));
  }

  #retryAt(lane: string, atMs: number): void {
    clearTimeout(this.#retries.get(lane));
    const timer = setTimeout(
      () => {
        this.#retries.delete(lane);
        this.wake(lane);
      },
      Math.max(50, atMs - Date.now()),
    );
    this.#retries.set(lane, timer.unref());
  }

  /** Takes no further run; resolves when the workers have let go. */
  async close(): Promise<void> {
    this.#closing = true;
    for (const timer of this.#retries.values()) clearTimeout(timer);
    await Promise.all([...this.#working.values()].map((worker) => worker.done));
  }
}

/** Leases for a store that only this process uses. */
export const soleLeases: LaneLeases = { hold: async () => true, drop: async () => {} };
