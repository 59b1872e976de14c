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

/** The ended executions whose late output is still known for theirs. */
const ENDED_KEPT = 200;

/**
 * The executions of one connection: waiting, in flight (written and not ended), and those that ended lately; and what is
 * written for them, one request at a time and never twice (protocol.md §3).
 */
export class ExecutionQueue {
  readonly #kernelId: string;
  readonly #sessionId: string;
  readonly #socket: ReconnectingSocket;
  readonly #lifecycle: Lifecycle;
  readonly #interrupts: Interrupts;
  readonly #mayWrite: () => boolean;
  /** Survives the loss of the websocket (protocol.md §3.8, trap 16). */
  readonly #inFlight = new Map<string, RunningExecution>();
  /** By message id: whether an error was given out. */
  readonly #ended = new Map<string, boolean>();
  #waiting: RunningExecution[] = [];
  #unsentInputs: OutgoingMessage[] = [];
  #isHeldByInterrupt = false;
  /** The id of the one that ended last. */
  lastEnded: string | undefined;

  constructor(
    { kernelId, sessionId, mayWrite }: Pick<SocketOptions, 'kernelId' | 'sessionId' | 'mayWrite'>,
    socket: ReconnectingSocket,
    lifecycle: Lifecycle,
    interrupts: Interrupts,
  ) {
    this.#kernelId = kernelId;
    this.#sessionId = sessionId;
    this.#socket = socket;
    this.#lifecycle = lifecycle;
    this.#interrupts = interrupts;
    this.#mayWrite = mayWrite;
  }

  add(execution: RunningExecution): void {
    this.#waiting.push(execution);
    this.writeNext();
  }

  /** One that an earlier process wrote. */
  addWritten(execution: RunningExecution): void {
    this.#inFlight.set(execution.msgId, execution);
    this.#socket.setBusy(true);
  }

  /**
   * Writes the next execution that waits, where the kernel takes one and none is in flight: executions in a queue of the
   * kernel's would share errors and stops.
   */
  writeNext(): void {
    this.sendInputs();
    while (this.#isReady() && this.#inFlight.size === 0 && !this.#waitsForInterrupt()) {
      const execution = this.#waiting.shift();
      if (execution?.request === undefined) return;
      const frame = encodeMessage(
        executeRequest(this.#sessionId, execution.msgId, execution.request),
        new Date(),
      );
      if (isTooLong(frame)) execution.finishAs('notSent', 'longer than the 10 MiB that a gateway takes');
      else if (!this.#mayWrite())
        execution.finishAs('notSent', 'this process may send nothing at the moment');
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

  /** A signal that is still on its way to the execution before would interrupt the next one. */
  #waitsForInterrupt(): boolean {
    if (this.#isHeldByInterrupt) return true;
    const underWay = this.#interrupts.underWay(this.#kernelId);
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
   * The line is kept while the kernel is not ready or nothing may be written: the kernel waits for it. After a reconnect
   * another process may be there, which must not get it; that shows before it is ready.
   */
  answerInput(request: KernelMessage | undefined, value: string): void {
    this.#unsentInputs.push(inputReply(this.#sessionId, request, value));
    this.sendInputs();
  }

  sendInputs(): void {
    if (!this.#isReady()) return;
    for (const input of this.#unsentInputs.splice(0)) if (!this.send(input)) this.#unsentInputs.push(input);
  }

  sendInterrupt(): boolean {
    return this.send(interruptRequest(this.#sessionId));
  }

  /** False when nothing may be written, or no websocket is open. */
  send(message: OutgoingMessage): boolean {
    return this.#mayWrite() && this.#socket.send(encodeMessage(message, new Date()));
  }

  /** False for one that never was in flight. */
  finish({ msgId }: RunningExecution, hasError: boolean): boolean {
    if (!this.#inFlight.delete(msgId)) return false;
    this.#ended.set(msgId, hasError);
    const [oldest] = this.#ended.keys();
    if (this.#ended.size > ENDED_KEPT && oldest !== undefined) this.#ended.delete(oldest);
    this.lastEnded = msgId;
    // Another process, or another question, would take a line for its own.
    this.#unsentInputs = [];
    if (this.#inFlight.size === 0) this.#socket.setBusy(false);
    return true;
  }

  /** Its caller gave it up before it was written. */
  remove(execution: RunningExecution): void {
    this.#waiting = this.#waiting.filter((other) => other !== execution);
    execution.finishAs('notSent', 'stopped before it was sent');
  }

  inFlight(): RunningExecution[] {
    return [...this.#inFlight.values()];
  }

  /** The one that the kernel has begun, as far as this process or an earlier one knows. */
  begun(): RunningExecution | undefined {
    return this.inFlight().find(({ leastCount }) => leastCount !== undefined);
  }

  /** Those waiting and those in flight. */
  unfinished(): RunningExecution[] {
    return [...this.inFlight(), ...this.#waiting];
  }

  find(msgId: string): RunningExecution | undefined {
    return this.#inFlight.get(msgId);
  }

  /** Whether an ended one has given out an error; undefined for one that is not known. */
  endedWithError(msgId: string): boolean | undefined {
    return this.#ended.get(msgId);
  }

  /** Those in flight end as `kind`; those that wait were never sent. */
  endAll(kind: ExecutionEndKind, detail?: string): void {
    this.refuseWaiting(detail);
    for (const execution of this.inFlight()) execution.finishAs(kind, detail);
  }

  /**
   * Another process is there. After a death (`automatic`) what the kernel had not begun may still lie before the next
   * process, which then runs it, so that one is asked (what it has not, died with the first); a restart that somebody
   * asked for ends everything.
   */
  endReplaced({ as: kind, automatic }: { as: ExecutionEndKind; automatic: boolean }): void {
    for (const execution of this.inFlight()) {
      if (execution.leastCount !== undefined || !automatic) execution.finishAs(kind);
      else {
        execution.outlivedProcess = true;
        execution.ending.markGap();
      }
    }
  }

  /** Nothing that waits will be written. */
  refuseWaiting(detail?: string): void {
    for (const execution of this.#waiting.splice(0)) execution.finishAs('notSent', detail);
  }

  /** Those in flight are left to a later `resume`; those that wait, to be sent anew. */
  leave(): void {
    for (const execution of this.unfinished()) execution.leave();
    this.#inFlight.clear();
    this.#waiting = [];
  }
}
