import type {
  ExecuteRequest,
  Execution,
  ExecutionCheckpoint,
  InputRequest,
  ReceivedSoFar,
} from '../gateway.ts';
import { type ExecutionEnd, type ExecutionEndKind, isStatus, type Output, type Status } from '../outputs.ts';
import type { KernelMessage } from '../protocol/wire.ts';
import type { GatewayTimings } from '../timings.ts';
import {
  endAs,
  endsInMs,
  type ExecutionState,
  FRESH_EXECUTION,
  isForeignInterrupt,
  settle,
  takeMessage,
} from './execution-state.ts';
import { type AnswerInput, InputRequests } from './input.ts';
import { Stopping, type WantedInterrupt } from './interrupt.ts';
import { OutputQueue } from './output-queue.ts';

/** What an execution may ask of its kernel's connection. */
export interface ExecutionKernel {
  readonly sessionId: string;
  readonly timings: GatewayTimings;
  /** The kernel is known to send outputs after reply and idle. */
  isLateTalker(): boolean;
  /** Every message of the kernel since the execution's first has come, by their numbers. */
  isWhole(): boolean;
  /** False while the kernel is being restarted or deleted: what it says then is not how this ends. */
  mayEnd(): boolean;
  /** Looks whether the kernel is there and works, so that no restart or deletion of it is under way. */
  isSteady(): Promise<boolean>;
  answerInput: AnswerInput;
  /** Rejects when the interrupt is not known to have been sent. */
  interrupt(wanted: WantedInterrupt): Promise<void>;
  onEvent(execution: RunningExecution, event: ExecutionEvent): void;
}

export type ExecutionEvent =
  /** Its reader is slow (true) or has caught up. */
  | { kind: 'full'; isFull: boolean }
  /** Nothing of it came for a while. */
  | { kind: 'silent'; silentMs: number }
  | { kind: 'interruptFailed'; failure: unknown }
  /** The caller gave it up before it was written. */
  | { kind: 'givenUp' }
  /** `hasError`: an error was given out. */
  | { kind: 'ended'; as: ExecutionEndKind; hasError: boolean };

/** A kernel takes some seconds to come up again; then its own first message ends this. */
const MOST_STEADY_LOOKS = 6;

/**
 * One execute_request from its writing to its end. `running`: something of it came, or its kernel was found at work on it.
 * `left`: its connection was closed before it ended.
 */
export class RunningExecution implements Execution {
  readonly msgId: string;
  readonly end: Promise<ExecutionEnd>;
  phase: 'waiting' | 'written' | 'running' | 'ended' | 'left' = 'waiting';
  /** What its messages have said. */
  state: ExecutionState;
  checkpoint: ExecutionCheckpoint | undefined;
  lastMessageMs = performance.now();
  /** Until it is written. */
  #request: ExecuteRequest | undefined;
  readonly #kernel: ExecutionKernel;
  readonly #signal: AbortSignal | undefined;
  readonly #stopping: Stopping;
  readonly #input: InputRequests;
  readonly #queue: OutputQueue;
  readonly #settleEnd: (end: ExecutionEnd) => void;
  /** `perhaps`: something of it may be lost; the message numbers may yet prove that nothing is. */
  #gap: 'none' | 'perhaps' | 'reconnected' = 'none';
  #hasToldBehindOthers = false;
  #steadyLooks = 0;
  #ending: NodeJS.Timeout | undefined;
  #silence: NodeJS.Timeout | undefined;

