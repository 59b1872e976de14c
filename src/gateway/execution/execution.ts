import {
  type ExecuteRequest,
  type Execution,
  type ExecutionCheckpoint,
  type ExecutionEnd,
  isStatus,
  type KernelOutput,
} from '../outputs.ts';
import { isBusy } from '../protocol/messages.ts';
import type { KernelMessage } from '../protocol/wire.ts';
import { Ending, type ExecutionEvent, type ExecutionKernel } from './ending.ts';
import { endAs, type ExecutionState, FRESH_EXECUTION, settle, takeMessage } from './execution-state.ts';
import { InputRequests } from './input.ts';
import { Stopping } from './interrupt.ts';
import { OutputQueue } from './output-queue.ts';

/**
 * One execute_request from its writing to its end. `running`: something of it came, or its kernel was found at work on it.
 * `left`: its connection was closed before it ended.
 */
export class RunningExecution implements Execution {
  readonly msgId: string;
  readonly #settled = Promise.withResolvers<ExecutionEnd>();
  readonly end = this.#settled.promise;
  readonly #sent = Promise.withResolvers<void>();
  readonly written = this.#sent.promise;
  phase: 'waiting' | 'written' | 'running' | 'ended' | 'left' = 'waiting';
  /** What its messages have said. */
  state: ExecutionState;
  checkpoint: ExecutionCheckpoint | undefined;
  lastMessageMs = performance.now();
  /** The kernel's process died after it was written: it may have had it, or have left it to the next one. */
  outlivedProcess = false;
  /** An earlier process saw it as this `In [n]`, or knows that it is no lower one. */
  countBefore: number | undefined;
  /** Undefined once it was written: its code is not held in memory any longer. */
  request: ExecuteRequest | undefined;
  readonly #kernel: ExecutionKernel;
  readonly #onEvent: (execution: RunningExecution, event: ExecutionEvent) => void;
  readonly #signal: AbortSignal | undefined;
  readonly #stopping: Stopping;
  readonly input: InputRequests;
  readonly #queue: OutputQueue;
  readonly ending: Ending;
  #hasToldBehindOthers = false;
  #silence: NodeJS.Timeout | undefined;

