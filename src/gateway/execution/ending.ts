import type { ExecutionCheckpoint, ExecutionEnd } from '../outputs.ts';
import type { GatewayTimings } from '../timings.ts';
import { endsInMs, type ExecutionState, isForeignInterrupt } from './execution-state.ts';
import type { AnswerInput } from './input.ts';
import type { WantedInterrupt } from './interrupt.ts';

/** What an execution may ask of its kernel's connection. */
export interface ExecutionKernel {
  readonly sessionId: string;
  readonly timings: GatewayTimings;
  /** The kernel is known to send outputs after reply and idle. */
  isLateTalker(): boolean;
  /** By their numbers: whether every message of the kernel since the execution's first has come, and which have. */
  readonly received: { readonly isWhole: boolean; soFar(): ExecutionCheckpoint['received'] };
  /** False while the kernel is being restarted or deleted: what it says then is not how this ends. */
  mayEnd(): boolean;
  /** Looks whether the kernel is there and works, so that no restart or deletion of it is under way. */
  isSteady(): Promise<boolean>;
  answerInput: AnswerInput;
  /** False where it was not wanted any more. Rejects when the interrupt is not known to have been sent. */
  interrupt(wanted: WantedInterrupt): Promise<boolean>;
}

/** What an execution tells it. */
export type ExecutionEvent =
  /** Its reader is slow (true) or has caught up. */
  | { kind: 'full'; isFull: boolean }
  /** Nothing of it came for a while. */
  | { kind: 'silent'; silentMs: number }
  | { kind: 'interruptFailed'; failure: unknown }
  /** The caller gave it up before it was written. */
  | { kind: 'givenUp' }
  /** `hasError`: an error was given out. */
  | { kind: 'ended'; as: ExecutionEnd['kind']; hasError: boolean };

/** A kernel takes some seconds to come up again; then its own first message ends this. */
const MOST_STEADY_LOOKS = 6;

/** When an execution ends by what its messages have said, and whether a broken connection may have lost some of them. */
export class Ending {
  readonly #kernel: ExecutionKernel;
  readonly #state: () => ExecutionState;
  readonly #conclude: () => void;
  /** `perhaps`: something of it may be lost; the message numbers may yet prove that nothing is. */
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

  /** Its first message came: whatever broke before, nothing of it is lost. */
  markBegun(): void {
    this.#gap = 'none';
  }

  markReconnected(): void {
    this.#gap = 'reconnected';
  }

  /** Nothing of it is lost, as far as can be known. */
  get isWhole(): boolean {
    return this.#gap === 'none' || this.#kernel.received.isWhole;
  }

  get hasGap(): boolean {
    return this.#gap !== 'none';
  }

  /** Sets when it ends by what is known now. `open`: more of it has to come; `barred`: the kernel may not end it. */
  plan(): 'planned' | 'open' | 'barred' {
    const { timings } = this.#kernel;
    const isReconnected = this.#gap === 'reconnected';
    const inMs = endsInMs(this.#state(), timings, this.#kernel.isLateTalker(), isReconnected);
    this.#clear();
    if (this.#isOver || !this.#kernel.mayEnd()) return 'barred';
    if (inMs === undefined) return 'open';
    if (inMs === 0) this.#settle();
    else this.#timer = setTimeout(() => this.#settle(), inMs);
    return 'planned';
  }

  /** Calls `end` unless something of it still comes within `waitMs`. */
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

  /** It reads like the beginning of a restart or a deletion, or what would tell is lost. */
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
