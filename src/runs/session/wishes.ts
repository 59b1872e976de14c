import type { Log } from '../../log.ts';
import type { Ledger } from '../../store/run-store.ts';
import type { ActiveRun } from './active-run.ts';
import { auditRun } from './finish-run.ts';
import type { LaneLeases } from './lane-leases.ts';
import type { OpenRuns } from './open-runs.ts';
import { bareOutcome } from '../outcome.ts';
import { readStopper, stopperOf, type StopReason } from './read-end.ts';
import { isUnfinished, type Run, type RunData, standsAside } from '../run.ts';
import type { SwitchQuestions } from './switch-questions.ts';

export interface WishesOptions {
  ledger: Ledger<RunData>;
  leases: LaneLeases;
  open: OpenRuns;
  questions: Pick<SwitchQuestions, 'answered'>;
  /** Takes away an answer and all that belongs to it. Never throws. */
  removeRunMessage: (run: Run) => Promise<void>;
  /** Something changed in this lane. */
  wake: (lane: string) => void;
  /** Tells the other processes on this store that a lane has news. */
  announce: (lane: string) => void;
  log: Log;
}

/**
 * What people want of runs beside running them: stop, switch, say, erase. Done at once where this process works on the
 * run's lane; else the wish is kept in the ledger and told to whoever does.
 */
export class Wishes {
  readonly #options: WishesOptions;

  constructor(options: WishesOptions) {
    this.#options = options;
  }

  /**
   * Stops a run: taken back when the kernel has not got it, interrupted when it runs. Where another process holds its
   * lane the wish is kept and told. False when it has ended.
   */
  async stop(run: Run, reason: StopReason & { kind: 'asked' | 'deleted' }): Promise<boolean> {
    const now = await this.#now(run);
    if (now === undefined || !isUnfinished(now)) return false;
    if (!this.#options.leases.isHeld(now.lane))
      return await this.#askHolder(now, () => ({ stopAskedBy: stopperOf(reason) }));
    const active = this.#options.open.open(now);
    const isWaiting = active.run.state === 'waiting' && active.phase.kind !== 'startingKernel';
    if (isWaiting && (await this.takeBack(active))) return true;
    if (!isUnfinished(active.run)) return false;
    active.stop(reason);
    // Whoever takes the run up after us stops it as well.
    active
      .change({}, { stopAskedBy: stopperOf(reason) })
      .catch((error: unknown) => this.#options.log.warn({ err: error, run: run.id }, 'a stop was not kept'));
    return true;
  }

  /** The author, or an admin, agreed to lose the old kernel's variables. */
  async agreeToSwitch(run: Run, by: string): Promise<boolean> {
    const now = await this.#now(run);
    if (now === undefined || !standsAside(now)) return false;
    if (!this.#options.leases.isHeld(now.lane))
      return await this.#askHolder(now, () => ({ switchAgreedBy: by }));
    this.#options.questions.answered(now.id);
    const agreed = await this.#options.open.open(now).change({}, { switchAgreedBy: by });
    if (agreed) this.#options.wake(now.lane);
    return agreed;
  }

  /** Says a sentence at the head of a run's answer. */
  async say(run: Run, note: string): Promise<void> {
    const active = this.#options.open.find(run.id);
    if (active === undefined) await this.#askHolder(run, ({ notes }) => ({ notes: [...notes, note] }));
    else if (await active.change({}, { notes: [...active.run.data.notes, note] })) active.refresh();
  }

  /**
   * Takes a run away with everything it showed and its code: at once when it is over, else as soon as it has been
   * stopped. What it showed until then goes at once.
   */
  async erase(run: Run): Promise<void> {
    const now = await this.#now(run);
    if (now === undefined) return;
    if (now.state === 'posted') return await this.#options.open.erase(now);
    if (!this.#options.leases.isHeld(now.lane)) {
      const wish = { erased: true, stopAskedBy: 'deleted' };
      if (await this.#askHolder(now, () => wish, isNotPosted)) return;
      const posted = await this.#options.ledger.get(now.id);
      if (posted !== undefined) await this.#options.open.erase(posted);
      return;
    }
    const active = this.#options.open.open(now);
    await active.change({}, { erased: true });
    // Its last word stood just before: whoever posted it has looked for this wish already.
    if (active.run.state === 'posted') return await this.#options.open.erase(active.run);
    if (!isUnfinished(active.run)) return;
    await this.stop(active.run, { kind: 'deleted' });
    await active.withdrawAnswer();
    await this.#options.removeRunMessage(active.run);
  }

  /** Ends a run that the kernel has not got. False when it is too late for that. */
  async takeBack(active: ActiveRun): Promise<boolean> {
    const outcome = bareOutcome('cancelled', active.run.data.kernelspec);
    if (!(await active.takeBack(outcome))) return false;
    this.#options.questions.answered(active.run.id);
    auditRun(active, outcome, this.#options.log);
    this.#options.open.post(active, outcome, undefined);
    this.#options.wake(active.run.lane);
    return true;
  }

  /** Another process told that this lane has news: does what is wished of the runs in hand. */
  async hear(lane: string): Promise<void> {
    const { ledger, leases } = this.#options;
    if (!leases.isHeld(lane)) return;
    const queue = await ledger.lane(lane);
    for (const active of this.#options.open.waiting(lane))
      if (!queue.some(({ id }) => id === active.run.id)) await this.#tellLost(active);
    for (const run of queue) {
      const active = this.#options.open.find(run.id);
      active?.meet(run);
      if (active !== undefined && isUnfinished(active.run)) active.refresh();
      if (!standsAside(run)) this.#options.questions.answered(run.id);
      if (active !== undefined && run.data.stopAskedBy !== undefined)
        await this.stop(run, readStopper(run.data.stopAskedBy));
    }
    this.#options.wake(lane);
  }

  /** The store came back without what it had confirmed: nobody will ever run this. */
  async #tellLost(active: ActiveRun): Promise<void> {
    const { ledger, log, open } = this.#options;
    if ((await ledger.get(active.run.id)) !== undefined || active.phase.kind === 'ended') return;
    log.error({ run: active.run.id }, 'the store has lost a run that waited');
    const outcome = bareOutcome('notStarted', active.run.data.kernelspec);
    open.post(
      active,
      { ...outcome, detail: 'The bot’s store has lost it while it waited; run it again.' },
      undefined,
    );
  }

  /** Its newest record: who wishes something may have looked at it a while ago, and it has ended since. */
  async #now(run: Run): Promise<Run | undefined> {
    return this.#options.open.find(run.id)?.run ?? (await this.#options.ledger.get(run.id));
  }

  /** A wish about a run in somebody else's hands: into the ledger, then told; whoever works on the lane looks there. */
  async #askHolder(
    run: Run,
    wish: (data: RunData) => Partial<RunData>,
    isInTime: (now: Run) => boolean = isUnfinished,
  ): Promise<boolean> {
    const { ledger, announce } = this.#options;
    // Its holder writes as well: once more on the newer record.
    for (let now: Run | undefined = run; now !== undefined && isInTime(now); now = await ledger.get(run.id)) {
      const data = { ...now.data, ...wish(now.data) };
      if ((await ledger.change(now, { data, updatedAt: Date.now() })) === undefined) continue;
      announce(run.lane);
      this.#options.wake(run.lane);
      return true;
    }
    return false;
  }
}

function isNotPosted({ state }: Run): boolean {
  return state !== 'posted';
}