  constructor(
    request: ExecuteRequest,
    kernel: ExecutionKernel,
    onEvent: (execution: RunningExecution, event: ExecutionEvent) => void,
    checkpoint?: ExecutionCheckpoint,
  ) {
    const { errorName, possibleGap = false } = checkpoint ?? {};
    this.state = { ...FRESH_EXECUTION, errorName, possibleGap };
    this.msgId = request.msgId;
    this.request = request;
    this.#kernel = kernel;
    this.#onEvent = onEvent;
    this.#signal = request.signal;
    this.ending = new Ending(kernel, () => this.state, this.#conclude);
    this.#queue = new OutputQueue((isFull) => onEvent(this, { kind: 'full', isFull }));
    this.#stopping = new Stopping(request.signal, kernel.timings.stopIgnoredMs, {
      isRunning: () => this.phase === 'running' && !this.state.idle,
      leaveDebugger: () => this.input.leaveDebugger(this.state.stopped),
      interrupt: (wanted) => kernel.interrupt(wanted),
      onSent: () => {
        this.state = { ...this.state, stopped: true };
      },
      onFailed: (failure) => onEvent(this, { kind: 'interruptFailed', failure }),
      onIgnored: () => this.notify({ kind: 'stopIgnored' }),
    });
    this.input = new InputRequests(
      request.allowStdin,
      (asked, value) => {
        if (!this.isOver) kernel.answerInput(asked, value);
      },
      (said) => this.notify(said),
    );
    this.#signal?.addEventListener('abort', this.#onAbort, { once: true });
  }

  [Symbol.asyncIterator](): AsyncIterator<KernelOutput, undefined> {
    return this.#queue.read();
  }

  get isOver(): boolean {
    return this.phase === 'ended' || this.phase === 'left';
  }

  /** Its `In [n]`, or a lower bound of it; undefined while it is not known to have begun. */
  get leastCount(): number | undefined {
    return this.state.executionCount ?? this.countBefore ?? (this.state.started ? 1 : undefined);
  }

  /** The request was given to an open websocket (or, for a resumed one, by an earlier process). */
  markWritten(firstLookMs = this.#kernel.timings.silenceMs): void {
    this.phase = 'written';
    this.request = undefined;
    this.#sent.resolve();
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
    if (!this.state.started && isBusy(message)) this.ending.markBegun();
    const { state, outputs } = takeMessage(this.state, message, this.#kernel.sessionId);
    this.state = state;
    this.phase = 'running';
    let { bytes } = message;
    for (const output of outputs) {
      // Told before, when the kernel was found at work on it.
      if (output.kind === 'started' && wasRunning) continue;
      this.#queue.push(output, bytes);
      bytes = 0;
      // A thread beside the code has not taken the signal.
      const isOfCode = !isStatus(output) && output.kind !== 'counted' && output.kind !== 'comm';
      if (isOfCode) this.#stopping.onOutput();
    }
    this.input.take(message);
    if (message.type === 'input_request') this.#stopping.onAsked();
    if (!wasRunning) this.#stopping.pursue();
    this.planEnd();
  }

  notify(said: KernelOutput, bytes = 0): void {
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
    this.ending.markGap();
    this.input.doubt();
    this.notify({ kind: 'disconnected', atMs });
  }

  notifyReconnected(fromMs: number): void {
    this.notify({ kind: 'reconnected', fromMs, toMs: Date.now(), gap: true });
    this.ending.markReconnected();
    this.lookIn(this.#kernel.timings.firstLookMs);
    this.planEnd();
    this.#stopping.pursue();
  }

  stopAgain(): void {
    if (!this.isOver) this.#stopping.again();
  }

  /** The kernel works on it: its first messages may have been lost with a websocket, and it can be stopped all the same. */
  markRunning(): void {
    if (this.phase !== 'written') return;
    this.phase = 'running';
    this.notify({ kind: 'started' });
    this.#stopping.pursue();
  }

  /** An end that did not come from the kernel's own reply and idle. */
  finishAs(kind: ExecutionEnd['kind'], detail?: string): void {
    if (this.isOver) return;
    // No later process has begun it, so it ended with the one that died.
    const hasDied = this.outlivedProcess && !this.state.started && ['unknown', 'kernelGone'].includes(kind);
    this.#finish(endAs(this.state, hasDied ? 'kernelDied' : kind, detail), false);
  }

  soFar(): ExecutionCheckpoint | undefined {
    const isProof = this.phase === 'running' && this.#kernel.received.isWhole;
    return isProof && this.#queue.isRead ? { ...this.#checkpointNow(), isInterim: true } : undefined;
  }

  #checkpointNow(): ExecutionCheckpoint {
    const { errorName, possibleGap } = this.state;
    const received = this.#kernel.received.soFar();
    return { isWritten: this.phase !== 'waiting', received, errorName, possibleGap };
  }

  /** The connection is closed and leaves it to a later `resume`: no end, no timers. */
  leave(): void {
    this.checkpoint = this.#checkpointNow();
    this.phase = 'left';
    this.#clear();
  }

  /** Sets when it ends, by what is known now. */
  planEnd(): void {
    const planned = this.ending.plan();
    if (planned === 'open') this.#silence?.refresh();
    if (planned === 'planned') clearTimeout(this.#silence);
  }

  readonly #conclude = (): void => {
    const { outputs, end } = settle(this.state, this.ending.isWhole, this.#stopping.hasLanded);
    for (const output of outputs) this.#queue.push(output);
    const lingeredMs = Math.round(performance.now() - this.lastMessageMs);
    this.#finish({ ...end, lingeredMs }, outputs.length > 0 || this.state.errorName !== undefined);
  };

  #finish(end: ExecutionEnd, hasError: boolean): void {
    this.phase = 'ended';
    this.#clear();
    const isKnown = !this.ending.hasGap || (this.ending.isWhole && !end.replyMissing && !end.idleMissing);
    this.#settled.resolve(isKnown ? end : { ...end, possibleGap: true });
    this.#onEvent(this, { kind: 'ended', as: end.kind, hasError });
  }

  #clear(): void {
    this.ending.close();
    clearTimeout(this.#silence);
    this.request = undefined;
    this.#sent.resolve();
    this.#stopping.end();
    this.#queue.end();
    this.#signal?.removeEventListener('abort', this.#onAbort);
  }

  #onSilence(): void {
    // A paused websocket is silent by our own doing.
    if (this.#queue.isFull) return this.lookIn(this.#kernel.timings.silenceMs);
    this.#onEvent(this, { kind: 'silent', silentMs: performance.now() - this.lastMessageMs });
  }

  readonly #onAbort = (): void => {
    if (this.phase === 'waiting') return this.#onEvent(this, { kind: 'givenUp' });
    this.#stopping.watch();
    this.#stopping.pursue();
  };
}
