import type { RunningExecution } from '../execution/execution.ts';
import type { ExecutionEndKind } from '../outputs.ts';
import type { HeardSoFar } from './received-messages.ts';
import { Recent } from '../../recent.ts';

/** The executions of one connection: waiting, in flight (written and not ended), and those that ended lately. */
export class ExecutionLine {
  /** Survives the loss of the socket (protocol.md §3.8, trap 16). */
  readonly #inFlight = new Map<string, RunningExecution>();
  readonly #ended = new Recent<RunningExecution>(200);
  #waiting: RunningExecution[] = [];
  /** The one that ended last. */
  lastEnded: RunningExecution | undefined;

  add(execution: RunningExecution): void {
    this.#waiting.push(execution);
  }

  /** The next to be written, where none is in flight: a queue in the kernel would share errors and stops. */
  next(): RunningExecution | undefined {
    return this.#inFlight.size > 0 ? undefined : this.#waiting.shift();
  }

  begin(execution: RunningExecution): void {
    this.#inFlight.set(execution.msgId, execution);
  }

  /** False for one that never was in flight. */
  finish(execution: RunningExecution): boolean {
    if (!this.#inFlight.delete(execution.msgId)) return false;
    this.#ended.add(execution.msgId, execution);
    this.lastEnded = execution;
    return true;
  }

  remove(execution: RunningExecution): void {
    this.#waiting = this.#waiting.filter((other) => other !== execution);
  }

  inFlight(): RunningExecution[] {
    return [...this.#inFlight.values()];
  }

  /** Those waiting and those in flight. */
  unfinished(): RunningExecution[] {
    return [...this.inFlight(), ...this.#waiting];
  }

  find(msgId: string): RunningExecution | undefined {
    return this.#inFlight.get(msgId);
  }

  findEnded(msgId: string): RunningExecution | undefined {
    return this.#ended.get(msgId);
  }

  /** The kernel is on its way out (or stays after all): those in flight wait for what becomes of it. */
  hold(isHeld: boolean): void {
    for (const execution of this.inFlight()) execution.hold(isHeld);
  }

  tellBehindOthers(): void {
    for (const execution of this.inFlight()) execution.tellBehindOthers();
  }

  /** Those in flight end as `kind`; those that wait were never sent. */
  endAll(kind: ExecutionEndKind, detail: string): void {
    this.refuseWaiting(detail);
    for (const execution of this.inFlight()) execution.finishAs(kind, detail);
  }

  /** Nothing that waits will be written. */
  refuseWaiting(detail: string): void {
    const refused = this.#waiting;
    this.#waiting = [];
    for (const execution of refused) execution.finishAs('notSent', detail);
  }

  /** Those in flight are left to a later `resume`; those that wait, to be sent anew. */
  abandon(heard: HeardSoFar | undefined): void {
    for (const execution of this.unfinished()) execution.abandon(heard);
    this.#inFlight.clear();
    this.#waiting = [];
  }
}
