import type { ExecutionCheckpoint, ExecutionEnd } from '../outputs.ts';
import type { GatewayTimings } from '../timings.ts';
import { endsInMs, type ExecutionState, isForeignInterrupt } from './execution-state.ts';
import type { AnswerInput } from './input.ts';
import type { WantedInterrupt } from './interrupt.ts';

/** What an execution needs from its kernel's connection. */
export interface ExecutionKernel {
  readonly sessionId: string;
  readonly timings: GatewayTimings;
  /** Whether the kernel is known to send outputs after reply and idle. */
  sendsLateOutput(): boolean;
  /**
   * `isWhole`: whether the message numbers prove that nothing has been lost since the execution's first message;
   * `soFar`: which messages have come.
   */
  readonly received: { readonly isWhole: boolean; soFar(): ExecutionCheckpoint['received'] };
  /** False while the kernel is being restarted or deleted: its messages then do not tell how the execution ended. */
  mayEnd(): boolean;
  /** Whether the kernel exists and is neither being restarted nor deleted. */
  isSteady(): Promise<boolean>;
  answerInput: AnswerInput;
  /** False if it was no longer wanted. Rejects if the interrupt is not known to have been sent. */
  interrupt(wanted: WantedInterrupt): Promise<boolean>;
}

/** What an execution reports to its queue. */
export type ExecutionEvent =
  /** The reader is slow (true) or has caught up. */
  | { kind: 'full'; isFull: boolean }
  /** No message of it has come for a while. */
  | { kind: 'silent'; silentMs: number }
  | { kind: 'interruptFailed'; failure: unknown }
  /** The caller gave it up before it was written. */
  | { kind: 'givenUp' }
  /** `hasError`: it has output an error. */
  | { kind: 'ended'; as: ExecutionEnd['kind']; hasError: boolean };

/** A restarted kernel takes some seconds; after that its own first message ends the execution. */
const MOST_STEADY_LOOKS = 6;

/** Decides from an execution's messages when it ends, and whether a broken connection may have lost some of them. */
export class Ending {
  readonly #kernel: ExecutionKernel;
  readonly #state: () => ExecutionState;
  readonly #conclude: () => void;
  /** `perhaps`: messages may be lost, unless the message numbers prove the contrary. */
  #gap: 'none' | 'perhaps' | 'reconnected' = 'none';
  #isOver = false;
  #steadyLooks = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(kernel: ExecutionKernel, state: () => ExecutionState, conclude: () => void) {
    this.#kernel = kernel;
    this.#state = state;
    this.#conclude = conclude;
  }

  markGap(): void {
    if (this.#gap === 'none') this.#gap = 'perhaps';
  }

  /** Its first message has arrived, so an earlier break has lost nothing of it. */
  markBegun(): void {
    this.#gap = 'none';
  }

  markReconnected(): void {
    this.#gap = 'reconnected';
  }

  /** Nothing of it is lost, as far as is known. */
  get isWhole(): boolean {
    return this.#gap === 'none' || this.#kernel.received.isWhole;
  }

  get hasGap(): boolean {
    return this.#gap !== 'none';
  }

  /** Schedules the end by what is known now. `open`: more messages have to come; `barred`: it may not end yet. */
  plan(): 'planned' | 'open' | 'barred' {
    const { timings } = this.#kernel;
    const isReconnected = this.#gap === 'reconnected';
    const inMs = endsInMs(this.#state(), timings, this.#kernel.sendsLateOutput(), isReconnected);
    this.#clear();
    if (this.#isOver || !this.#kernel.mayEnd()) return 'barred';
    if (inMs === undefined) return 'open';
    if (inMs === 0) this.#settle();
    else this.#timer = setTimeout(() => this.#settle(), inMs);
    return 'planned';
  }

  /** Calls `end` unless a message of it arrives within `waitMs`. */
  unlessHeard(waitMs: number, end: () => void): void {
    if (this.#isOver || this.#timer !== undefined) return;
    this.#timer = setTimeout(end, waitMs);
  }

  close(): void {
    this.#isOver = true;
    this.#clear();
  }

  #clear(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** Whether the messages look like the beginning of a restart or deletion, or those that would tell are lost. */
  #mayBeKernelsEnd(): boolean {
    const state = this.#state();
    return isForeignInterrupt(state) || (state.reply === undefined && !this.isWhole);
  }

  #settle(): void {
    if (!this.#mayBeKernelsEnd() || this.#steadyLooks >= MOST_STEADY_LOOKS) return this.#conclude();
    this.#steadyLooks += 1;
    void this.#kernel.isSteady().then((isSteady) => {
      if (this.#isOver || !this.#kernel.mayEnd()) return;
      if (isSteady) return this.#conclude();
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.#settle(), this.#kernel.timings.goodbyeMs);
    });
  }
}
