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
 * One execute_request, up to its end. `running`: a message of it has come, or the kernel was found to be running it.
 * `left`: its connection was closed first.
 */
export class RunningExecution implements Execution {
  readonly msgId: string;
  readonly #settled = Promise.withResolvers<ExecutionEnd>();
  readonly end = this.#settled.promise;
  readonly #sent = Promise.withResolvers<void>();
  readonly written = this.#sent.promise;
  phase: 'waiting' | 'written' | 'running' | 'ended' | 'left' = 'waiting';
  /** State according to its messages. */
  state: ExecutionState;
  checkpoint: ExecutionCheckpoint | undefined;
  lastMessageMs = performance.now();
  /** How the kernel's process ended after the request was written: it ended with it, or the next process runs it. */
  outlived: 'kernelDied' | 'kernelRestarted' | undefined;
  /** Its `In [n]` according to an earlier process, or a lower bound. */
  countBefore: number | undefined;
  /** Undefined once it is written, so that the code does not stay in memory. */
  request: ExecuteRequest | undefined;
  readonly #kernel: ExecutionKernel;
  readonly #onEvent: (execution: RunningExecution, event: ExecutionEvent) => void;
  readonly #signal: AbortSignal | undefined;
  readonly #stopping: Stopping;
  readonly input: InputRequests;
  readonly #queue: OutputQueue;
  readonly ending: Ending;
  #hasNotifiedBehindOthers = false;
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
      quitDebugger: () => this.input.quitDebugger(this.state.stopped),
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

  /** Its `In [n]` or a lower bound; undefined while it is not known to have begun. */
  get leastCount(): number | undefined {
    return this.state.executionCount ?? this.countBefore ?? (this.state.started ? 1 : undefined);
  }

  /** The request was written to an open websocket, or by an earlier process. */
  markWritten(firstLookMs = this.#kernel.timings.silenceMs): void {
    this.phase = 'written';
    this.request = undefined;
    this.#sent.resolve();
    this.lastMessageMs = performance.now();
    if (this.#stopping.isWanted) this.#stopping.watch();
    this.lookIn(firstLookMs);
  }

  /** Reports silence if nothing arrives within `ms`. */
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
      // Already sent when the kernel was found to be running it.
      if (output.kind === 'started' && wasRunning) continue;
      this.#queue.push(output, bytes);
      bytes = 0;
      // Messages of a thread do not show that the code has taken the interrupt.
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

  /** A message of it is certainly lost. */
  notifyLost(said: { kind: 'tooBig' } | { kind: 'unreadable' }): void {
    this.state = { ...this.state, possibleGap: true };
    this.notify(said);
  }

  notifyBehindOthers(): void {
    if (this.#hasNotifiedBehindOthers || this.state.started || this.phase === 'waiting') return;
    this.#hasNotifiedBehindOthers = true;
    this.notify({ kind: 'behindOthers' });
  }

  notifyDisconnected(): void {
    this.ending.markGap();
    this.input.doubt();
    this.notify({ kind: 'disconnected' });
  }

  notifyReconnected(fromMs: number): void {
    this.notify({ kind: 'reconnected', fromMs, toMs: Date.now() });
    this.ending.markReconnected();
    this.lookIn(this.#kernel.timings.firstLookMs);
    this.planEnd();
    this.#stopping.pursue();
  }

  stopAgain(): void {
    if (!this.isOver) this.#stopping.again();
  }

  /** The kernel is running it: its first messages may be lost, but it can be stopped. */
  markRunning(): void {
    if (this.phase !== 'written') return;
    this.phase = 'running';
    this.notify({ kind: 'started' });
    this.#stopping.pursue();
  }

  /** Ends it for another reason than reply and idle. */
  finishAs(kind: ExecutionEnd['kind'], detail?: string): void {
    if (this.isOver) return;
    // The new process has not begun it, so it ended with the old one.
    const isUnbegun = !this.state.started && ['unknown', 'kernelGone'].includes(kind);
    this.#finish(endAs(this.state, (isUnbegun ? this.outlived : undefined) ?? kind, detail), false);
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

  /** The connection is closed: no end, no timers; a later `resume` goes on. */
  leave(): void {
    this.checkpoint = { ...this.#checkpointNow(), ...(this.input.isInDoubt && { isInterim: true }) };
    this.phase = 'left';
    this.#clear();
  }

  /** Schedules the end by what is known now. */
  planEnd(): void {
    const planned = this.ending.plan();
    // The look that follows finds out when a failed interrupt can be sent, even if the code never stops printing.
    if (planned === 'open' && !this.#stopping.isDue) this.#silence?.refresh();
    if (planned === 'planned') clearTimeout(this.#silence);
  }

  readonly #conclude = (): void => {
    const { outputs, end } = settle(this.state, this.ending.isWhole, this.#stopping.hasReachedCode);
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
    // The websocket is silent because we have paused it.
    if (this.#queue.isFull) return this.lookIn(this.#kernel.timings.silenceMs);
    this.#onEvent(this, { kind: 'silent', silentMs: performance.now() - this.lastMessageMs });
  }

  readonly #onAbort = (): void => {
    if (this.phase === 'waiting') return this.#onEvent(this, { kind: 'givenUp' });
    this.#stopping.watch();
    this.#stopping.pursue();
  };
}
