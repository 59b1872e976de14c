import type { GatewayError } from '../errors.ts';
import type { ExecutionEvent, ExecutionKernel } from '../execution/ending.ts';
import { RunningExecution } from '../execution/execution.ts';
import type { Interrupts } from '../execution/interrupt.ts';
import type { ConnectionEvent, ConnectOptions, KernelConnection, KernelInfo, Log } from '../gateway.ts';
import type { ExecuteRequest, Execution, ResumeRequest } from '../outputs.ts';
import { sendsLateOutput } from '../protocol/messages.ts';
import { type ReconnectingEvent, ReconnectingSocket } from '../socket/reconnecting-socket.ts';
import type { SocketOptions } from '../socket/upgrade.ts';
import { ExecutionQueue } from './execution-queue.ts';
import { type LifecycleEvent } from './lifecycle-state.ts';
import { Lifecycle } from './lifecycle.ts';
import { Router } from './router.ts';
import { createSilenceWatch } from './silence.ts';

/**
 * The connection to one kernel: what the loss of the websocket or of the kernel means for its executions. `away`: the
 * gateway did not come back or the kernel does not answer; the next execution tries again.
 */
export class OpenConnection implements KernelConnection {
  readonly kernelId: string;
  readonly sessionId: string;
  readonly lifecycle: Lifecycle;
  readonly #options: SocketOptions;
  readonly #emit: (event: ConnectionEvent) => void;
  readonly #onClosed: () => void;
  readonly #socket: ReconnectingSocket;
  readonly #queue: ExecutionQueue;
  readonly #router: Router;
  readonly #lookAtSilent: ReturnType<typeof createSilenceWatch>;
  readonly #kernel: ExecutionKernel;
  hasOpened = false; // the gateway has accepted this session
  goneWhy = ''; // empty unless the kernel is gone
  #state: 'open' | 'away' | 'gone' | 'closed' = 'open';
  #receivedMs = 0;
  #lostMs = 0;

  constructor(
    options: SocketOptions,
    checkpoint: ConnectOptions['checkpoint'],
    isFresh: boolean,
    { interrupts, log }: { interrupts: Interrupts; log: Log },
    emit: (event: ConnectionEvent) => void,
    onClosed: () => void,
  ) {
    const { kernelId, sessionId } = options;
    this.kernelId = kernelId;
    this.sessionId = sessionId;
    this.#options = options;
    this.#emit = emit;
    this.#onClosed = onClosed;
    this.#socket = new ReconnectingSocket(options, isFresh, log, (event) => this.#onSocketEvent(event));
    this.lifecycle = new Lifecycle(options, isFresh, this.#socket, (event) => this.#onLifecycleEvent(event));
    this.#queue = new ExecutionQueue(options, this.#socket, this.lifecycle, interrupts);
    this.#router = new Router(
      options,
      checkpoint?.received,
      this.#queue,
      this.lifecycle,
      log,
      (isFull) => this.#socket.hold(isFull),
      (msgId, output) => this.#emit({ kind: 'lateOutput', msgId, output }),
    );
    this.#lookAtSilent = createSilenceWatch(options, this.#socket, this.lifecycle, this.#router.proof);
    this.#kernel = {
      sessionId,
      timings: options.timings,
      sendsLateOutput: () => sendsLateOutput(this.kernelInfo),
      received: this.#router.received,
      mayEnd: () => this.lifecycle.mayEnd,
      isSteady: () => this.lifecycle.isSteady(),
      answerInput: (request, value) => this.#queue.answerInput(request, value),
      interrupt: async (wanted) => {
        const isSent = await interrupts.send(kernelId, wanted, () => this.#queue.sendInterrupt());
        if (isSent) this.lifecycle.handshake.wake();
        return isSent;
      },
    };
  }

  /** Opens the websocket and waits until the kernel has answered or is busy. */
  async open(signal: AbortSignal, leave?: AbortSignal): Promise<void> {
    await this.#socket.open(signal);
    this.hasOpened = true;
    await this.lifecycle.waitUntilReady(leave === undefined ? signal : AbortSignal.any([signal, leave]));
    this.#router.replay.dropIn(this.#options.timings.unclaimedMs);
  }

  get kernelInfo(): KernelInfo {
    return this.lifecycle.handshake.info;
  }
  get process(): string {
    // While it is not ready, another process may run what is written now.
    return this.lifecycle.state === 'ready' ? this.lifecycle.handshake.processSession : '';
  }

  get isBusyElsewhere(): boolean {
    return this.lifecycle.isBusyElsewhere;
  }

