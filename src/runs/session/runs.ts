import { setTimeout as wait } from 'node:timers/promises';
import { StoreError } from '../../errors.ts';
import type { Output } from '../../gateway/outputs.ts';
import type { ActiveRun } from './active-run.ts';
import type { ChannelKernels } from './channel-kernels.ts';
import { auditRun, endRun } from './finish-run.ts';
import type { GatewayPatience } from './gateway-patience.ts';
import type { LaneLeases } from './lane-leases.ts';
import { Lanes } from './lanes.ts';
import { OpenRuns, type OpenRunsOptions } from './open-runs.ts';
import { bareOutcome } from '../outcome.ts';
import { readStopper } from './read-end.ts';
import { isUnfinished, type Run, standsAside } from '../run.ts';
import { unreadableOutcome } from '../stored-run.ts';
import { type RanSnippet, runSnippet } from './run-snippet.ts';
import { SwitchQuestions } from './switch-questions.ts';
import { Wishes } from './wishes.ts';

/** How long a run that is let go has to take in what its closed socket brought. */
const HAND_OVER_MS = 3_000;
/** So long at the most the lane's next run waits for the answer of the one before to be on its way. */
const ANSWER_FIRST_MS = 25;
/** Places further back are shown once, at admission, and not edited with every run that ends. */
const PLACES_KEPT_FRESH = 3;

export interface RunsOptions extends OpenRunsOptions {
  /** Slack's id of it. Bots of several may share a store: another one's runs are its own affair. */
  workspace: string;
  leases: LaneLeases;
  kernels: ChannelKernels;
  patience: GatewayPatience;
  /** Tells a channel that a switch replaced its kernel. */
  tellSwitched: (run: Run, change: { from: string; by: string }) => void;
  kernelsPerChannel: number;
  runTimeoutMs: number | undefined;
  inputTimeoutMs: number;
  /** Tells the other processes on this store that a lane has news. */
  announce: (lane: string) => void;
}

/** All runs this process works on: their queues, their answers, their ends. */
export class Runs {
  readonly #options: RunsOptions;
  readonly #lanes: Lanes;
  readonly #open: OpenRuns;
  readonly #questions: SwitchQuestions;
  #isClosing = false;
  /** What people want of them beside running them. */
  readonly wishes: Wishes;

