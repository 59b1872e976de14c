import { Asking } from './input.ts';
import {
  endAs,
  endsInMs,
  type ExecutionState,
  freshExecution,
  isForeignInterrupt,
  settle,
  takeMessage,
} from './execution-state.ts';
import type { AskedLine, ExecuteRequest, Execution, LeftExecution } from '../gateway.ts';
import type { HeardSoFar } from '../connection/received-messages.ts';
import { openOutputQueue } from './output-queue.ts';
import type { ExecutionEnd, ExecutionEndKind, KernelOutput } from '../outputs.ts';
import type { WantedStop } from './interrupts.ts';
import { Stopping } from './interrupt.ts';
import type { GatewayTimings } from '../timings.ts';
import type { KernelMessage } from '../protocol/wire.ts';

/** What an execution needs of its connection. */
export interface ExecutionHost {
  readonly sessionId: string;
  readonly timings: GatewayTimings;
  /** The kernel is known to send outputs after reply and idle. */
  readonly isLateTalker: boolean;
  /** Every message of the kernel since the execution's first has come, by their numbers. */
  readonly isWhole: boolean;
  /** Its reader is slow (true) or has caught up. */
  onFull(isFull: boolean): void;
  /** `request` is undefined when an earlier process was asked. */
  answerInput(request: KernelMessage | undefined, value: string): void;
  /** Interrupts the kernel once that is allowed and `isWanted` still says so. */
  interrupt(stop: WantedStop): void;
  readonly trouble: { callFailed(failure: unknown): void };
  /** Looks whether the kernel is there and works, so that no restart or deletion of it is under way. */
  isSteady(): Promise<boolean>;
  /** The caller gave it up before it was written. */
  onGivenUpByCaller(execution: RunningExecution): void;
  /** Nothing of it came for a while. */
  onSilence(execution: RunningExecution, silentMs: number): void;
  onEnded(execution: RunningExecution, kind: ExecutionEndKind): void;
}

/** A kernel takes some seconds to come up again; then its own first word ends this. */
const mostFarewellLooks = 6;

export class RunningExecution implements Execution {
  readonly msgId: string;
  readonly end: Promise<ExecutionEnd>;
  readonly request: Pick<ExecuteRequest, 'code' | 'allowStdin'>;
  state: ExecutionState = freshExecution;
  isWritten = false;
  isEnded = false;
  /** The kernel is being restarted or deleted: what it says now is not how this ends. */
  #isHeld = false;
  /** Nothing of it was heard, but the kernel works on something and nobody else's code was seen. */
  #isPresumedRunning = false;
  hasToldError = false;
  left: LeftExecution | undefined;
  lastMessageMs = performance.now();
  readonly #host: ExecutionHost;
  readonly #signal: AbortSignal | undefined;
  readonly #stopping: Stopping;
  readonly #asking: Asking;
  readonly #queue = openOutputQueue((isFull) => this.#onFull(isFull));
  readonly #settleEnd: (end: ExecutionEnd) => void;
  #isFull = false;
  #hasToldBehindOthers = false;
  #mayHaveGap = false;
  /** The socket was lost and is open again: the idle may have been lost with it. */
  #isReconnected = false;
  #farewellLooks = 0;
  #ending: NodeJS.Timeout | undefined;
  #silence: NodeJS.Timeout | undefined;

  constructor(request: ExecuteRequest, host: ExecutionHost, left?: LeftExecution) {
    if (left !== undefined)
      this.state = { ...freshExecution, errorName: left.errorName, possibleGap: left.possibleGap };
    this.msgId = request.msgId;
    this.request = request;
    this.#host = host;
    this.#signal = request.signal;
    const { promise, resolve } = Promise.withResolvers<ExecutionEnd>();
    this.end = promise;
    this.#settleEnd = resolve;
    this.#stopping = this.#openStopping();
    this.#asking = this.#openAsking();
    this.#signal?.addEventListener('abort', this.#onAbort, { once: true });
  }

  [Symbol.asyncIterator](): AsyncIterator<KernelOutput, undefined> {
    return this.#queue.read();
  }

