import { atMost } from '../../waits.ts';
import { isUndecided, isUnfinished, type Run } from '../run.ts';
import type { LiveRun } from './run/live-run.ts';

/** Runs further back show their place once; it is not edited each time that a run ends. */
const PLACES_KEPT_FRESH = 3;
/** At shutdown: how long a run may take to process what its closed websocket has received. */
const FOLLOW_MS = 1_000;

export interface RunWork {
  runOne: (live: LiveRun) => Promise<void>;
  onBusy: () => void;
  /** Called after each run. */
  onDone: () => void;
  onIdle: () => void;
}

/**
 * The runs of a session in order of acceptance, with the current run, and the one worker that executes them in this order.
 * A run whose requester is asked about a switch has no place in the order.
 */
export class RunQueue {
  readonly #work: RunWork;
  #runs: LiveRun[] = [];
  #current: LiveRun | undefined;
  #working: Promise<void> | undefined;
  #isClosing = false;

  constructor(work: RunWork) {
    this.#work = work;
  }

  /** There is no run, and the worker is idle. */
  get isEmpty(): boolean {
    return this.#runs.length === 0 && this.#working === undefined;
  }

  get all(): readonly LiveRun[] {
    return this.#runs;
  }

  /** The runs that have a place in the order. */
  get placed(): LiveRun[] {
    return this.#runs.filter(({ run }) => !isUndecided(run));
  }

  get undecided(): LiveRun[] {
    return this.#runs.filter(({ run }) => isUndecided(run));
  }

  /** Without the current run as soon as its end is in memory, because whoever sees the end may submit the next run. */
  get unfinished(): Run[] {
    return this.placed.flatMap(({ run }) => (isUnfinished(run) ? [run] : []));
  }

  /** The run that the worker has taken. */
  get current(): LiveRun | undefined {
    return this.#current;
  }

  /** Resolves when the worker is idle. */
  get settled(): Promise<void> {
    return this.#working ?? Promise.resolve();
  }

  add(live: LiveRun): void {
    const at = this.#runs.findIndex(({ run }) => run.order > live.run.order);
    this.#runs.splice(at === -1 ? this.#runs.length : at, 0, live);
  }

  remove(live: LiveRun): void {
    this.#runs = this.#runs.filter((each) => each !== live);
  }

  /** Shows the waiting runs how many are before them, and whose run is in front. */
  showPlaces(): void {
    const placed = this.placed;
    const behind = placed[0]?.run.requester;
    for (const [ahead, live] of placed.entries()) {
      if (ahead === 0 || live.run.state !== 'waiting') continue;
      // Edits for 200 runs would use up Slack's rate limit for minutes.
      const hasShownPlace = live.phase.kind === 'waiting' && live.phase.ahead > 0;
      const isShown = live.run.data.messageTs !== undefined || hasShownPlace;
      if (isShown && ahead > PLACES_KEPT_FRESH) continue;
      live.show({ kind: 'waiting', ahead, behind });
    }
  }

  wake(): void {
    if (this.#isClosing) return;
    if (this.#working !== undefined) this.showPlaces();
    else if (this.placed.length > 0) this.#working = this.#workAll();
  }

  async #workAll(): Promise<void> {
    this.#work.onBusy();
    while (!this.#isClosing) {
      const [live] = this.placed;
      if (live === undefined) break;
      this.#current = live;
      this.showPlaces();
      await this.#work.runOne(live);
      this.#current = undefined;
      if (this.#isClosing) return;
      if (!isUnfinished(live.run)) this.remove(live);
      this.#work.onDone();
    }
    this.#working = undefined;
    this.#work.onIdle();
  }

  /**
   * Takes no further run and leaves all of them to the successor. The order matters: it closes the websocket, waits until
   * what it received is processed, and then releases the runs with their messages.
   */
  async release(
    kernel: { close: () => Promise<void> },
    late: { forgetAll: () => Promise<void> },
  ): Promise<void> {
    this.#isClosing = true;
    const unsent = this.#runs.filter((live) => live.followed === undefined);
    const released = Promise.all(unsent.map((live) => live.release()));
    await kernel.close();
    const followed = this.#runs.filter((live) => !unsent.includes(live));
    await atMost(Promise.all(followed.map(async (live) => await live.followed)), FOLLOW_MS);
    await Promise.all([released, late.forgetAll(), ...followed.map((live) => live.release())]);
  }
}
