import { setTimeout as delay } from 'node:timers/promises';
import { GatewayError } from '../../../gateway/errors.ts';
import type { Gateway } from '../../../gateway/gateway.ts';
import { untilAborted } from '../../../gateway/until-aborted.ts';

/**
 * How long a gateway is waited for by a run that the kernel may have, and by one that it has not got: that one loses
 * nothing by an end, and its author reads sooner that nothing ran. A gateway that is only restarted is back by then.
 */
const SENT_TIMEOUT_MS = 5 * 60_000;
const UNSENT_TIMEOUT_MS = 20_000;
const PROBE_EVERY_MS = 1_000;
/** An outage that was not seen for this long may have been two. */
const STALE_MS = 30_000;

export interface Waiting {
  /** A request of this run may be with the kernel: giving up loses its output. */
  isSent: boolean;
  /** What failed can be done again although the gateway answers: it starts nothing. */
  isHarmless: boolean;
  /** When the run began to wait, by `performance.now()`. */
  sinceMs: number;
  /** The kernel to ask for; whatever the gateway answers, the gateway is there. */
  kernelId: string;
  signal: AbortSignal;
  onAway: (failure: GatewayError) => void;
}

export interface OutageClock {
  now: () => number;
  delay: (ms: number) => Promise<void>;
}

const SYSTEM_CLOCK: OutageClock = {
  now: () => performance.now(),
  delay: (ms) => delay(ms, undefined, { ref: false }),
};

/**
 * Waits for a gateway that is away: one probe a second for all runs that wait. The time counts from when the first run
 * missed it, so that a long queue does not wait once for each of its runs.
 */
export class GatewayOutageWait {
  readonly #gateway: Pick<Gateway, 'findKernel'>;
  readonly #clock: OutageClock;
  #outage: { sinceMs: number; seenMs: number } | undefined;
  #probing: Promise<GatewayError | undefined> | undefined;
  #nextProbe: Promise<GatewayError | undefined> | undefined;

  constructor(gateway: Pick<Gateway, 'findKernel'>, clock: OutageClock = SYSTEM_CLOCK) {
    this.#gateway = gateway;
    this.#clock = clock;
  }

  /** True when what failed is worth another attempt now. Rejects when `signal` aborts. */
  async isWorthRetry(failure: GatewayError, waiting: Waiting): Promise<boolean> {
    const { isSent, isHarmless, sinceMs, kernelId, signal, onAway } = waiting;
    if (!isOutage(failure, isSent)) return false;
    // It answers, so it was that one call that failed.
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

  /** Since when the gateway is missed. */
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

/** A refusal may be set right while a run goes on; a new run is better refused at once. */
function isOutage({ code }: GatewayError, isSent: boolean): boolean {
  switch (code) {
    case 'unreachable':
    case 'noCredentials':
    // This process is not sure to be the leader any more: it waits until it is, or ends.
    case 'writesPaused':
      return true;
    case 'unauthorized':
    case 'untrusted':
    case 'badAnswer':
    case 'serverStopped':
      return isSent;
    case 'refused':
    case 'kernelGone':
    case 'startFailed':
      return false;
  }
}