  /** The request was given to an open socket (or, for a resumed one, by an earlier process). */
  markWritten(firstLookMs = this.#host.timings.silenceMs): void {
    this.isWritten = true;
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
    if (this.isEnded) return;
    this.lastMessageMs = performance.now();
    const wasStarted = this.state.started;
    const { state, outputs } = takeMessage(this.state, message, this.#host.sessionId);
    this.state = state;
    for (const output of outputs)
      if (output.kind !== 'started' || !this.#isPresumedRunning) this.#queue.push(output);
    this.#asking.take(message);
    if (!wasStarted) this.#stopping.pursue();
    this.#planEnd();
  }

  tell(output: KernelOutput): void {
    if (!this.isEnded) this.#queue.push(output);
  }

  tellBehindOthers(): void {
    if (this.#hasToldBehindOthers || this.state.started || !this.isWritten) return;
    this.#hasToldBehindOthers = true;
    this.tell({ kind: 'behindOthers' });
  }

  /** The kernel is on its way out: the end waits until it is known whether it is gone, restarted or stays. */
  hold(isHeld: boolean): void {
    this.#isHeld = isHeld;
    this.#planEnd();
  }

  /** A message of it was too long for us and is lost. */
  tellTooBig(): void {
    this.state = { ...this.state, possibleGap: true };
    this.tell({ kind: 'tooBig' });
  }

  tellDisconnected(atMs: number): void {
    this.markGap();
    this.#asking.doubt();
    this.tell({ kind: 'disconnected', atMs });
  }

  tellReconnected(fromMs: number): void {
    this.tell({ kind: 'reconnected', fromMs, toMs: Date.now(), gap: true });
    this.#isReconnected = true;
    this.lookIn(this.#host.timings.firstLookMs);
    this.#planEnd();
    this.#stopping.pursue();
  }

  tellBack(): void {
    this.tell({ kind: 'gatewayBack' });
    this.#stopping.pursue();
  }

  /** An earlier process wrote it and left no word about how far it came. */
  tellTakenUp(): void {
    this.#asking.doubt();
  }

  /** Something of it may be lost; the numbers of its messages may yet prove that nothing is. */
  markGap(): void {
    this.#mayHaveGap = true;
  }

  /** Its first words may have been lost with a socket; it can be stopped all the same. */
  presumeRunning(): void {
    if (this.#isPresumedRunning || this.state.started) return;
    this.#isPresumedRunning = true;
    this.tell({ kind: 'started' });
    this.#stopping.pursue();
  }

  /** What the kernel asked an earlier process for, and waits for still. */
  askAgain(asked: AskedLine): void {
    this.#asking.askAgain(asked);
  }

  /** The kernel works, and nothing came since the wire broke: it may be waiting for a line. */
  settleQuestions(dropsSpareLines: boolean): void {
    if (this.state.started || this.#isPresumedRunning) this.#asking.settleDoubt(dropsSpareLines);
  }

  /** An end that did not come from the kernel's own reply and idle. */
  finishAs(kind: ExecutionEndKind, detail?: string): void {
    if (!this.isEnded) this.#finish(endAs(this.state, kind, detail));
  }

  /** Ends it as `kind` unless something of it still comes within `waitMs`. */
  finishUnlessHeard(kind: ExecutionEndKind, waitMs: number): void {
    if (this.isEnded || this.#ending !== undefined) return;
    this.#ending = setTimeout(() => this.finishAs(kind, 'the kernel has nothing of it left to do'), waitMs);
  }

  /** The connection is closed and leaves it to a later `resume`: no end, no timers. */
  abandon(heard: HeardSoFar | undefined): void {
    const { errorName, possibleGap } = this.state;
    this.isEnded = true;
    this.left = { isWritten: this.isWritten, heard, errorName, possibleGap };
    this.#clear();
    this.#queue.end();
  }

  #planEnd(): void {
    const { timings, isLateTalker } = this.#host;
    const idleGraceMs = this.#isReconnected ? timings.graceMs : timings.idleGraceMs;
    const inMs = endsInMs(this.state, { ...timings, idleGraceMs, isLateTalker });
    clearTimeout(this.#ending);
    this.#ending = undefined;
    if (this.isEnded || this.#isHeld) return;
    if (inMs === undefined) return void this.#silence?.refresh();
    clearTimeout(this.#silence);
    if (inMs === 0) this.#settle();
    else this.#ending = setTimeout(() => this.#settle(), inMs);
  }

  #settle(): void {
    if (!isForeignInterrupt(this.state) || this.#farewellLooks >= mostFarewellLooks) return this.#conclude();
    this.#farewellLooks += 1;
    void this.#host.isSteady().then((isSteady) => {
      if (this.isEnded || this.#isHeld) return;
      if (isSteady) return this.#conclude();
      clearTimeout(this.#ending);
      this.#ending = setTimeout(() => this.#settle(), this.#host.timings.farewellMs);
    });
  }

  #conclude(): void {
    const { outputs, end } = settle(this.state);
    for (const output of outputs) this.#queue.push(output);
    this.hasToldError = outputs.length > 0 || this.state.errorName !== undefined;
    // Idle alone, after the wire broke: whether it went well was in the reply.
    const isReplyLost = end.kind === 'ok' && end.replyMissing && this.#mayHaveGap && !this.#host.isWhole;
    this.#finish(isReplyLost ? endAs(this.state, 'outputLost', 'the reply was lost') : end);
  }

  #finish(end: ExecutionEnd): void {
    this.isEnded = true;
    this.#clear();
    this.#queue.end();
    const isWhole = !this.#mayHaveGap || (this.#host.isWhole && !end.replyMissing && !end.idleMissing);
    this.#settleEnd(isWhole ? end : { ...end, possibleGap: true });
    this.#host.onEnded(this, end.kind);
  }

  #clear(): void {
    clearTimeout(this.#ending);
    clearTimeout(this.#silence);
    this.#stopping.end();
    this.#signal?.removeEventListener('abort', this.#onAbort);
  }

  #onFull(isFull: boolean): void {
    this.#isFull = isFull;
    this.#host.onFull(isFull);
  }

  #onSilence(): void {
    // A paused socket is silent by our own doing.
    if (this.#isFull) return this.lookIn(this.#host.timings.silenceMs);
    this.#host.onSilence(this, performance.now() - this.lastMessageMs);
  }

  readonly #onAbort = (): void => {
    if (!this.isWritten) return this.#host.onGivenUpByCaller(this);
    this.#stopping.watch();
    this.#stopping.pursue();
  };

  #openAsking(): Asking {
    const { code, allowStdin } = this.request;
    return new Asking({
      code,
      allowStdin,
      isEnded: () => this.isEnded,
      tell: (output) => this.tell(output),
      answerInput: (request, value) => this.#host.answerInput(request, value),
    });
  }

  #openStopping(): Stopping {
    return new Stopping(this.#signal, {
      isEnded: () => this.isEnded,
      isRunning: () => (this.state.started || this.#isPresumedRunning) && !this.state.idle,
      stopIgnoredMs: this.#host.timings.stopIgnoredMs,
      interrupt: (stop) => this.#host.interrupt(stop),
      onSent: () => {
        this.state = { ...this.state, stopped: true };
      },
      onFailed: (failure) => this.#host.trouble.callFailed(failure),
      onIgnored: () => this.tell({ kind: 'stopIgnored' }),
    });
  }
}
