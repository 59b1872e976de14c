import type { Execution } from '../../../gateway/outputs.ts';
import type { Log } from '../../../log.ts';
import type { OutputView } from '../../../output/output-view.ts';
import type { RunState, RunStore } from '../../../store/store.ts';
import { atMost } from '../../../waits.ts';
import { isAboutStop, type KnownEnd, readEnd, type RunOutcome, type StopReason } from '../../outcome.ts';
import { type GatewayOutage, type RunMessage, type RunPhase, viewRun } from '../../run-view.ts';
import { isUnfinished, type Run, type RunData, type StoredOutput } from '../../run.ts';
import { LatestWriter, retryStore } from '../store-writes.ts';
import { InputPrompts } from './input-prompts.ts';

/** How long a final message that is on its way is waited for when this process ends. */
const CLOSING_MS = 500;

export type RunChange = Partial<Pick<Run, 'state' | 'thread' | 'queue'>> & { data?: Partial<RunData> };

/**
 * One run in memory, from its acceptance until its final message is posted: the newest record, its run message and the
 * one AbortSignal that stops it. This process is the only writer of the record, so memory is ahead of the store.
 */
export class LiveRun {
  run: Run;
  readonly message: RunMessage;
  /** What the kernel asks and nobody has answered yet. */
  readonly prompts = new InputPrompts(() => this.run.data.inputRequest?.id);
  readonly #store: RunStore<RunData>;
  readonly #writer: LatestWriter;
  readonly #log: Log;
  #code: readonly string[] | undefined;
  /** An edit failed, so the store may hold its code and not this run's. */
  #isStoredCodeUnsure = false;
  readonly #stop = new AbortController();
  readonly #release = new AbortController();
  readonly #posted = Promise.withResolvers<void>();
  /** Aborted when the run is to be stopped. */
  readonly signal = this.#stop.signal;
  /** Aborted when this process ends and leaves the run to its successor. */
  readonly released = this.#release.signal;
  /** Settles when the final message is posted, refused, or left to a successor. */
  readonly posted = this.#posted.promise;
  #following: PromiseWithResolvers<void> | undefined;
  #stopReason: StopReason | undefined;
  #phase: RunPhase = { kind: 'waiting', ahead: 0 };
  /** Output is shown once the store says that the kernel has the run. */
  #storedState: RunState;
  #output: (() => OutputView) | undefined;
  #outage: Omit<GatewayOutage, 'sent'> | undefined;
  /** What the kernel has of it, or had last. */
  execution: Pick<Execution, 'stopAgain'> | undefined;
  /** Its place in the queue was shown once. */
  hasShownPlace = false;

  constructor(
    run: Run,
    code: readonly string[] | undefined,
    openMessage: (live: LiveRun) => RunMessage,
    store: RunStore<RunData>,
    log: Log,
  ) {
    this.run = run;
    this.#storedState = run.state;
    this.#code = code;
    this.#store = store;
    this.#log = log;
    this.#writer = new LatestWriter(() => this.#write(), this.#release.signal, log);
    this.message = openMessage(this);
  }

  get id(): string {
    return this.run.id;
  }

  get phase(): RunPhase {
    return this.#phase;
  }

  markPosted(): void {
    this.#posted.resolve();
  }

