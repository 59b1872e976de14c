import type { GatewayError } from '../errors.ts';
import type { Log } from '../log.ts';
import { EventLine } from './event-line.ts';
import { ExecutionLine } from './execution-line.ts';
import { type ExecutionHost, RunningExecution } from './execution.ts';
import type { ConnectionEvent, ExecuteRequest, Execution, KernelConnection, KernelInfo } from './gateway.ts';
import type { Interrupts } from './interrupts.ts';
import { HeardMessages } from './heard-messages.ts';
import { KernelGreeting } from './kernel-greeting.ts';
import { KernelLife, type KernelLifeHost, type ReplacedKind } from './kernel-life.ts';
import { type KeptLink, type KeptLinkListener, openKeptLink } from './kept-link.ts';
import { isBusy, readLifeSign } from './life-signs.ts';
import type { LinkOptions } from './link.ts';
import { isLateTalker, isStrictlyOrdered, readOutput, unknownKernelInfo } from './messages.ts';
import { executeRequest, inputReply, interruptRequest } from './requests.ts';
import type { Rest } from './rest.ts';
import { type SilenceHost, openSilenceWatch } from './silence-watch.ts';
import type { GatewayTimings } from './timings.ts';
import { Unclaimed } from './unclaimed.ts';
import { encodeMessage, isTooLong, type KernelMessage, type OutgoingMessage } from './wire.ts';

export interface ConnectionOptions extends LinkOptions {
  rest: Rest;
  interrupts: Interrupts;
  log: Log;
  launchTimeoutMs: number;
  /** Started by us and not connected to before. */
  isFresh: boolean;
  onClosed: () => void;
}

/**
 * The one websocket to one kernel as executions see it: who gets which message, and what the loss of the socket or of
 * the kernel means for them. Requests are written one at a time and never twice (protocol.md §3).
 */
