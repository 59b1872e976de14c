import type { GatewayError } from '../errors.ts';
import type { Log } from '../../log.ts';
import { Deafness } from './stale-socket.ts';
import { EventLine } from './event-queue.ts';
import { ExecutionLine } from './execution-queue.ts';
import { type ExecutionHost, RunningExecution } from '../execution/execution.ts';
import type {
  ConnectionEvent,
  ExecuteRequest,
  Execution,
  KernelConnection,
  KernelInfo,
  LeftExecution,
  ResumeRequest,
} from '../gateway.ts';
import { type IncomingHost, IncomingMessages } from './router.ts';
import type { Interrupts, WantedStop } from '../execution/interrupts.ts';
import { KernelGreeting } from './readiness.ts';
import { KernelLife, type KernelLifeHost, type ReplacedKind } from './lifecycle.ts';
import { type KeptLink, type KeptLinkListener, openKeptLink } from '../socket/reconnecting-socket.ts';
import type { LinkOptions } from '../socket/websocket.ts';
import { dropsSpareLines, isLateTalker, isStrictlyOrdered, unknownKernelInfo } from '../protocol/messages.ts';
import { type OutgoingHost, OutgoingRequests } from './outgoing-requests.ts';
import type { KernelOutput } from '../outputs.ts';
import type { Rest } from '../http/kernels-api.ts';
import { type SilenceHost, openSilenceWatch } from '../execution/silence.ts';
import type { GatewayTimings } from '../timings.ts';
import { Trouble } from '../socket/outage.ts';
import type { KernelMessage } from '../protocol/wire.ts';

export interface ConnectionOptions extends LinkOptions {
  rest: Rest;
  interrupts: Interrupts;
  log: Log;
  launchTimeoutMs: number;
  /** Started by us and not connected to before. */
  isFresh: boolean;
  left: LeftExecution | undefined;
  onClosed: () => void;
}

/**
 * The one websocket to one kernel as executions see it: what the loss of the socket or of the kernel means for them.
 * Who gets which message is in incoming-messages.ts, what is written when in outgoing-requests.ts.
 */