  async isThere(signal: AbortSignal): Promise<boolean> {
    if (this.goneWhy !== '') return false;
    // Only ipykernel sends a message when it is deleted.
    const isTold = this.lifecycle.handshake.isIpykernel;
    const wasHeard = isTold && performance.now() - this.#receivedMs < this.#options.timings.seenMs;
    // The gateway may have been restarted and have lost its kernels.
    if (!this.#socket.isOpen) await this.lifecycle.look(signal);
    else if (!wasHeard || this.lifecycle.state === 'leaving')
      await this.lifecycle.look(signal).catch(() => undefined);
    return this.goneWhy === '';
  }

  execute(request: ExecuteRequest): Execution {
    const execution = new RunningExecution(request, this.#kernel, this.#onExecutionEvent);
    this.#router.replay.drop();
    if (this.#state === 'closed') execution.leave();
    else if (this.#state === 'gone') execution.finishAs('notSent', this.goneWhy);
    else if (request.signal?.aborted === true) this.#queue.remove(execution);
    else {
      if (this.#state === 'away') {
        this.#state = 'open';
        this.lifecycle.reopen();
      }
      const { outage } = this.#socket;
      if (outage.current?.isCutOff === true) execution.notify(outage.current);
      // A call that failed for an earlier execution proves nothing about this one.
      else outage.over();
      this.#queue.add(execution);
    }
    return execution;
  }

  resume(resumed: ResumeRequest): Execution {
    const { msgId, allowStdin = false, signal, checkpoint, inputRequest, process, executionCount } = resumed;
    const request = { msgId, code: '', allowStdin, signal };
    const execution = new RunningExecution(request, this.#kernel, this.#onExecutionEvent, checkpoint);
    execution.countBefore = executionCount;
    if (this.#state !== 'closed') this.#queue.addWritten(execution);
    execution.markWritten(this.#options.timings.firstLookMs);
    this.#router.replayTo(execution);
    // Closed before it could be resumed: the gateway's replay came here and will not come again.
    if (this.#state === 'closed' && !execution.isOver) execution.leave();
    if (checkpoint === undefined || checkpoint.isInterim === true) execution.input.doubt();
    if (inputRequest !== undefined) execution.input.ask(inputRequest);
    if (this.#state === 'gone') execution.finishAs('kernelGone', this.goneWhy);
    // Its process is gone, so nothing more of it will come.
    if (process !== undefined && this.process !== '' && this.process !== process)
      execution.finishAs('kernelRestarted');
    return execution;
  }

  openComm(target: string): Promise<boolean> {
    return this.#router.openComm(target);
  }

  async close(): Promise<void> {
    // Messages that arrive before the socket has closed still count.
    if (!(await this.#socket.close())) this.#queue.inFlight().forEach((execution) => execution.input.doubt());
    this.#shut('closed');
  }

  onGone(detail: string): void {
    if (this.goneWhy !== '' || this.#state === 'closed') return;
    this.goneWhy = `the kernel is gone: ${detail}`;
    this.#queue.endAll('kernelGone', detail);
    this.#emit({ kind: 'kernelGone', detail });
    this.#router.replay.drop();
    this.#shut('gone');
    void this.#socket.close();
  }

  #shut(as: 'gone' | 'closed'): void {
    this.#state = as;
    this.lifecycle.close();
    this.#queue.leave();
    this.#onClosed();
  }

  #onSocketEvent(event: ReconnectingEvent): void {
    switch (event.kind) {
      case 'frame':
        this.#receivedMs = performance.now();
        return this.#router.takeJson(event.json, event.bytes);
      case 'outage':
        return this.#queue.unfinished().forEach((execution) => execution.notify(event.status));
      case 'tooBig':
        return this.#queue.inFlight().forEach((execution) => execution.notifyLost(event));
      case 'lost':
        this.#lostMs = Date.now();
        for (const execution of this.#queue.inFlight()) execution.notifyDisconnected();
        this.lifecycle.onLost();
        return this.#emit({ kind: 'disconnected' });
      case 'reopened':
        // Without a loss we closed the one before ourselves, with what was on its way.
        if (this.#lostMs === 0) this.#queue.inFlight().forEach(({ input }) => input.doubt());
        for (const each of this.#queue.inFlight()) each.notifyReconnected(this.#lostMs || Date.now());
        if (this.#lostMs > 0) this.#emit({ kind: 'reconnected' });
        this.#lostMs = 0;
        if (this.#state === 'away') this.#state = 'open';
        return this.lifecycle.onReopened();
      case 'givenUp':
        return this.#onGivenUp(event.failure);
    }
  }

  #onGivenUp({ code, message }: GatewayError): void {
    if (code === 'kernelGone' || code === 'startFailed') return this.onGone(message);
    this.#state = 'away';
    this.#queue.endAll('gatewayAway', message);
  }

  #onLifecycleEvent(event: LifecycleEvent): void {
    switch (event.kind) {
      case 'ready':
        return this.#queue.writeNext();
      case 'mute':
        this.#state = 'away';
        return this.#queue.refuseWaiting(event.detail);
      case 'replaced':
        this.#queue.endReplaced(event.as, event.isOurs === true);
        return this.#emit({ kind: 'kernelRestarted', automatic: event.as === 'kernelDied' });
      case 'gone':
        return this.onGone(event.detail);
      case 'mayEndChanged':
        return this.#queue.inFlight().forEach((execution) => execution.planEnd());
      case 'busyElsewhere':
        return this.#queue.inFlight().forEach((execution) => execution.notifyBehindOthers());
    }
  }

  readonly #onExecutionEvent = (execution: RunningExecution, event: ExecutionEvent): void => {
    switch (event.kind) {
      case 'full':
        return this.#socket.hold(event.isFull);
      case 'silent':
        this.#queue.sendInputs();
        return void this.#lookAtSilent(execution, event.silentMs);
      case 'interruptFailed':
        return this.#socket.outage.callFailed(event.failure);
      case 'givenUp':
        return this.#queue.remove(execution);
      case 'ended':
        if (!this.#queue.finish(execution, event.hasError)) return;
        this.#router.received.end();
        if (event.as === 'exited') this.lifecycle.onExited();
        return this.#queue.writeNext();
    }
  };
}