  constructor(request: ExecuteRequest, kernel: ExecutionKernel, checkpoint?: ExecutionCheckpoint) {
    const { errorName, possibleGap = false } = checkpoint ?? {};
    this.state = { ...FRESH_EXECUTION, errorName, possibleGap };
    this.msgId = request.msgId;
    this.#request = request;
    this.#kernel = kernel;
    this.#signal = request.signal;
    const { promise, resolve } = Promise.withResolvers<ExecutionEnd>();
    this.end = promise;
    this.#settleEnd = resolve;
    this.#queue = new OutputQueue((isFull) => kernel.onEvent(this, { kind: 'full', isFull }));
    this.#stopping = new Stopping(request.signal, kernel.timings.stopIgnoredMs, {
      isRunning: () => this.phase === 'running' && !this.state.idle,
      interrupt: (wanted) => kernel.interrupt(wanted),
      onSent: () => {
        this.state = { ...this.state, stopped: true };
      },
      onFailed: (failure) => kernel.onEvent(this, { kind: 'interruptFailed', failure }),
      onIgnored: () => this.notify({ kind: 'stopIgnored' }),
    });
    this.#input = new InputRequests(
      request.allowStdin,
      (asked, value) => {
        if (!this.isOver) kernel.answerInput(asked, value);
      },
      (said) => this.notify(said),
    );
    this.#signal?.addEventListener('abort', this.#onAbort, { once: true });
  }

  [Symbol.asyncIterator](): AsyncIterator<Output | Status, undefined> {
    return this.#queue.read();
  }

  get isOver(): boolean {
    return this.phase === 'ended' || this.phase === 'left';
  }

  /** Undefined once it was written: its code is not held in memory any longer. */
  get request(): ExecuteRequest | undefined {
    return this.#request;
  }

  /** The request was given to an open websocket (or, for a resumed one, by an earlier process). */
  markWritten(firstLookMs = this.#kernel.timings.silenceMs): void {
    this.phase = 'written';
    this.#request = undefined;
    this.lastMessageMs = performance.now();
    if (this.#stopping.isWanted) this.#stopping.watch();
    this.lookIn(firstLookMs);
  }

  /** Next look at the kernel when nothing comes until then. */
  lookIn(ms: number): void {
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => this.#onSilence(), ms);
  }

  take(message: KernelMessage): void {
    if (this.isOver) return;
    this.lastMessageMs = performance.now();
    const wasRunning = this.phase === 'running';
    const { state, outputs } = takeMessage(this.state, message, this.#kernel.sessionId);
    this.state = state;
    this.phase = 'running';
    let { bytes } = message;
    for (const output of outputs) {
      // Told before, when the kernel was found at work on it.
      if (output.kind === 'started' && wasRunning) continue;
      this.#queue.push(output, bytes);
      bytes = 0;
      if (!isStatus(output) && output.kind !== 'counted') this.#stopping.onOutput();
    }
    this.#input.take(message);
    if (!wasRunning) this.#stopping.pursue();
    this.planEnd();
  }

  notify(said: Output | Status, bytes = 0): void {
    if (this.isOver) return;
    this.#queue.push(said, bytes);
    if (said.kind === 'outageOver') this.#stopping.pursue();
  }

  /** A message of it is lost for certain. */
  notifyLost(said: { kind: 'tooBig' } | { kind: 'unreadable' }): void {
    this.state = { ...this.state, possibleGap: true };
    this.notify(said);
  }

  notifyBehindOthers(): void {
    if (this.#hasToldBehindOthers || this.state.started || this.phase === 'waiting') return;
    this.#hasToldBehindOthers = true;
    this.notify({ kind: 'behindOthers' });
  }

  notifyDisconnected(atMs: number): void {
    this.markGap();
    this.#input.doubt();
    this.notify({ kind: 'disconnected', atMs });
  }

  notifyReconnected(fromMs: number): void {
    this.notify({ kind: 'reconnected', fromMs, toMs: Date.now(), gap: true });
    this.#gap = 'reconnected';
    this.lookIn(this.#kernel.timings.firstLookMs);
    this.planEnd();
    this.#stopping.pursue();
  }

  /** An earlier process wrote it and left no word about how far it came. */
  doubtInput(): void {
    this.#input.doubt();
  }

  /** What the kernel asked an earlier process for, and waits for still. */
  askAgain(asked: InputRequest): void {
    this.#input.ask(asked);
  }

  /** The kernel works, and nothing came since the connection broke: it may be waiting for a line. */
  settleInput(dropsSpareLines: boolean): void {
    if (this.phase === 'running') this.#input.settleDoubt(dropsSpareLines);
  }

  markGap(): void {
    if (this.#gap === 'none') this.#gap = 'perhaps';
  }

  /** The kernel works on it: its first messages may have been lost with a websocket, and it can be stopped all the same. */
  markRunning(): void {
    if (this.phase !== 'written') return;
    this.phase = 'running';
    this.notify({ kind: 'started' });
    this.#stopping.pursue();
  }

  /** An end that did not come from the kernel's own reply and idle. */
  finishAs(kind: ExecutionEndKind, detail?: string): void {
    if (!this.isOver) this.#finish(endAs(this.state, kind, detail), false);
  }

  /** Ends it as `kind` unless something of it still comes within `waitMs`. */
  finishUnlessHeard(kind: ExecutionEndKind, waitMs: number): void {
    if (this.isOver || this.#ending !== undefined) return;
    this.#ending = setTimeout(() => this.finishAs(kind, 'the kernel has nothing of it left to do'), waitMs);
  }

  /** The connection is closed and leaves it to a later `resume`: no end, no timers. */
  leave(received: ReceivedSoFar | undefined): void {
    const { errorName, possibleGap } = this.state;
    this.checkpoint = { isWritten: this.phase !== 'waiting', received, errorName, possibleGap };
    this.phase = 'left';
    this.#clear();
  }

  /** Sets when it ends, by what is known now. */
  planEnd(): void {
    const { timings } = this.#kernel;
    const idleGraceMs = this.#gap === 'reconnected' ? timings.graceMs : timings.idleGraceMs;
    const isLateTalker = this.#kernel.isLateTalker();
    const inMs = endsInMs(this.state, { ...timings, idleGraceMs, isLateTalker });
    clearTimeout(this.#ending);
    this.#ending = undefined;
    if (this.isOver || !this.#kernel.mayEnd()) return;
    if (inMs === undefined) return void this.#silence?.refresh();
    clearTimeout(this.#silence);
    if (inMs === 0) this.#settle();
    else this.#ending = setTimeout(() => this.#settle(), inMs);
  }

  #settle(): void {
    if (!isForeignInterrupt(this.state) || this.#steadyLooks >= MOST_STEADY_LOOKS) return this.#conclude();
    this.#steadyLooks += 1;
    void this.#kernel.isSteady().then((isSteady) => {
      if (this.isOver || !this.#kernel.mayEnd()) return;
      if (isSteady) return this.#conclude();
      clearTimeout(this.#ending);
      this.#ending = setTimeout(() => this.#settle(), this.#kernel.timings.goodbyeMs);
    });
  }

  #conclude(): void {
    const { outputs, end } = settle(this.state);
    for (const output of outputs) this.#queue.push(output);
    // Idle alone, after the connection broke: whether it went well was in the reply.
    const isReplyLost =
      end.kind === 'ok' && end.replyMissing && this.#gap !== 'none' && !this.#kernel.isWhole();
    const hasError = outputs.length > 0 || this.state.errorName !== undefined;
    this.#finish(isReplyLost ? endAs(this.state, 'outputLost', 'the reply was lost') : end, hasError);
  }

  #finish(end: ExecutionEnd, hasError: boolean): void {
    this.phase = 'ended';
    this.#clear();
    const isWhole = this.#gap === 'none' || (this.#kernel.isWhole() && !end.replyMissing && !end.idleMissing);
    this.#settleEnd(isWhole ? end : { ...end, possibleGap: true });
    this.#kernel.onEvent(this, { kind: 'ended', as: end.kind, hasError });
  }

  #clear(): void {
    clearTimeout(this.#ending);
    clearTimeout(this.#silence);
    this.#request = undefined;
    this.#stopping.end();
    this.#queue.end();
    this.#signal?.removeEventListener('abort', this.#onAbort);
  }

  #onSilence(): void {
    // A paused websocket is silent by our own doing.
    if (this.#queue.isFull) return this.lookIn(this.#kernel.timings.silenceMs);
    this.#kernel.onEvent(this, { kind: 'silent', silentMs: performance.now() - this.lastMessageMs });
  }

  readonly #onAbort = (): void => {
    if (this.phase === 'waiting') return this.#kernel.onEvent(this, { kind: 'givenUp' });
    this.#stopping.watch();
    this.#stopping.pursue();
  };
}
