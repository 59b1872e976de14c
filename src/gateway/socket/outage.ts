import { GatewayError } from '../errors.ts';
import type { Status } from '../outputs.ts';

/** The outage between one connection and its gateway, of which every unfinished execution is notified. */
export class Outage {
  readonly #notifyAll: (status: Status) => void;
  current: (Status & { kind: 'outage' }) | undefined;

  constructor(notifyAll: (status: Status) => void) {
    this.#notifyAll = notifyAll;
  }

  /** Nothing arrives from the kernel. */
  cutOff(failure: GatewayError): void {
    this.#begin(failure, true);
  }

  /** The websocket is open, but our calls fail. */
  callFailed(failure: unknown): void {
    if (failure instanceof GatewayError && this.current?.isCutOff !== true) this.#begin(failure, false);
  }

  callAnswered(): void {
    if (this.current?.isCutOff === false) this.over();
  }

  over(): void {
    if (this.current === undefined) return;
    this.current = undefined;
    this.#notifyAll({ kind: 'outageOver' });
  }

  /** The executions that were notified have ended. */
  forget(): void {
    this.current = undefined;
  }

  #begin({ code, message }: GatewayError, isCutOff: boolean): void {
    if (this.current?.code === code && this.current.isCutOff === isCutOff) return;
    this.current = { kind: 'outage', code, detail: message, isCutOff };
    this.#notifyAll(this.current);
  }
}

/**
 * Follows the attempts to reach a lost gateway and reports each failed one as an outage: a refusal at once, no answer
 * after `outageMs`.
 */
export class OutageWatch {
  readonly #outageMs: number;
  readonly #onOutage: (failure: GatewayError) => void;
  #last = new GatewayError('unreachable', 'The gateway gives no answer');
  #isLong = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(outageMs: number, onOutage: (failure: GatewayError) => void) {
    this.#outageMs = outageMs;
    this.#onOutage = onOutage;
    this.answered();
  }

  /** An attempt failed. That this process may write nothing is no outage of the gateway. */
  failed(failure: unknown): void {
    if (!(failure instanceof GatewayError) || failure.code === 'writesPaused') return;
    this.#last = failure;
    this.#notify();
  }

  /** The gateway answers; only the kernel is still being waited for. */
  answered(): void {
    this.end();
    this.#isLong = false;
    this.#timer = setTimeout(() => {
      this.#isLong = true;
      this.#notify();
    }, this.#outageMs);
  }

  end(): void {
    clearTimeout(this.#timer);
  }

  #notify(): void {
    if (this.#last.code !== 'unreachable' || this.#isLong) this.#onOutage(this.#last);
  }
}