export class OpenConnection
  implements
    KernelConnection,
    ExecutionHost,
    KernelLifeHost,
    KeptLinkListener,
    SilenceHost,
    IncomingHost,
    OutgoingHost
{
  readonly kernelId: string;
  readonly sessionId: string;
  readonly timings: GatewayTimings;
  readonly rest: Rest;
  readonly launchTimeoutMs: number;
  readonly greeting: KernelGreeting;
  readonly life: KernelLife;
  readonly deafness: Deafness;
  readonly line = new ExecutionLine();
  readonly trouble = new Trouble(this.line);
  kernelInfo: KernelInfo = unknownKernelInfo;
  readonly #options: ConnectionOptions;
  readonly #link: KeptLink;
  readonly #incoming: IncomingMessages;
  readonly #outgoing: OutgoingRequests;
  readonly #silence = openSilenceWatch(this);
  readonly #events = new EventLine<ConnectionEvent>();
  #fullCount = 0;
  #heardMs = 0;
  #lostMs = 0;
  #isAway = false;
  #isClosed = false;
  #goneWhy: string | undefined;

  constructor(options: ConnectionOptions) {
    this.kernelId = options.kernelId;
    this.sessionId = options.sessionId;
    this.timings = options.timings;
    this.rest = options.rest;
    this.launchTimeoutMs = options.launchTimeoutMs;
    this.#options = options;
    this.greeting = new KernelGreeting(options.sessionId, (message) => void this.#outgoing.send(message));
    this.life = new KernelLife(this, options.isFresh);
    this.#incoming = new IncomingMessages(this, options.left?.heard);
    this.#link = openKeptLink(options, this);
    this.#outgoing = new OutgoingRequests(this, this.#link);
    this.deafness = new Deafness(this.timings, this.greeting, this.#link);
  }

  /** The first opening: the websocket is open and the kernel has answered, or is at work. */
  async open(signal: AbortSignal): Promise<void> {
    await this.#link.open(signal);
    await this.life.greet(signal);
    this.#incoming.dropReplayLater();
  }

  execute(request: ExecuteRequest): Execution {
    const execution = new RunningExecution(request, this);
    this.#incoming.dropReplay();
    if (this.#isClosed) execution.abandon(undefined);
    else if (this.#goneWhy !== undefined) execution.finishAs('notSent', this.#goneWhy);
    else if (request.signal?.aborted === true) execution.finishAs('notSent', 'stopped before it was sent');
    else {
      this.line.add(execution);
      if (this.#isAway) this.reopenLink();
      this.trouble.tell(execution);
      this.#outgoing.writeNext();
    }
    return execution;
  }

  async isThere(signal: AbortSignal): Promise<boolean> {
    const wasHeard = performance.now() - this.#heardMs < this.timings.heardMs;
    // The gateway may have been restarted, and its kernels with it.
    if (!this.isConnected && this.#goneWhy === undefined) await this.life.look(signal);
    else if (!wasHeard || this.life.isLeaving) await this.life.look(signal).catch(() => undefined);
    return this.#goneWhy === undefined;
  }

  get process(): string {
    // What is written while it is not ready meets whatever process comes.
    return this.life.isReady ? this.greeting.processSession : '';
  }

  resume({ msgId, code = '', allowStdin = false, signal, left, asked, process }: ResumeRequest): Execution {
    const request = { msgId, code, allowStdin, ...(signal === undefined ? {} : { signal }) };
    const execution = new RunningExecution(request, this, left);
    if (this.#isClosed) return this.#leaveAgain(execution);
    this.line.begin(execution);
    this.#link.setBusy(true);
    execution.markWritten(this.timings.firstLookMs);
    this.#incoming.replayTo(execution);
    if (left === undefined) execution.tellTakenUp();
    if (asked !== undefined) execution.askAgain(asked);
    if (this.#goneWhy !== undefined) execution.finishAs('kernelGone', this.#goneWhy);
    // Nothing more of it comes: that process is not there any more.
    const isReplaced = process !== undefined && this.process !== '' && this.process !== process;
    if (isReplaced) execution.finishAs('kernelRestarted');
    return execution;
  }

  /** Closed before it could be resumed: the gateway's replay came here, and does not come a second time. */
  #leaveAgain(execution: RunningExecution): Execution {
    execution.markWritten();
    this.#incoming.replayTo(execution);
    if (!execution.isEnded) execution.abandon(this.#incoming.heardSoFar);
    return execution;
  }

  onEvent(listener: (event: ConnectionEvent) => void): () => void {
    return this.#events.listen(listener);
  }

  async close(): Promise<void> {
    // What comes until then still counts.
    await this.#link.close();
    this.#isClosed = true;
    this.#shut();
  }

  // — from the link —

  onMessage(message: KernelMessage): void {
    this.#heardMs = performance.now();
    this.#incoming.take(message);
  }

  onTooBig(): void {
    for (const execution of this.line.inFlight()) execution.tellTooBig();
  }

  onLost(): void {
    this.#lostMs = Date.now();
    this.greeting.forget();
    this.life.onLost();
    for (const execution of this.line.inFlight()) execution.tellDisconnected(this.#lostMs);
    this.#events.emit({ kind: 'disconnected' });
  }

  onReopened(): void {
    for (const execution of this.line.inFlight()) execution.tellReconnected(this.#lostMs);
    if (this.#lostMs > 0) this.#events.emit({ kind: 'reconnected' });
    this.#lostMs = 0;
    this.#isAway = false;
    this.#outgoing.sendInputs();
    this.life.onReopened();
  }

  onGivenUp(failure: GatewayError): void {
    if (failure.code === 'kernelGone' || failure.code === 'startFailed') return this.onGone(failure.message);
    this.#isAway = true;
    this.line.endAll('gatewayAway', failure.message);
  }

  // — from the kernel's life —

  get isReplayWaiting(): boolean {
    return this.#incoming.isReplayWaiting;
  }

  reopenLink(): void {
    this.#isAway = false;
    this.greeting.forget();
    this.#link.reopen();
  }

  onReady(info: KernelInfo | undefined): void {
    if (info !== undefined) this.kernelInfo = info;
    this.#outgoing.writeNext();
  }

  onMute(detail: string): void {
    this.#isAway = true;
    this.line.refuseWaiting(detail);
  }

  onReplaced(kind: ReplacedKind, event: ConnectionEvent): void {
    for (const execution of this.line.inFlight()) execution.finishAs(kind);
    this.#events.emit(event);
  }

  onGone(detail: string): void {
    if (this.#isClosed || this.#goneWhy !== undefined) return;
    this.line.endAll('kernelGone', detail);
    this.#events.emit({ kind: 'kernelGone', detail });
    this.#goneWhy = `the kernel is gone: ${detail}`;
    this.#incoming.dropReplay();
    this.#shut();
    void this.#link.close();
  }

  // — from incoming messages and executions —

  onLateOutput(msgId: string, output: KernelOutput): void {
    this.#events.emit({ kind: 'lateOutput', msgId, output });
  }

  get isLateTalker(): boolean {
    return isLateTalker(this.kernelInfo);
  }

  get canProveEnd(): boolean {
    return isStrictlyOrdered(this.kernelInfo);
  }

  get dropsSpareLines(): boolean {
    return dropsSpareLines(this.kernelInfo);
  }

  get isWhole(): boolean {
    return this.#incoming.isWhole;
  }

  get isConnected(): boolean {
    return this.#link.isOpen;
  }

  onFull(isFull: boolean): void {
    this.#fullCount += isFull ? 1 : -1;
    this.#link.setPaused(this.#fullCount > 0);
  }

  answerInput(request: KernelMessage | undefined, value: string): void {
    this.#outgoing.answerInput(request, value);
  }

  interrupt(stop: WantedStop): void {
    const sendMessage = () => this.#outgoing.sendInterrupt();
    this.#options.interrupts.interrupt({ ...stop, kernelId: this.kernelId, sendMessage });
  }

  isSteady(): Promise<boolean> {
    return this.life.isSteady();
  }

  onGivenUpByCaller(execution: RunningExecution): void {
    this.line.remove(execution);
    execution.finishAs('notSent', 'stopped before it was sent');
  }

  onSilence(execution: RunningExecution, silentMs: number): void {
    void this.#silence.look(execution, silentMs);
  }

  onEnded(execution: RunningExecution, kind: string): void {
    if (!this.line.finish(execution)) return;
    if (this.line.inFlight().length === 0) this.#link.setBusy(false);
    if (kind === 'exited') this.life.onExited();
    this.#outgoing.writeNext();
  }

  #shut(): void {
    this.life.close();
    this.line.abandon(this.#incoming.heardSoFar);
    this.#options.onClosed();
  }
}
