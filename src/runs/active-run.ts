import type { OutputView } from './output/output-view.ts';
import type { Ledger, RunChange } from '../store/ledger.ts';
import type { StopReason } from './read-end.ts';
import type { RunAnswer } from './run-answer.ts';
import type { RunPhase } from './run-view.ts';
import type { Run, RunData } from './run-data.ts';
import { viewRun } from './view-run.ts';

/** A line that the kernel waits for. */
export interface Question {
  readonly id: string;
  /** Gives the kernel its line; the run goes on. */
  answer(line: string): Promise<void>;
  /** Nobody will answer any more: the run has ended. */
  close(): void;
}

/**
 * One run while this process works on it: its newest record, its answer and its one AbortSignal. All changes of the
 * record go through here, one after another, so that compare-and-set never meets our own writes.
 */
export class ActiveRun {
  run: Run;
  readonly answer: RunAnswer;
  readonly #ledger: Ledger<RunData>;
  readonly #stop = new AbortController();
  #phase: RunPhase = { kind: 'waiting', ahead: 0 };
  #output: (() => OutputView) | undefined;
  #changing: Promise<unknown> = Promise.resolve();
  #reason: StopReason | undefined;
  #abandoned = Promise.withResolvers<undefined>();
  #isAbandoned = false;
  readonly #posted = Promise.withResolvers<void>();
  /** What the kernel asks and nobody has answered yet. */
  question: Question | undefined;

  constructor(run: Run, answer: RunAnswer, ledger: Ledger<RunData>) {
    this.run = run;
    this.answer = answer;
    this.#ledger = ledger;
  }

  get signal(): AbortSignal {
    return this.#stop.signal;
  }
  get phase(): RunPhase {
    return this.#phase;
  }
  get stopReason(): StopReason | undefined {
    return this.#reason;
  }

  /** Asks it to stop; the first reason counts. */
  stop(reason: StopReason): void {
    if (this.#reason !== undefined) return;
    this.#reason = reason;
    this.#stop.abort(reason);
    if (this.#phase.kind === 'running') this.show({ ...this.#phase, stopping: true });
    if (this.#phase.kind === 'inputAsked') {
      const sinceMs = this.run.data.startedAt ?? Date.now();
      this.show({ kind: 'running', sinceMs, stopping: true, stopIgnored: false });
    }
  }

  /** Settles when this process lets the run go unfinished: another one takes it up. */
  get abandoned(): Promise<undefined> {
    return this.#abandoned.promise;
  }

  /** Lets go: nothing is written or shown for this run any more, and the kernel is not told. */
  async abandon(): Promise<void> {
    this.#isAbandoned = true;
    this.#abandoned.resolve(undefined);
    await this.answer.release();
  }

  /** Takes in what another hand changed in the ledger. */
  meet(run: Run): void {
    if (run.revision > this.run.revision) this.run = run;
  }

  /** Settles when the last word of this run stands and nothing more is written to its answer. */
  get posted(): Promise<void> {
    return this.#posted.promise;
  }

  markPosted(): void {
    this.#posted.resolve();
  }

  /** From now on each picture carries this output. */
  showOutput(view: () => OutputView): void {
    this.#output = view;
  }

  show(phase: RunPhase): void {
    this.#phase = phase;
    this.answer.show(viewRun(this.run, phase, this.#output?.()));
  }

  /** The same phase with newer output. */
  refresh(): void {
    this.show(this.#phase);
  }

  /** Shows the last picture and everything that belongs to it. */
  finish(phase: RunPhase & { kind: 'ended' }): ReturnType<RunAnswer['finish']> {
    this.#phase = phase;
    return this.answer.finish(viewRun(this.run, phase, this.#output?.()));
  }

  /** Writes to the ledger. False when somebody else has taken the run away meanwhile (cancelled, erased). */
  async change(
    change: Omit<RunChange<RunData>, 'updatedAt' | 'data'>,
    data: Partial<RunData> = {},
  ): Promise<boolean> {
    const turn = this.#changing.then(async () => {
      if (this.#isAbandoned) return false;
      const after = { ...change, data: { ...this.run.data, ...data }, updatedAt: Date.now() };
      const changed = (await this.#ledger.change(this.run, after)) ?? (await this.#again(after, data));
      if (changed !== undefined) this.run = changed;
      return changed !== undefined;
    });
    this.#changing = turn.catch(() => undefined);
    return await turn;
  }

  /** A record that another hand touched without ending it (a stop was noted) is changed once more on its new revision. */
  async #again(change: RunChange<RunData>, data: Partial<RunData>): Promise<Run | undefined> {
    const now = await this.#ledger.get(this.run.id);
    if (now === undefined || stateRank(now) > stateRank(this.run)) return undefined;
    return await this.#ledger.change(now, { ...change, data: { ...now.data, ...data } });
  }
}

function stateRank(run: Run): number {
  return ['waiting', 'sending', 'sent', 'ended', 'posted'].indexOf(run.state);
}
