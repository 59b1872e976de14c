import { GatewayError } from '../errors.ts';
import type { Status } from '../outputs.ts';

/** What is wrong between one connection and its gateway, told to every execution that has not ended. */
export class Outage {
  readonly #notifyAll: (status: Status) => void;
  /** For an execution that begins in the middle of it. */
  current: (Status & { kind: 'outage' }) | undefined;

  constructor(notifyAll: (status: Status) => void) {
    this.#notifyAll = notifyAll;
  }

  /** Nothing of the kernel is received. */
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

  /** The executions that were told of it have ended. */
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
 * Watches the attempts to reach a gateway that was lost, and tells that it is away: a refusal at once, silence after
 * `outageMs`; again only when the kind changes.
 */
export class OutageWatch {
  readonly #outageMs: number;
  readonly #onOutage: (failure: GatewayError) => void;
  #last = new GatewayError('unreachable', 'The gateway gives no answer');
  #told: GatewayError['code'] | undefined;
  #isLong = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(outageMs: number, onOutage: (failure: GatewayError) => void) {
    this.#outageMs = outageMs;
    this.#onOutage = onOutage;
    this.answered();
  }

  /** An attempt failed. */
  failed(failure: unknown): void {
    if (!(failure instanceof GatewayError)) return;
    this.#last = failure;
    this.#notify();
  }

  /** The gateway is there; what is waited for is the kernel. */
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
    const { code } = this.#last;
    if (this.#told === code || (code === 'unreachable' && !this.#isLong)) return;
    this.#told = code;
    this.#onOutage(this.#last);
  }
}
