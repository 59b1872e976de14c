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

/** At shutdown: how long to wait for the last write, and then for a final message that is being posted. */
const CLOSING_MS = 500;

export type RunChange = Partial<Pick<Run, 'state' | 'thread' | 'queue'>> & { data?: Partial<RunData> };

/**
 * One run in memory, from its acceptance until its final message is posted: the newest record, the run message and the
 * signal that stops it. Only this process writes the record, so memory is never behind the store.
 */
export class LiveRun {
  run: Run;
  readonly message: RunMessage;
  /** The input that the kernel waits for. */
  readonly prompts = new InputPrompts(() => this.run.data.inputRequest?.id);
  readonly #store: RunStore<RunData>;
  readonly #writer: LatestWriter;
  readonly #log: Log;
  #code: readonly string[] | undefined;
  /** An edit failed or came too late, so the store may hold its code and not this run's. */
  #isStoredCodeUnsure = false;
  readonly #stop = new AbortController();
  readonly #release = new AbortController();
  readonly #ended = Promise.withResolvers<void>();
  readonly #posted = Promise.withResolvers<void>();
  /** Aborted when the run is to be stopped. Its reason is a `StopReason`. */
  readonly signal = this.#stop.signal;
  /** Aborted when this process ends and leaves the run to its successor. */
  readonly released = this.#release.signal;
  /** Aborted at the first of both. */
  readonly stoppedOrReleased = AbortSignal.any([this.signal, this.released]);
  /** Resolves when the run ends. */
  readonly ended = this.#ended.promise;
  /** Resolves when the final message is posted, refused, or left to a successor. */
  readonly posted = this.#posted.promise;
  #following: PromiseWithResolvers<void> | undefined;
  #phase: RunPhase = { kind: 'waiting', ahead: 0 };
  /** The state in the store. Output is shown only after the store has `running`. */
  #storedState: RunState;
  #output: (() => OutputView) | undefined;
  #outage: Omit<GatewayOutage, 'sent'> | undefined;
  /** The current execution, or the last one. */
  execution: Pick<Execution, 'stopAgain'> | undefined;

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

  /** The blocks of code; empty if the store has lost them. */
  async code(): Promise<readonly string[]> {
    return (this.#code ??=
      (await retryStore(() => this.#store.code(this.run.id), this.#release.signal, this.#log)) ?? []);
  }

  /**
   * Replaces the code of a waiting run after an edit of its message. The store is written first, so that a failure changes
   * nothing. False: the old code is on its way to the kernel, or the store has no such run any more.
   */
  async replaceCode(code: readonly string[], data: Partial<RunData>, queue: string): Promise<boolean> {
    this.#code ??= await this.#store.code(this.run.id);
    if (this.#following !== undefined) return false;
    const next = { ...this.run, queue, updatedAt: Date.now(), data: { ...this.run.data, ...data } };
    try {
      if (!(await this.#store.save(next, code))) return false;
    } catch (error) {
      // The store may have taken it, and only its answer was lost: the next write puts the old code back.
      this.#isStoredCodeUnsure = true;
      this.note({});
      throw error;
    }
    if (this.#following !== undefined) {
      this.#isStoredCodeUnsure = true;
      this.note({});
      return false;
    }
    this.#code = code;
    // A change during the write may have overwritten the new record.
    this.note({ queue, data });
    return true;
  }

  /** Stops the run. The first reason counts. If a stop had no effect, a person's next stop interrupts the kernel again. */
  stop(reason: StopReason): void {
    if (this.signal.aborted) return isAboutStop(reason) ? this.#stopAgain() : undefined;
    if (isAboutStop(reason)) {
      this.#apply({ data: { stoppedBy: reason.kind === 'asked' ? reason.by : 'deleted' } });
      // Written at once, because the person is told that it is done.
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

  /** Changes the record. Resolves when the store has it, or with false if the store has no such run any more. */
  async commit(change: RunChange): Promise<boolean> {
    if (this.#release.signal.aborted) return false;
    this.#apply(change);
    return await this.#writer.save();
  }

  /** Changes the record. It is stored a little later, in order; a failed write is logged and repeated. */
  note(change: RunChange): void {
    this.#apply(change);
    this.#writer.saveSoon().catch(() => undefined);
  }

  /** Changes the record in memory. The next write stores it. */
  setData(data: Partial<RunData>): void {
    this.#apply({ data });
  }

  /** From now on the code is as it is, and messages of the kernel about this run are processed. */
  follow(): void {
    this.#following ??= Promise.withResolvers<void>();
  }

  /** Resolves when these messages are processed and the store has the result; undefined if none are expected. */
  get followed(): Promise<void> | undefined {
    return this.#following?.promise;
  }

  markFollowed(): void {
    this.#following?.resolve();
    this.#following = undefined;
  }

  /** The outcome for this end. `wasWritten`: this process wrote the request to an open websocket. */
  readEnd(end: KnownEnd, wasWritten = false): RunOutcome {
    return readEnd(end, this.signal.reason, this.run, wasWritten);
  }

  /** Stores the outcome. False if the run has ended already. */
  async end(outcome: RunOutcome, kept?: StoredOutput): Promise<boolean> {
    if (!isUnfinished(this.run)) return false;
    this.prompts.close();
    this.#apply({ state: 'ended', data: { outcome, inputRequest: undefined, kept } });
    this.#ended.resolve();
    await this.#writer.save();
    return true;
  }

  #apply({ data, ...change }: RunChange): void {
    this.run = { ...this.run, ...change, updatedAt: Date.now(), data: { ...this.run.data, ...data } };
  }

  /** False: the store has no such run. One that the kernel may have is written again; a posted one may be deleted. */
  async #write(): Promise<boolean> {
    const { state } = this.run;
    if (await this.#store.save(this.run, this.#isStoredCodeUnsure ? this.#code : undefined)) {
      this.#storedState = state;
      this.#isStoredCodeUnsure = false;
      return true;
    }
    const { state: now, data } = this.run;
    if (now === 'waiting' || now === 'posted' || data.erased === true) return false;
    await this.#store.restore(this.run.data.requestKey, this.run, await this.code().catch(() => []));
    return true;
  }

  // — what people see —

  /** From now on each view contains this output. */
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
    this.message.show(viewRun(this.run, this.#code, phase, output, { outage }));
  }

  /** Shows the same phase with the newest output. */
  refresh(): void {
    this.show(this.#phase);
  }

  showRunning(): void {
    const sinceMs = this.run.data.startedAt ?? Date.now();
    this.show({ kind: 'running', sinceMs, stopping: this.signal.aborted, stopIgnored: false });
  }

  /** Shows what is wrong with the gateway; undefined: nothing is wrong any more. */
  showOutage(outage: Omit<GatewayOutage, 'sent'> | undefined): void {
    if (outage === undefined && this.#outage === undefined) return;
    this.#outage = outage;
    this.refresh();
  }

  finish(outcome: RunOutcome, filesFollow = false): ReturnType<RunMessage['finish']> {
    this.#phase = { kind: 'ended', outcome };
    return this.message.finish(viewRun(this.run, this.#code, this.#phase, this.#output?.(), { filesFollow }));
  }

  /** Leaves the run to the successor. This process writes and shows nothing more for it. */
  async release(): Promise<void> {
    await atMost(this.#writer.idle, CLOSING_MS);
    this.#release.abort();
    await this.message.release();
    if (this.#phase.kind === 'ended') await atMost(this.posted, CLOSING_MS);
  }
}
