import type { Log } from '../../log.ts';
import type { Ledger } from '../../store/run-store.ts';
import type { LaneLeases } from './lane-leases.ts';
import { type Run, type RunData, standsAside } from '../run.ts';

/** A lane whose store or gateway failed in the middle is taken up again after this. */
const TRY_AGAIN_MS = 1_000;

export interface LanesOptions {
  ledger: Ledger<RunData>;
  leases: LaneLeases;
  log: Log;
  /** Takes one run as far as its kernel is concerned; the next of its lane starts when this resolves. */
  runOne: (run: Run) => Promise<void>;
  /** The lane's unfinished runs, in order, whenever that may have changed. */
  onPlaces: (runs: readonly Run[]) => void;
  /** The lane has no run that could be taken. */
  onIdle: (lane: string) => void;
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
    const { leases, log, onIdle } = this.#options;
    try {
      // Held elsewhere: its holder was told as well, and takes the run.
      if (!(await leases.hold(lane))) return;
      do {
        worker.again = false;
        await this.#workOff(lane);
      } while (worker.again && this.#mayWork(lane));
    } catch (error) {
      log.error({ err: error, lane }, 'a lane stopped; it is tried again');
      this.#tryAgain(lane);
    } finally {
      this.#working.delete(lane);
      if (!this.#closing) onIdle(lane);
    }
  }

  async #workOff(lane: string): Promise<void> {
    const { ledger, runOne, onPlaces } = this.#options;
    let last: Run | undefined;
    while (this.#mayWork(lane)) {
      const runs = await ledger.lane(lane);
      const next = runs.find((run) => !standsAside(run));
      onPlaces(runs);
      if (next === undefined) return;
      // Taken at once again it would be taken for ever, and nobody else have a turn.
      if (next.id === last?.id && next.revision === last.revision)
        throw new Error(`run ${next.id} was worked on, and the ledger does not know of it`);
      last = next;
      await runOne(next);
    }
  }

  #mayWork(lane: string): boolean {
    return !this.#closing && this.#options.leases.isHeld(lane);
  }

  #showPlaces(lane: string): void {
    const { ledger, onPlaces, log } = this.#options;
    ledger.lane(lane).then(onPlaces, (error: unknown) => log.warn({ err: error, lane }, 'places not shown'));
  }

  #tryAgain(lane: string): void {
    if (this.#closing || this.#retries.has(lane)) return;
    const timer = setTimeout(() => {
      this.#retries.delete(lane);
      this.wake(lane);
    }, TRY_AGAIN_MS);
    this.#retries.set(lane, timer.unref());
  }

  /** Takes no further run. What is under way is let go by whoever runs it; resolves when the workers have ended. */
  async close(): Promise<void> {
    this.#closing = true;
    for (const timer of this.#retries.values()) clearTimeout(timer);
    await Promise.all([...this.#working.values()].map((worker) => worker.done));
  }
}
