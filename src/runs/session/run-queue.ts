import { setTimeout as delay } from 'node:timers/promises';
import { isUndecided, isUnfinished, type Run } from '../run.ts';
import type { LiveRun } from './run/live-run.ts';

/** Places further back are shown once and not edited with every run that ends. */
const PLACES_KEPT_FRESH = 3;
/** How long a run that is left to a successor has to read what its closed websocket brought. */
const FOLLOW_MS = 1_000;

/**
 * The runs of a session in order of acceptance, the run in hand among them until its worker leaves it. One whose requester
 * is asked about a switch keeps no place.
 */
export class RunQueue {
  #runs: LiveRun[] = [];

  get isEmpty(): boolean {
    return this.#runs.length === 0;
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
      live.show({ kind: 'waiting', ahead, ...(behind === undefined ? {} : { behind }) });
    }
  }

  /**
   * Leaves all to a successor: first the websocket, then what it brought, then the run messages, those of ended runs
   * among them.
   */
  async release(
    kernel: { close: () => Promise<void> },
    late: { forgetAll: () => Promise<void> },
  ): Promise<void> {
    const unsent = this.#runs.filter((live) => live.followed === undefined);
    const released = Promise.all(unsent.map((live) => live.release()));
    await kernel.close();
    const followed = this.#runs.filter((live) => !unsent.includes(live));
    await Promise.race([
      Promise.all(followed.map(async (live) => await live.followed)),
      delay(FOLLOW_MS, undefined, { ref: false }),
    ]);
    await Promise.all([released, late.forgetAll(), ...followed.map((live) => live.release())]);
  }
}
