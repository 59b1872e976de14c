import { GatewayError } from '../errors.ts';
import type { ExecutionLine } from '../connection/execution-queue.ts';
import type { RunningExecution } from '../execution/execution.ts';
import type { KernelOutput } from '../outputs.ts';

/** What is wrong between one connection and its gateway, told to every execution that has not ended. */
export class Trouble {
  readonly #line: ExecutionLine;
  #now: (KernelOutput & { kind: 'gatewayTrouble' }) | undefined;

  constructor(line: ExecutionLine) {
    this.#line = line;
  }

  /** Nothing is heard of the kernel, since `sinceMs`. */
  cutOff(failure: GatewayError, sinceMs: number): void {
    this.#begin(failure, { sinceMs, isCutOff: true });
  }

  /** The websocket is open, but our calls fail. */
  callFailed(failure: unknown): void {
    if (failure instanceof GatewayError && this.#now?.isCutOff !== true)
      this.#begin(failure, { sinceMs: Date.now(), isCutOff: false });
  }

  callAnswered(): void {
    if (this.#now?.isCutOff === false) this.over();
  }

  /** An execution that begins in the middle of it. */
  tell(execution: RunningExecution): void {
    if (this.#now !== undefined) execution.tell(this.#now);
  }

  over(): void {
    if (this.#now === undefined) return;
    this.#now = undefined;
    for (const execution of this.#line.unfinished()) execution.tellBack();
  }

  /** Whoever waited has been given another end. */
  forget(): void {
    this.#now = undefined;
  }

  #begin(
    { code, message }: GatewayError,
    { sinceMs, isCutOff }: { sinceMs: number; isCutOff: boolean },
  ): void {
    if (this.#now?.code === code && this.#now.isCutOff === isCutOff) return;
    this.#now = {
      kind: 'gatewayTrouble',
      code,
      detail: message,
      sinceMs: this.#now?.sinceMs ?? sinceMs,
      isCutOff,
    };
    for (const execution of this.#line.unfinished()) execution.tell(this.#now);
  }
}
