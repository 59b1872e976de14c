import { UserError } from '../../errors.ts';
import { GatewayError } from '../../gateway/errors.ts';
import { startDisplays } from '../../output/transcript.ts';
import { type RunOutcome, syntheticOutcome, readStoppedBy, type StopReason } from '../outcome.ts';
import { isUndecided, isUnfinished, type Run, unreadableOutcome } from '../run.ts';
import { type IdleDeps, IdleKernel } from './kernel/idle-kernel.ts';
import { GONE_NOTE, type KernelRecord, needsSwitch, type StoredKernel } from './kernel/kernel-record.ts';
import { SessionKernel, type SessionKernelDeps } from './kernel/session-kernel.ts';
import { LateOutput } from './late-output.ts';
import { RunQueue } from './run-queue.ts';
import type { LiveRun } from './run/live-run.ts';
import { RunsToEnd, type RunToEndDeps } from './run/run-to-end.ts';
import { isAgreed, LAPSED, SwitchQuestions } from './switch-questions.ts';

export type SessionDeps = SessionKernelDeps &
  RunToEndDeps &
  IdleDeps & {
    /** The session has no run, no kernel and no websocket any more. */
    onEmpty: (session: { readonly key: string }) => void;
  };

export type SessionState = SessionKernel['state'] | 'busy';

/**
 * One kernel and everything that belongs to it: the queue of runs, the current run, the websocket, the idle timer, late
 * output. Other objects send it commands. A command changes the state and starts work; it does not wait for the gateway,
 * Slack or the kernel before it takes effect.
 */
export class KernelSession {
  readonly key: string;
  readonly workspace: string;
  readonly channel: string;
  readonly #deps: SessionDeps;
  readonly #kernel: SessionKernel;
  readonly #runs: RunsToEnd;
  readonly #late: LateOutput;
  readonly #queue: RunQueue;
  readonly #questions: SwitchQuestions;
  readonly #idle: IdleKernel;

