import type { RunningExecution } from '../execution/execution.ts';
import type { Interrupts } from '../execution/interrupt.ts';
import type { ExecutionEndKind } from '../outputs.ts';
import {
  encodeMessage,
  executeRequest,
  inputReply,
  interruptRequest,
  isTooLong,
  type KernelMessage,
  type OutgoingMessage,
} from '../protocol/wire.ts';
import type { ReconnectingSocket } from '../socket/reconnecting-socket.ts';
import type { SocketOptions } from '../socket/upgrade.ts';
import type { Lifecycle } from './lifecycle.ts';

/** How many ended executions are remembered, so that their late output can be assigned. */
const ENDED_KEPT = 200;

/**
 * The executions of one connection: waiting, in flight (written and not ended) and recently ended. Writes one request
 * at a time and never writes one twice (protocol.md §3).
 */
export class ExecutionQueue {
  readonly #options: Pick<SocketOptions, 'kernelId' | 'sessionId' | 'mayWrite'>;
  readonly #socket: ReconnectingSocket;
  readonly #lifecycle: Lifecycle;
  readonly #interrupts: Interrupts;
  /** Kept when the websocket is lost (protocol.md §3.8, trap 16). */
  readonly #inFlight = new Map<string, RunningExecution>();
  /** By message id: whether an error was output. */
  readonly #ended = new Map<string, boolean>();
  #waiting: RunningExecution[] = [];
  #unsentInputs: OutgoingMessage[] = [];
  #isHeldByInterrupt = false;
  /** Message id of the execution that ended last. */
  lastEnded: string | undefined;

  constructor(
    options: Pick<SocketOptions, 'kernelId' | 'sessionId' | 'mayWrite'>,
    socket: ReconnectingSocket,
    lifecycle: Lifecycle,
    interrupts: Interrupts,
  ) {
    this.#options = options;
    this.#socket = socket;
    this.#lifecycle = lifecycle;
    this.#interrupts = interrupts;
  }

  add(execution: RunningExecution): void {
    this.#waiting.push(execution);
    this.writeNext();
  }

  /** Adds an execution whose request is written, by this process or an earlier one. */
  addWritten(execution: RunningExecution): void {
    this.#inFlight.set(execution.msgId, execution);
    this.#socket.setBusy(true);
  }

  /**
   * Writes the next waiting execution if the kernel is ready and none is in flight: executions that are queued in the
   * kernel would share errors and interrupts.
   */
  writeNext(): void {
    this.sendInputs();
    while (this.#isReady() && this.#inFlight.size === 0 && !this.#waitsForInterrupt()) {
      const execution = this.#waiting.shift();
      if (execution?.request === undefined) return;
      const frame = encodeMessage(
        executeRequest(this.#options.sessionId, execution.msgId, execution.request),
        new Date(),
      );
      if (isTooLong(frame)) execution.finishAs('notSent', 'longer than the 10 MiB that a gateway takes');
      else if (!this.#options.mayWrite()) execution.finishAs('writesPaused');
      else {
        this.addWritten(execution);
        this.#socket.send(frame);
        execution.markWritten();
        if (this.#lifecycle.isBusyElsewhere) execution.notifyBehindOthers();
      }
    }
  }

  #isReady(): boolean {
    return this.#lifecycle.state === 'ready' && this.#socket.isOpen;
  }

  /** An interrupt on its way to the previous execution would hit the next one. */
  #waitsForInterrupt(): boolean {
    if (this.#isHeldByInterrupt) return true;
    const underWay = this.#interrupts.underWay(this.#options.kernelId);
    if (underWay === undefined || this.#waiting.length === 0) return false;
    this.#isHeldByInterrupt = true;
    const goOn = () => {
      this.#isHeldByInterrupt = false;
      this.writeNext();
    };
    underWay.then(goOn, goOn);
    return true;
  }

  /**
   * Keeps the input while the kernel is not ready or nothing may be written. After a reconnect there may be another
   * process, which must not get it; this is known before the state is `ready`.
   */
  answerInput(request: KernelMessage | undefined, value: string): void {
    this.#unsentInputs.push(inputReply(this.#options.sessionId, request, value));
    this.sendInputs();
  }

  sendInputs(): void {
    if (!this.#isReady()) return;
    for (const input of this.#unsentInputs.splice(0)) if (!this.send(input)) this.#unsentInputs.push(input);
  }

  sendInterrupt(): boolean {
    return this.send(interruptRequest(this.#options.sessionId));
  }

  /** False if nothing may be written or no websocket is open. */
  send(message: OutgoingMessage): boolean {
    return this.#options.mayWrite() && this.#socket.send(encodeMessage(message, new Date()));
  }

  /** False if it was not in flight. */
  finish({ msgId }: RunningExecution, hasError: boolean): boolean {
    if (!this.#inFlight.delete(msgId)) return false;
    this.#ended.set(msgId, hasError);
    const [oldest] = this.#ended.keys();
    if (this.#ended.size > ENDED_KEPT && oldest !== undefined) this.#ended.delete(oldest);
    this.lastEnded = msgId;
    // A later process or input request must not get them.
    this.#unsentInputs = [];
    if (this.#inFlight.size === 0) this.#socket.setBusy(false);
    return true;
  }

  /** Removes an execution that its caller gave up before it was written. */
  remove(execution: RunningExecution): void {
    this.#waiting = this.#waiting.filter((other) => other !== execution);
    execution.finishAs('notSent', 'stopped before it was sent');
  }

  inFlight(): RunningExecution[] {
    return [...this.#inFlight.values()];
  }

  /** The execution that the kernel has begun, as far as this process or an earlier one knows. */
  begun(): RunningExecution | undefined {
    return this.inFlight().find(({ leastCount }) => leastCount !== undefined);
  }

  /** Executions that wait or are in flight. */
  unfinished(): RunningExecution[] {
    return [...this.inFlight(), ...this.#waiting];
  }

  find(msgId: string): RunningExecution | undefined {
    return this.#inFlight.get(msgId);
  }

  /** Whether an ended execution has output an error; undefined if it is unknown. */
  endedWithError(msgId: string): boolean | undefined {
    return this.#ended.get(msgId);
  }

  /** Ends executions in flight as `kind`, and waiting ones as never sent. */
  endAll(kind: ExecutionEndKind, detail?: string): void {
    this.refuseWaiting(detail);
    for (const execution of this.inFlight()) execution.finishAs(kind, detail);
  }

  /**
   * A new process has replaced the kernel's. A request that the old one had not begun may still be run by the new one,
   * so the new one is asked about it; what it does not know ended with the old one. Our own restart ends everything.
   */
  endReplaced(as: 'kernelDied' | 'kernelRestarted', isOurs: boolean): void {
    for (const execution of this.inFlight()) {
      if (execution.leastCount !== undefined || isOurs) execution.finishAs(as);
      else {
        execution.outlived = as;
        execution.ending.markGap();
      }
    }
  }

  /** Ends all waiting executions as never sent. */
  refuseWaiting(detail?: string): void {
    for (const execution of this.#waiting.splice(0)) execution.finishAs('notSent', detail);
  }

  /** Leaves those in flight for a later `resume`; those that wait can be sent anew. */
  leave(): void {
    for (const execution of this.unfinished()) execution.leave();
    this.#inFlight.clear();
    this.#waiting = [];
  }
}
