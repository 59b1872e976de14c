import { setTimeout as wait } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { StoreError } from '../../errors.ts';
import { outlastStore } from './outlast-store.ts';
import type { OutputView } from '../../output/output-view.ts';
import type { Ledger, RunChange } from '../../store/run-store.ts';
import type { KeptOutput } from './kept-output.ts';
import type { RunOutcome } from '../outcome.ts';
import type { StopReason } from './read-end.ts';
import type { RunAnswer } from './run-answer.ts';
import type { GatewayTrouble, RunPhase } from '../run-view.ts';
import { isUnfinished, type Run, type RunData } from '../run.ts';
import { viewRun } from './view-run.ts';

/** A line that the kernel waits for. */
export interface Question {
  readonly id: string;
  /** Gives the kernel its line; the run goes on. */
  answer(line: string): Promise<void>;
  /** Nobody will answer any more: the run has ended. */
  close(): void;
}

/** How long the ledger has to note a last word that stands. */
const CLOSING_MS = 500;

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
  #trouble: Omit<GatewayTrouble, 'sent'> | undefined;
  #changing: Promise<unknown> = Promise.resolve();
  #reason: StopReason | undefined;
  #abandoned = Promise.withResolvers<undefined>();
  readonly #left = new AbortController();
  #following: PromiseWithResolvers<void> | undefined;
  readonly #posted = Promise.withResolvers<void>();
  #isClosed = false;
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

  /** Aborted at that moment: nobody waits here any more. */
  get left(): AbortSignal {
    return this.#left.signal;
  }

  /** Lets go: nothing is written or shown for this run any more, and the kernel is not told. */
  async abandon(): Promise<void> {
    this.#left.abort();
    this.#abandoned.resolve(undefined);
    await this.answer.release();
    if (this.#phase.kind === 'ended')
      await Promise.race([this.posted, wait(CLOSING_MS, undefined, { ref: false })]);
  }

  /** Shows nothing more; resolves when the record says where the answer stands, so that it can be removed. */
  async withdrawAnswer(): Promise<void> {
    await this.answer.withdraw();
    await this.#changing;
  }

  /** A request of it is written from here on, and what comes back is taken. */
  follow(): void {
    this.#following ??= Promise.withResolvers<void>();
  }

  /** Settles when what came back is taken and the ledger knows how far; undefined while nothing is followed. */
  get followed(): Promise<void> | undefined {
    return this.#following?.promise;
  }

  markFollowed(): void {
    this.#following?.resolve();
    this.#following = undefined;
  }

  /** This process has shown its last word: nobody else takes it up any more. */
  get isClosed(): boolean {
    return this.#isClosed;
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
    this.answer.show(viewRun(this.run, phase, this.#output?.(), this.#troubleNow()));
  }

  /** What is wrong with the gateway from now on; undefined when nothing is any more. */
  showTrouble(trouble: Omit<GatewayTrouble, 'sent'> | undefined): void {
    if (trouble === undefined && this.#trouble === undefined) return;
    this.#trouble = trouble;
    this.refresh();
  }

  #troubleNow(): GatewayTrouble | undefined {
    if (this.#trouble === undefined) return undefined;
    const { state } = this.run;
    return { ...this.#trouble, sent: state === 'waiting' ? 'no' : state === 'sending' ? 'perhaps' : 'yes' };
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

  /**
   * Writes to the ledger. False when somebody else has taken the run away meanwhile (cancelled, erased), or this
   * process has let it go. A store that does not answer is waited for: what was accepted is not given up.
   */
  async change(
    change: Omit<RunChange<RunData>, 'updatedAt' | 'data'>,
    data: Partial<RunData> = {},
  ): Promise<boolean> {
    return await this.#inTurn(async () => await this.#insist(change, data));
  }

  async #insist(change: Partial<RunChange<RunData>>, data: Partial<RunData>): Promise<boolean> {
    const left = this.#left.signal;
    if (left.aborted) return false;
    try {
      return await outlastStore(() => this.#write(change, data), left);
    } catch (error) {
      if (error instanceof StoreError) return false;
      throw error;
    }
  }

  /**
   * Ends it as long as the kernel has not got it; whoever has it in hand is stopped. False when it is too late for
   * that, or somebody else has taken the run away.
   */
  async takeBack(outcome: RunOutcome): Promise<boolean> {
    const isTaken = await this.#inTurn(
      async () => this.run.state === 'waiting' && (await this.#insist({ state: 'ended' }, { outcome })),
    );
    if (isTaken) this.#stop.abort();
    return isTaken;
  }

  /**
   * Writes how it ended, also when this process has let it go meanwhile: nobody else can learn that from the kernel
   * again. False when somebody else has written an end, or has taken the run away.
   */
  async conclude(outcome: RunOutcome, kept?: KeptOutput): Promise<boolean> {
    return await this.#insistLetGo({ state: 'ended' }, { outcome, ...(kept === undefined ? {} : { kept }) });
  }

  /** Writes that its last word stands, and what belongs to it; also when let go, or a successor would say it again. */
  async close(belongings: Pick<RunData, 'answerTs' | 'files' | 'replies'>): Promise<boolean> {
    this.#isClosed = await this.#insistLetGo({ state: 'posted' }, belongings);
    return this.#isClosed;
  }

  async #insistLetGo(change: Partial<RunChange<RunData>>, data: Partial<RunData>): Promise<boolean> {
    return await this.#inTurn(() => outlastStore(() => this.#write(change, data)));
  }

  async #inTurn(write: () => Promise<boolean>): Promise<boolean> {
    const turn = this.#changing.then(write);
    this.#changing = turn.catch(() => undefined);
    return await turn;
  }

  async #write(change: Partial<RunChange<RunData>>, data: Partial<RunData>): Promise<boolean> {
    const changed = await this.#changeRecord(change, data);
    if (changed !== undefined) this.run = changed;
    return changed !== undefined;
  }

  /** Compare-and-set; once more on the newer record when another hand only noted something (a stop) in between. */
  async #changeRecord(change: Partial<RunChange<RunData>>, data: Partial<RunData>): Promise<Run | undefined> {
    // What has ended does not begin again, nor end in another way.
    if (!isUnfinished(this.run) && change.state !== undefined && change.state !== 'posted') return undefined;
    const after = { ...change, data: { ...this.run.data, ...data }, updatedAt: Date.now() };
    const changed = await this.#ledger.change(this.run, after);
    if (changed !== undefined) return changed;
    const now = await this.#ledger.get(this.run.id);
    if (now === undefined) return undefined;
    // Our own write, whose answer was lost.
    if (now.state === change.state && isDeepStrictEqual(pick(now.data, data), data)) return now;
    if (stateRank(now) > stateRank(this.run)) {
      this.run = now;
      return undefined;
    }
    return await this.#ledger.change(now, { ...after, data: { ...now.data, ...data } });
  }
}

function pick(data: RunData, keys: Partial<RunData>): object {
  return Object.fromEntries(Object.entries(data).filter(([key]) => Object.hasOwn(keys, key)));
}

function stateRank(run: Run): number {
  return ['waiting', 'sending', 'sent', 'ended', 'posted'].indexOf(run.state);
}
