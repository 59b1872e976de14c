import { GatewayError } from '../errors.ts';
import type { Status } from '../outputs.ts';

/** The outage between one connection and its gateway, of which every unfinished execution is notified. */
export class Outage {
  readonly #notifyAll: (status: Status) => void;
  /** For executions that begin during the outage. */
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
 * Follows the attempts to reach a lost gateway and reports the outage: a refusal at once, no answer after `outageMs`,
 * and again only if the error code changes.
 */
export function createOutageWatch(outageMs: number, onOutage: (failure: GatewayError) => void) {
  let last = new GatewayError('unreachable', 'The gateway gives no answer');
  let told: GatewayError['code'] | undefined;
  let isLong = false;
  let timer: NodeJS.Timeout | undefined;
  /** The gateway answers; only the kernel is still being waited for. */
  const answered = (): void => {
    end();
    isLong = false;
    timer = setTimeout(() => {
      isLong = true;
      notify();
    }, outageMs);
  };
  const end = (): void => clearTimeout(timer);
  const notify = (): void => {
    const { code } = last;
    if (told === code || (code === 'unreachable' && !isLong)) return;
    told = code;
    onOutage(last);
  };
  answered();
  return {
    /** An attempt failed. That this process may write nothing is no outage of the gateway. */
    failed(failure: unknown): void {
      if (!(failure instanceof GatewayError) || failure.code === 'writesPaused') return;
      last = failure;
      notify();
    },
    answered,
    end,
  };
}