  constructor(options: RunsOptions) {
    this.#options = options;
    this.#open = new OpenRuns(options);
    const { ledger, leases, log } = options;
    this.#questions = new SwitchQuestions({ ...options, lapse: (active) => this.wishes.takeBack(active) });
    this.wishes = new Wishes({
      ...options,
      open: this.#open,
      questions: this.#questions,
      wake: (lane) => this.wake(lane),
    });
    this.#lanes = new Lanes({
      ledger,
      leases,
      log,
      runOne: (run) => this.#runOne(run),
      onPlaces: (runs) => this.#showPlaces(runs),
      onIdle: (lane) => void this.idle(lane),
    });
  }

  /**
   * Takes up what a predecessor left unfinished: after a start, and whenever another process on this store may have
   * died. Only what nobody else holds; gives how many runs that were.
   */
  async recover(): Promise<number> {
    const { ledger, leases, workspace } = this.#options;
    const left = (await ledger.unposted()).filter(
      (run) => run.workspace === workspace && !this.#open.has(run.id),
    );
    const lanes = [...new Set(left.map((run) => run.lane))];
    const held = await Promise.all(lanes.map((lane) => leases.hold(lane)));
    const ours = new Set(lanes.filter((_, index) => held[index]));
    const taken = left.filter((run) => ours.has(run.lane) && !this.#open.has(run.id));
    this.#open.expectLeft(taken);
    for (const run of taken) if (run.state === 'ended') this.#open.postLeft(run);
    for (const lane of ours) this.#lanes.wake(lane);
    return taken.length;
  }

  /** The lane's lease is lost or let go: nothing of it is touched any more, another process takes it up. */
  async letGo(lane: string): Promise<void> {
    await this.#leave(
      ({ run }) => run.lane === lane,
      () => this.#options.kernels.disconnect(lane),
    );
  }

  /** First the sockets, then what they brought, then the answers: so that a successor lacks nothing. */
  async #leave(which: (active: ActiveRun) => boolean, disconnect: () => Promise<void>): Promise<void> {
    const unsent = this.#open.letGo((active) => which(active) && active.followed === undefined);
    await disconnect();
    await Promise.race([this.#open.followed(which), wait(HAND_OVER_MS, undefined, { ref: false })]);
    await Promise.all([unsent, this.#open.letGo(which)]);
  }

  /** A run was admitted to this lane, or something in it changed. */
  wake(lane: string): void {
    this.#lanes.wake(lane);
  }

  /** Output of a run that has ended already. */
  takeLate(msgId: string, output: Output): void {
    this.#open.late.take(msgId, output);
  }

  /** What an ended run shows was changed by a later one. */
  changedLate(runId: string): void {
    this.#open.late.changed(runId);
  }

  /** The run as this process has it, for questions about its phase. */
  active(runId: string): ActiveRun | undefined {
    return this.#open.find(runId);
  }

  async #runOne(run: Run): Promise<void> {
    const active = this.#open.open(run);
    if (active.run.data.isUnreadable === true) return await this.#endUnread(active);
    const { stopAskedBy } = run.data;
    if (stopAskedBy !== undefined && (await this.wishes.takeBack(active))) return;
    if (stopAskedBy !== undefined) active.stop(readStopper(stopAskedBy));
    if ((await this.#questions.asks(active)) || !isUnfinished(active.run)) return;
    const running = this.#run(active);
    const ran = await Promise.race([running, active.abandoned]);
    if (ran === undefined) return this.#noteEndHeard(active, running);
    const ended = await endRun(active, ran);
    active.markFollowed();
    // Taken back meanwhile, and answered; or let go: then it is found unposted by whoever looks for left work.
    if (active.phase.kind !== 'ended' && !active.left.aborted)
      this.#open.post(active, ended.outcome, ran.transcript);
    if (ended.isOurs) auditRun(active, ended.outcome, this.#options.log);
    // The answer has the processor for itself.
    await Promise.race([active.posted, wait(ANSWER_FIRST_MS, undefined, { ref: false })]);
    if (!active.left.aborted) await this.#noteUse(active, ran);
  }

  /** Nobody knows what was to be run, or what became of it. */
  async #endUnread(active: ActiveRun): Promise<void> {
    const { log } = this.#options;
    log.error({ run: active.run.id, channel: active.run.channel }, 'the record of a run cannot be read');
    const outcome = unreadableOutcome(active.run);
    if ((await endRun(active, { outcome })).isOurs) auditRun(active, outcome, log);
    if (!active.left.aborted) this.#open.post(active, outcome, undefined);
  }

  /** Before the lane's next run, which is to find its kernel as this one left it. */
  async #noteUse({ run }: ActiveRun, { kernel, outcome }: RanSnippet): Promise<void> {
    if (kernel === undefined) return;
    const { kernels, log } = this.#options;
    const { id: runId, runner, thread } = run;
    await kernels
      .used(kernel, { runner, thread, runId, outcome })
      .catch((error: unknown) => log.warn({ err: error, run: runId }, 'the use of a kernel was not noted'));
  }

  /** Let go between the kernel's last word and the ledger's: that word cannot be heard again. */
  #noteEndHeard(active: ActiveRun, running: Promise<RanSnippet>): void {
    const { log } = this.#options;
    running
      .then(async (ran) => {
        const { outcome } = ran;
        if (outcome.kind !== 'ok' && outcome.kind !== 'raised') return;
        if ((await endRun(active, ran)).isOurs) auditRun(active, outcome, log);
      })
      .catch((error: unknown) => log.warn({ err: error, run: active.run.id }, 'an end was not noted'));
  }

  async #run(active: ActiveRun): Promise<RanSnippet> {
    try {
      return await runSnippet(active, this.#options);
    } catch (error) {
      // Nothing was sent: the lane is tried again once the store answers.
      if (error instanceof StoreError && active.run.state === 'waiting') throw error;
      this.#options.log.error({ err: error, run: active.run.id }, 'a run broke');
      const outcome = bareOutcome('broken', active.run.data.kernelspec);
      return { outcome, transcript: undefined, kernel: undefined };
    }
  }

  #showPlaces(runs: readonly Run[]): void {
    const queued = runs.filter((run) => !standsAside(run));
    for (const [ahead, run] of queued.entries()) {
      // What a predecessor showed says so already; 200 of them would use up minutes of Slack's edits.
      const isShown = this.#open.has(run.id) || run.data.answerTs !== undefined;
      const active = this.#open.open(run);
      if (ahead === 0 || active.run.state !== 'waiting') continue;
      const behind = queued[0]?.runner;
      if (!isShown || ahead <= PLACES_KEPT_FRESH)
        active.show({ kind: 'waiting', ahead, ...(behind === undefined ? {} : { behind }) });
    }
    for (const run of runs.filter((aside) => standsAside(aside) && !this.#open.has(aside.id)))
      this.#questions
        .askAgain(this.#open.open(run))
        .then((isOpen) => isOpen || this.#lanes.wake(run.lane))
        .catch((error: unknown) => this.#options.log.error({ err: error, run: run.id }, 'not asked'));
  }

  /** The lane has nothing to do: without a connection to its kernel there is nothing to hold either. */
  async idle(lane: string): Promise<void> {
    const { kernels, leases } = this.#options;
    // The last words of runs that are let go are still on their way: another process would look for them too early.
    if (this.#isClosing) return;
    if (!this.#open.hasAny(lane) && !kernels.isConnected(lane)) await leases.drop(lane);
  }

  /** Takes no further work; what is in flight stays in the ledger for a successor. */
  async close(): Promise<void> {
    this.#isClosing = true;
    this.#questions.close();
    const lanesClosed = this.#lanes.close();
    await this.#leave(
      () => true,
      () => this.#options.kernels.close(),
    );
    await lanesClosed;
  }
}