export class OpenConnection
  implements KernelConnection, ExecutionHost, KernelLifeHost, KeptLinkListener, SilenceHost
{
  readonly kernelId: string;
  readonly sessionId: string;
  readonly timings: GatewayTimings;
  readonly rest: Rest;
  readonly launchTimeoutMs: number;
  readonly greeting: KernelGreeting;
  readonly life: KernelLife;
  kernelInfo: KernelInfo = unknownKernelInfo;
  readonly #options: ConnectionOptions;
  readonly #link: KeptLink;
  readonly #unclaimed = new Unclaimed((isFull) => this.onFull(isFull));
  readonly #silence = openSilenceWatch(this);
  readonly #line = new ExecutionLine();
  readonly #heard = new HeardMessages();
  readonly #events = new EventLine<ConnectionEvent>();
  readonly #unsentInputs: OutgoingMessage[] = [];
  #fullCount = 0;
  #lostMs = 0;
  #isAway = false;
  #closedWhy: string | undefined;

  constructor(options: ConnectionOptions) {
    this.kernelId = options.kernelId;
    this.sessionId = options.sessionId;
    this.timings = options.timings;
    this.rest = options.rest;
    this.launchTimeoutMs = options.launchTimeoutMs;
    this.#options = options;
    this.greeting = new KernelGreeting(options.sessionId, (message) => void this.#send(message));
    this.life = new KernelLife(this, options.isFresh);
    this.#link = openKeptLink(options, this);
  }

  /** The first opening: the websocket is open and the kernel has answered, or is at work. */
  async open(signal: AbortSignal): Promise<void> {
    await this.#link.open(signal);
    await this.life.greet(signal);
    this.#unclaimed.dropIn(this.timings.unclaimedMs);
  }

  execute(request: ExecuteRequest): Execution {
    const execution = new RunningExecution(request, this);
    this.#unclaimed.drop();
    if (this.#closedWhy !== undefined) execution.finishAs('notSent', this.#closedWhy);
    else if (request.signal?.aborted === true) execution.finishAs('notSent', 'stopped before it was sent');
    else {
      this.#line.add(execution);
      if (this.#isAway) this.reopenLink();
      this.#writeNext();
    }
    return execution;
  }

  resume({ msgId, signal }: Pick<ExecuteRequest, 'msgId' | 'signal'>): Execution {
    const request = { msgId, code: '', allowStdin: false, ...(signal === undefined ? {} : { signal }) };
    const execution = new RunningExecution(request, this);
    const replayed = this.#unclaimed.claim(msgId);
    // A replay that begins with the beginning lacks nothing; any other may.
    if (replayed[0] === undefined || !isBusy(replayed[0])) execution.markGap();
    this.#line.begin(execution);
    this.#link.setBusy(true);
    execution.markWritten(this.timings.firstLookMs);
    for (const message of replayed) this.#deliver(execution, message);
    if (this.#closedWhy !== undefined) execution.finishAs('kernelGone', this.#closedWhy);
    return execution;
  }

  onEvent(listener: (event: ConnectionEvent) => void): () => void {
    return this.#events.listen(listener);
  }

  async close(): Promise<void> {
    this.#shut('the connection was closed');
    await this.#link.close();
  }

  // — from the link —

  onMessage(message: KernelMessage): void {
    if (!this.#heard.isNew(message.msgId)) return;
    const execution = this.#line.find(message.parentId);
    if (execution !== undefined) return this.#deliver(execution, message);
    this.#heard.countOther(message.msgId);
    const ended = this.#line.findEnded(message.parentId);
    if (ended !== undefined) return this.#takeLate(ended, message);
    if (this.greeting.take(message)) return;
    if (message.parentType === 'execute_request' && message.parentSession === this.sessionId) {
      return this.#unclaimed.add(message);
    }
    const sign = readLifeSign(message);
    if (sign !== undefined) this.life.take(sign, message.session);
  }

  onTooBig(): void {
    for (const execution of this.#line.inFlight()) execution.tellTooBig();
  }

  onLost(): void {
    this.#lostMs = Date.now();
    this.greeting.forget();
    this.life.onLost();
    for (const execution of this.#line.inFlight()) execution.tellDisconnected(this.#lostMs);
    this.#events.emit({ kind: 'disconnected' });
  }

  onReopened(): void {
    for (const execution of this.#line.inFlight()) execution.tellReconnected(this.#lostMs);
    if (this.#lostMs > 0) this.#events.emit({ kind: 'reconnected' });
    this.#lostMs = 0;
    this.#isAway = false;
    for (const input of this.#unsentInputs.splice(0)) this.#send(input);
    this.life.onReopened();
  }

  onGivenUp(failure: GatewayError): void {
    if (failure.code === 'kernelGone' || failure.code === 'startFailed') return this.onGone(failure.message);
    this.#isAway = true;
    this.#line.endAll('gatewayAway', failure.message);
  }

  // — from the kernel's life —

  get isReplayWaiting(): boolean {
    return this.#unclaimed.isFull;
  }

  reopenLink(): void {
    this.#isAway = false;
    this.greeting.forget();
    this.#link.reopen();
  }

  onReady(info: KernelInfo | undefined): void {
    if (info !== undefined) this.kernelInfo = info;
    this.#writeNext();
  }

  onMute(detail: string): void {
    this.#isAway = true;
    this.#line.refuseWaiting(detail);
  }

  onHold(isHeld: boolean): void {
    for (const execution of this.#line.inFlight()) execution.hold(isHeld);
  }

  onBusyElsewhere(): void {
    for (const execution of this.#line.inFlight()) execution.tellBehindOthers();
  }

  onReplaced(kind: ReplacedKind, event: ConnectionEvent): void {
    for (const execution of this.#line.inFlight()) execution.finishAs(kind);
    this.#events.emit(event);
  }

  onGone(detail: string): void {
    if (this.#closedWhy !== undefined) return;
    this.#line.endAll('kernelGone', detail);
    this.#events.emit({ kind: 'kernelGone', detail });
    this.#shut(`the kernel is gone: ${detail}`);
    void this.#link.close();
  }

  // — from executions —

  get isLateTalker(): boolean {
    return isLateTalker(this.kernelInfo);
  }

  get canProveEnd(): boolean {
    return isStrictlyOrdered(this.kernelInfo);
  }

  get isWhole(): boolean {
    return this.#heard.isWhole;
  }

  get isConnected(): boolean {
    return this.#link.isOpen;
  }

  onFull(isFull: boolean): void {
    this.#fullCount += isFull ? 1 : -1;
    this.#link.setPaused(this.#fullCount > 0);
  }

  answerInput(request: KernelMessage, value: string): void {
    const reply = inputReply(this.sessionId, request, value);
    if (!this.#send(reply)) this.#unsentInputs.push(reply);
  }

  interrupt(isWanted: () => boolean, onSend: () => void): void {
    const sendMessage = () => this.#send(interruptRequest(this.sessionId));
    this.#options.interrupts.interrupt({ kernelId: this.kernelId, isWanted, onSend, sendMessage });
  }

  onGivenUpByCaller(execution: RunningExecution): void {
    this.#line.remove(execution);
    execution.finishAs('notSent', 'stopped before it was sent');
  }

  onSilence(execution: RunningExecution, silentMs: number): void {
    void this.#silence.look(execution, silentMs);
  }

  onEnded(execution: RunningExecution, kind: string): void {
    if (!this.#line.finish(execution)) return;
    if (this.#line.inFlight().length === 0) this.#link.setBusy(false);
    if (kind === 'exited') this.life.onExited();
    this.#writeNext();
  }

  #writeNext(): void {
    while (this.life.isReady && this.#link.isOpen) {
      const execution = this.#line.next();
      if (execution === undefined) return;
      const frame = encodeMessage(
        executeRequest(this.sessionId, execution.msgId, execution.request),
        new Date(),
      );
      if (isTooLong(frame)) {
        execution.finishAs('notSent', 'longer than the 10 MiB that a gateway takes');
        continue;
      }
      this.#line.begin(execution);
      this.#link.setBusy(true);
      this.#link.send(frame);
      execution.markWritten();
      if (this.life.isBusyElsewhere) execution.tellBehindOthers();
    }
  }

  #deliver(execution: RunningExecution, message: KernelMessage): void {
    if (!execution.state.started && isBusy(message)) this.#heard.begin(message.msgId);
    else this.#heard.countOwn(message.msgId);
    execution.take(message);
  }

  #send(message: OutgoingMessage): boolean {
    return this.#link.send(encodeMessage(message, new Date()));
  }

  #takeLate(execution: RunningExecution, message: KernelMessage): void {
    // A thread that asks after the end would block its kernel for ever.
    if (message.type === 'input_request') return this.answerInput(message, '');
    const output = readOutput(message);
    if (output === undefined || (output.kind === 'error' && execution.hasToldError)) return;
    this.#events.emit({ kind: 'lateOutput', msgId: execution.msgId, output });
  }

  #shut(why: string): void {
    if (this.#closedWhy !== undefined) return;
    this.#closedWhy = why;
    this.#unclaimed.drop();
    this.life.close();
    this.#line.abandon();
    this.#line.refuseWaiting(why);
    this.#options.onClosed();
  }
}
