import { setTimeout as delay } from 'node:timers/promises';
import { GatewayError } from '../../../gateway/errors.ts';
import type { Gateway } from '../../../gateway/gateway.ts';
import { untilAborted } from '../../../gateway/until-aborted.ts';

/**
 * How long a run waits for a gateway that does not answer. A run that was not sent gives up sooner: it loses nothing, and its
 * author should soon learn that nothing ran. Both are enough for a restart of the gateway.
 */
const SENT_TIMEOUT_MS = 5 * 60_000;
const UNSENT_TIMEOUT_MS = 20_000;
const PROBE_EVERY_MS = 1_000;
/** If an outage was not noticed for this long, the next one counts as a new outage. */
const STALE_MS = 30_000;

export interface Waiting {
  /** The kernel may have a request of this run, so giving up loses its output. */
  isSent: boolean;
  /** The failed call may be repeated even if the gateway answered meanwhile, because it starts nothing. */
  isHarmless: boolean;
  /** When the run began to wait, by `performance.now()`. */
  sinceMs: number;
  /** The kernel to ask the gateway about. Any answer proves that the gateway is there. */
  kernelId: string;
  signal: AbortSignal;
  onAway: (failure: GatewayError) => void;
}

const SYSTEM_CLOCK = {
  now: () => performance.now(),
  delay: (ms: number): Promise<void> => delay(ms, undefined, { ref: false }),
};

/**
 * Waits for a gateway that does not answer, with one probe a second for all waiting runs. The time counts from the first
 * failure of any run, so that the runs of a long queue do not wait one after the other.
 */
export class GatewayOutageWait {
  readonly #gateway: Pick<Gateway, 'findKernel'>;
  readonly #clock: typeof SYSTEM_CLOCK;
  #outage: { sinceMs: number; seenMs: number } | undefined;
  #probing: Promise<GatewayError | undefined> | undefined;
  #nextProbe: Promise<GatewayError | undefined> | undefined;

  constructor(gateway: Pick<Gateway, 'findKernel'>, clock = SYSTEM_CLOCK) {
    this.#gateway = gateway;
    this.#clock = clock;
  }

  /** Waits, and resolves with true if the failed call should be repeated now. Rejects if `signal` is aborted. */
  async isWorthRetry(failure: GatewayError, waiting: Waiting): Promise<boolean> {
    const { isSent, isHarmless, sinceMs, kernelId, signal, onAway } = waiting;
    if (!isOutage(failure, isSent)) return false;
    // The gateway answers, so only that one call failed.
    if (!isHarmless && (await untilAborted(this.#probe(kernelId), signal)) === undefined) return false;
    const until = Math.min(this.#noteOutage(), sinceMs) + (isSent ? SENT_TIMEOUT_MS : UNSENT_TIMEOUT_MS);
    let last = failure;
    while (this.#clock.now() < until) {
      onAway(last);
      const found = await untilAborted(this.#probeSoon(kernelId), signal);
      if (found === undefined || !isOutage(found, isSent)) return true;
      last = found;
    }
    return false;
  }

  /** Notes that the gateway did not answer. Returns when the outage began. */
  #noteOutage(): number {
    const now = this.#clock.now();
    const isStale = this.#outage === undefined || now - this.#outage.seenMs > STALE_MS;
    this.#outage = { sinceMs: isStale ? now : (this.#outage?.sinceMs ?? now), seenMs: now };
    return this.#outage.sinceMs;
  }

  #probeSoon(kernelId: string): Promise<GatewayError | undefined> {
    this.#nextProbe ??= this.#clock
      .delay(PROBE_EVERY_MS)
      .then(() => this.#probe(kernelId))
      .finally(() => (this.#nextProbe = undefined));
    return this.#nextProbe;
  }

  #probe(kernelId: string): Promise<GatewayError | undefined> {
    this.#probing ??= this.#ask(kernelId).finally(() => (this.#probing = undefined));
    return this.#probing;
  }

  async #ask(kernelId: string): Promise<GatewayError | undefined> {
    try {
      await this.#gateway.findKernel(kernelId);
      this.#outage = undefined;
      return undefined;
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      this.#noteOutage();
      return error;
    }
  }
}

/** An operator may correct a refusal while a run goes on. A run that was not sent is better refused at once. */
function isOutage({ code }: GatewayError, isSent: boolean): boolean {
  switch (code) {
    case 'unreachable':
    case 'noCredentials':
      return true;
    case 'unauthorized':
    case 'untrusted':
    case 'badAnswer':
    case 'serverStopped':
      return isSent;
    case 'refused':
    case 'kernelGone':
    case 'startFailed':
    case 'writesPaused':
      return false;
  }
}
