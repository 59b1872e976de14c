import { atMost } from '../../waits.ts';
import { isUndecided, isUnfinished, type Run } from '../run.ts';
import type { LiveRun } from './run/live-run.ts';

/** Places further back are shown once and not edited with every run that ends. */
const PLACES_KEPT_FRESH = 3;
/** How long a run that is left to a successor has to read what its closed websocket brought. */
const FOLLOW_MS = 1_000;

export interface RunWork {
  runOne: (live: LiveRun) => Promise<void>;
  onBusy: () => void;
  /** A run has left the kernel. */
  onDone: () => void;
  onIdle: () => void;
}

/**
 * The runs of a session in order of acceptance, the run in hand among them until it is left, and the one worker that takes
 * them first come first served. A run whose requester is asked about a switch keeps no place.
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

  /** No run is there, and none is in hand. */
  get isEmpty(): boolean {
    return this.#runs.length === 0 && this.#working === undefined;
  }

  get all(): readonly LiveRun[] {
    return this.#runs;
  }

  /** Those that keep a place. */
  get placed(): LiveRun[] {
    return this.#runs.filter(({ run }) => !isUndecided(run));
  }

  get undecided(): LiveRun[] {
    return this.#runs.filter(({ run }) => isUndecided(run));
  }

  /** Without the run in hand once its end is stored: whoever reads the end may take its place. */
  get unfinished(): Run[] {
    return this.placed.flatMap(({ run }) => (isUnfinished(run) ? [run] : []));
  }

  /** The run in hand. */
  get current(): LiveRun | undefined {
    return this.#current;
  }

  /** Resolves when no run is in hand and none can be taken. */
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

  /** Tells those that wait how many are before them, and whose run is in hand. */
  showPlaces(): void {
    const placed = this.placed;
    const behind = placed[0]?.run.requester;
    for (const [ahead, live] of placed.entries()) {
      if (ahead === 0 || live.run.state !== 'waiting') continue;
      // 200 of them would use up minutes of Slack's edits.
      const isShown = live.run.data.messageTs !== undefined || live.hasShownPlace;
      if (isShown && ahead > PLACES_KEPT_FRESH) continue;
      live.hasShownPlace = true;
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
   * Takes no further run and leaves all to a successor: first the websocket, then what it brought, then the run messages,
   * those of ended runs among them.
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