  constructor(
    place: { key: string; workspace: string; channel: string },
    stored: StoredKernel,
    deps: SessionDeps,
  ) {
    this.key = place.key;
    this.workspace = place.workspace;
    this.channel = place.channel;
    this.#deps = deps;
    this.#late = new LateOutput(deps.log);
    const displays = startDisplays((runId) => this.#late.changed(runId));
    this.#questions = new SwitchQuestions((live) => this.#cancel(live, undefined, LAPSED));
    this.#kernel = new SessionKernel(
      place.key,
      stored,
      deps,
      (event) => {
        deps.log.debug({ event: 'kernel.event', queue: this.key, kind: event.kind }, 'kernel connection');
        this.#late.onEvent(event, this.#queue.current?.run.state === 'running');
      },
      () => void this.#late.forgetAll(),
    );
    this.#runs = new RunsToEnd(this.#kernel, this.#late, displays, deps);
    this.#idle = new IdleKernel(
      this.#kernel,
      () => this.#queue.current !== undefined,
      () => this.#kernelChanged(),
      deps,
    );
    this.#queue = new RunQueue({
      runOne: (live) => this.#runOne(live),
      onBusy: () => this.#idle.clear(),
      onDone: () => this.#reviewQuestions(),
      onIdle: () => this.#rest(),
    });
    this.#idle.watch();
  }

  get record(): KernelRecord | undefined {
    return this.#kernel.record;
  }

  get state(): SessionState {
    return this.#queue.current !== undefined && this.#kernel.state === 'ready' ? 'busy' : this.#kernel.state;
  }

  /** The unfinished runs that have a place in the queue, in order. */
  get unfinished(): Run[] {
    return this.#queue.unfinished;
  }

  /** Resolves when the queue is idle. */
  get settled(): Promise<void> {
    return this.#queue.settled;
  }

  // — commands —

  /** Adds a run that was accepted for this session, or that is resumed after a takeover. */
  submit(live: LiveRun): void {
    if (!isUnfinished(live.run)) return;
    this.#queue.add(live);
    this.#reviewQuestions();
    this.#queue.wake();
  }

  /** Cancels a waiting run or interrupts a running one. False if it has ended. */
  stop(live: LiveRun, reason: StopReason): boolean {
    if (!isUnfinished(live.run)) return false;
    if (live === this.#queue.current || live.run.state !== 'waiting') live.stop(reason);
    else this.#cancel(live, reason);
    return true;
  }

  /** Takes a waiting run out of the queue. */
  remove(live: LiveRun): void {
    this.#questions.settle(live.id);
    this.#queue.remove(live);
    this.#queue.showPlaces();
  }

  isCurrent(live: LiveRun): boolean {
    return live === this.#queue.current;
  }

  /** `by` has agreed to lose the old kernel's variables. False if the question has lapsed. */
  agreeToSwitch(live: LiveRun, by: string): boolean {
    if (!isUndecided(live.run)) return false;
    this.#questions.agree(live, by, this.record);
    this.#queue.wake();
    return true;
  }

  /** Whether only this requester has run code in the kernel and may therefore decide to lose its variables. */
  hasRunAlone({ requester }: Run): boolean {
    const inHand = this.#queue.placed[0]?.run.requester ?? requester;
    return inHand === requester && (this.record?.requesters ?? []).every((each) => each === requester);
  }

  /** Rejects with `UserError` (`noKernel`) if the gateway has no such kernel any more. The kernel is then forgotten. */
  async restart(): Promise<void> {
    try {
      await this.#kernel.restart();
    } catch (error) {
      if (!(error instanceof GatewayError) || error.code !== 'kernelGone') throw error;
      await this.#kernel.forget(GONE_NOTE);
      throw new UserError('noKernel', GONE_BEFORE_RESTART);
    } finally {
      this.#kernelChanged();
    }
  }

  async shutDown(): Promise<void> {
    await this.#kernel.shutDown();
    this.#kernelChanged();
  }

  /** Somebody pressed Keep. False if that kernel is gone. */
  keep(kernelId: string): boolean {
    const isKept = this.#kernel.keep(kernelId);
    if (isKept) this.#idle.keep();
    return isKept;
  }

  /** The store may have been emptied. Runs that the kernel has not got are lost with it and end here. */
  notifyLost(): void {
    this.#kernel.storeAgain();
    for (const live of this.#queue.all) void this.#endIfLost(live);
  }

  async #endIfLost(live: LiveRun): Promise<void> {
    const isStored = await live.commit({}).catch(() => true);
    // The current run is stored again before the kernel gets it.
    const isKept = live.run.state !== 'waiting' || live === this.#queue.current;
    if (isStored || isKept || live.released.aborted) return;
    this.#deps.log.error({ event: 'run.lost', run: live.id }, 'the store has lost a waiting run');
    const detail = 'The bot’s store has lost it while it waited; run it again.';
    this.#endUnsent(live, { ...syntheticOutcome('notStarted', live.run.data.kernelspec), detail });
  }

  /** Ends the late edits of a run message. Resolves with the run's newest record if the run is remembered. */
  stopEdits(runId: string, isErased: boolean): Promise<Run | undefined> {
    return this.#late.stopEdits(runId, isErased);
  }

  /** Ends the work of this process and leaves the runs to its successor. */
  async close(): Promise<void> {
    this.#idle.clear();
    this.#questions.close();
    await this.#queue.release(this.#kernel, this.#late);
  }

  // — the queue —

  async #runOne(live: LiveRun): Promise<void> {
    const { run } = live;
    if (run.data.isUnreadable === true) return this.#endUnsent(live, unreadableOutcome(run));
    // A backup stores a run that waits like this: it may have run since the backup was made.
    if (run.state === 'sending' && run.data.request === undefined)
      return this.#endUnsent(live, live.readEnd({ kind: 'unknown' }));
    if (run.data.stoppedBy !== undefined) {
      if (run.state === 'waiting') return this.#cancel(live, readStoppedBy(run.data.stoppedBy));
      live.stop(readStoppedBy(run.data.stoppedBy));
    }
    const mustAsk = run.state === 'waiting' && needsSwitch(this.record, run.data.kernelspec);
    if (mustAsk && !isAgreed(run, this.record)) return this.#questions.ask(live, this.record);
    await this.#runs.run(live);
  }

  // — ends without the kernel —

  #cancel(live: LiveRun, reason?: StopReason, detail?: string): void {
    const stoppedBy = reason?.kind === 'asked' ? reason.by : undefined;
    const outcome = syntheticOutcome('cancelled', live.run.data.kernelspec);
    this.#endUnsent(live, { ...outcome, stoppedBy, detail });
  }

  #endUnsent(live: LiveRun, outcome: RunOutcome): void {
    this.remove(live);
    this.#runs.endUnsent(live, outcome);
    this.#endIfEmpty();
  }

  #reviewQuestions(): void {
    this.#questions.review(this.#queue.undecided, this.record);
  }

  #kernelChanged(): void {
    this.#reviewQuestions();
    this.#queue.wake();
    this.#rest();
  }

  #rest(): void {
    this.#idle.watch();
    this.#endIfEmpty();
  }

  #endIfEmpty(): void {
    if (this.#queue.isEmpty && !this.#kernel.hasAnything) this.#deps.onEmpty(this);
  }
}

const GONE_BEFORE_RESTART =
  'The channel’s kernel was gone already, with its variables. The next snippet starts a new one.';