  /** One text for each block, as it goes to the kernel; none when the store has lost it. */
  async code(): Promise<readonly string[]> {
    this.#code ??=
      (await retryStore(() => this.#store.code(this.run.id), this.#release.signal, this.#log)) ?? [];
    return this.#code;
  }

  /**
   * An edit of the message replaces the code while the run waits: in the store first, so that a failure changes nothing.
   * False: the store has no such run any more.
   */
  async replaceCode(code: readonly string[], data: Partial<RunData>, queue: string): Promise<boolean> {
    this.#code ??= await this.#store.code(this.run.id);
    const next = { ...this.run, queue, updatedAt: Date.now(), data: { ...this.run.data, ...data } };
    try {
      if (!(await this.#store.save(next, code))) return false;
    } catch (error) {
      // The store may have taken it, and only its answer was lost: the next write puts the old code back.
      this.#isStoredCodeUnsure = true;
      this.note({});
      throw error;
    }
    this.#code = code;
    // What was noted meanwhile may have been written over the new record.
    this.note({ queue, data });
    return true;
  }

  /** Asks it to stop; the first reason counts. Where that had no effect, a person asks the kernel again. */
  stop(reason: StopReason): void {
    if (this.#stopReason !== undefined) return isAboutStop(reason) ? this.#stopAgain() : undefined;
    this.#stopReason = reason;
    if (isAboutStop(reason)) {
      this.#apply({ data: { stoppedBy: reason.kind === 'asked' ? reason.by : 'deleted' } });
      // At once: a press counts as done after this.
      this.#writer.save().catch(() => undefined);
    }
    this.#stop.abort(reason);
    if (this.#phase.kind === 'running') this.show({ ...this.#phase, stopping: true });
    if (this.#phase.kind === 'inputAsked') this.showRunning();
  }

  #stopAgain(): void {
    if (this.#phase.kind !== 'running' || !this.#phase.stopIgnored) return;
    this.show({ ...this.#phase, stopIgnored: false });
    this.execution?.stopAgain();
  }

  /** Changes the record and resolves when the store has confirmed it. False: the store has no such run any more. */
  async commit(change: RunChange): Promise<boolean> {
    if (this.#release.signal.aborted) return false;
    this.#apply(change);
    return await this.#writer.save();
  }

  /** Changes the record; the store gets it behind, in order. A failure is retried and logged. */
  note(change: RunChange): void {
    this.#apply(change);
    this.#writer.saveSoon().catch(() => undefined);
  }

  /** Changes the record in memory; the next write takes it along. */
  setData(data: Partial<RunData>): void {
    this.#apply({ data });
  }

  /** A request is written from here on, and what comes back is read. */
  follow(): void {
    this.#following ??= Promise.withResolvers<void>();
  }

  /** Settles when what came back is read and the store knows how far; undefined while nothing is followed. */
  get followed(): Promise<void> | undefined {
    return this.#following?.promise;
  }

  markFollowed(): void {
    this.#following?.resolve();
    this.#following = undefined;
  }

  /** What this end means for its author; `wasWritten`: this process wrote the request to an open websocket. */
  readEnd(end: KnownEnd, wasWritten = false): RunOutcome {
    return readEnd(end, this.#stopReason, this.run, wasWritten);
  }

  /** Writes how it ended. False when it has ended already. */
  async end(outcome: RunOutcome, kept?: StoredOutput): Promise<boolean> {
    if (!isUnfinished(this.run)) return false;
    this.prompts.close();
    this.#apply({ state: 'ended', data: { outcome, inputRequest: undefined, kept } });
    await this.#writer.save();
    return true;
  }

  #apply({ data, ...change }: RunChange): void {
    this.run = { ...this.run, ...change, updatedAt: Date.now(), data: { ...this.run.data, ...data } };
  }

  /** True when the store has it. A store that was emptied gets the run again, unless the kernel has not got it. */
  async #write(): Promise<boolean> {
    const { state } = this.run;
    if (await this.#store.save(this.run, this.#isStoredCodeUnsure ? this.#code : undefined)) {
      this.#storedState = state;
      this.#isStoredCodeUnsure = false;
      return true;
    }
    if (this.run.state === 'waiting' || this.run.data.erased === true) return false;
    await this.#store.restore(this.run.data.requestKey, this.run, await this.code().catch(() => []));
    return true;
  }

  // — what people see —

  /** From now on each picture carries this output. */
  showOutput(view: () => OutputView): void {
    this.#output = view;
  }

  show(phase: RunPhase): void {
    this.#phase = phase;
    const { state } = this.run;
    const isStored = this.#storedState !== 'waiting' && this.#storedState !== 'sending';
    const sent: GatewayOutage['sent'] = state === 'waiting' ? 'no' : state === 'sending' ? 'perhaps' : 'yes';
    const outage = this.#outage === undefined ? undefined : { ...this.#outage, sent };
    const output = isStored ? this.#output?.() : undefined;
    this.message.show(viewRun(this.run, this.#code, phase, output, outage));
  }

  /** The same phase with newer output. */
  refresh(): void {
    this.show(this.#phase);
  }

  showRunning(): void {
    const sinceMs = this.run.data.startedAt ?? Date.now();
    this.show({ kind: 'running', sinceMs, stopping: this.signal.aborted, stopIgnored: false });
  }

  /** What is wrong with the gateway from now on; undefined when nothing is any more. */
  showOutage(outage: Omit<GatewayOutage, 'sent'> | undefined): void {
    if (outage === undefined && this.#outage === undefined) return;
    this.#outage = outage;
    this.refresh();
  }

  finish(outcome: RunOutcome): ReturnType<RunMessage['finish']> {
    this.#phase = { kind: 'ended', outcome };
    return this.message.finish(viewRun(this.run, this.#code, this.#phase, this.#output?.()));
  }

  // — the end of this process —

  /** Leaves the run to a successor: nothing more is written or shown for it here. */
  async release(): Promise<void> {
    await atMost(this.#writer.idle, CLOSING_MS);
    this.#release.abort();
    await this.message.release();
    if (this.#phase.kind === 'ended') await atMost(this.posted, CLOSING_MS);
  }
}
