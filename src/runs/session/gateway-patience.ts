import { setTimeout as wait } from 'node:timers/promises';
import { GatewayError } from '../../gateway/errors.ts';
import type { Gateway } from '../../gateway/gateway.ts';

/**
 * How long a gateway is waited for by a run that the kernel may have, and by one that it has not got: that one loses
 * nothing by an end, and its author reads sooner that nothing ran. A gateway that is only restarted is back by then.
 */
const SENT_PATIENCE_MS = 5 * 60_000;
const UNSENT_PATIENCE_MS = 20_000;
const LOOK_EVERY_MS = 1_000;

/** An absence that was not looked at for this long may have been two. */
const STALE_MS = 30_000;

export interface Waiting {
  /** A request of this run may be with the kernel: giving up loses its output. */
  isSent: boolean;
  /** What failed can be done again although the gateway answers: it starts nothing. */
  isHarmless: boolean;
  /** When the run began to wait, ms since the epoch. */
  sinceMs: number;
  /** The kernel to ask for; whatever the gateway answers, it is there. */
  kernelId: string;
  signal: AbortSignal;
  onAway: (failure: GatewayError) => void;
}

export interface PatienceClock {
  now: () => number;
  /** Rejects when `signal` aborts. */
  pause: (ms: number, signal: AbortSignal) => Promise<void>;
}

const systemClock: PatienceClock = {
  now: Date.now,
  pause: (ms, signal) => wait(ms, undefined, { signal }),
};

/**
 * Waits for a gateway that is away. The time counts from when it was first missed by anybody, so that a long queue
 * does not wait once for each of its runs.
 */
export class GatewayPatience {
  readonly #gateway: Pick<Gateway, 'findKernel'>;
  readonly #clock: PatienceClock;
  #away: { sinceMs: number; seenMs: number } | undefined;

  constructor(gateway: Pick<Gateway, 'findKernel'>, clock: PatienceClock = systemClock) {
    this.#gateway = gateway;
    this.#clock = clock;
  }

  /** True when what failed is worth another attempt now. Rejects when `signal` aborts. */
  async isWorthAnother(failure: GatewayError, waiting: Waiting): Promise<boolean> {
    const { isSent, isHarmless, sinceMs, signal, onAway } = waiting;
    if (!isAway(failure, isSent)) return false;
    // It answers, so it was that one call that failed.
    if (!isHarmless && (await this.#look(waiting)) === undefined) return false;
    const until = Math.min(this.#miss(), sinceMs) + (isSent ? SENT_PATIENCE_MS : UNSENT_PATIENCE_MS);
    let last = failure;
    while (this.#clock.now() < until) {
      onAway(last);
      await this.#clock.pause(LOOK_EVERY_MS, signal);
      const found = await this.#look(waiting);
      if (found === undefined || !isAway(found, isSent)) return true;
      last = found;
    }
    return false;
  }

  /** Since when the gateway is missed. */
  #miss(): number {
    const now = this.#clock.now();
    const isStale = this.#away === undefined || now - this.#away.seenMs > STALE_MS;
    this.#away = { sinceMs: isStale ? now : (this.#away?.sinceMs ?? now), seenMs: now };
    return this.#away.sinceMs;
  }

  async #look({ kernelId, signal }: Waiting): Promise<GatewayError | undefined> {
    try {
      await this.#gateway.findKernel(kernelId, signal);
      this.#away = undefined;
      return undefined;
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof GatewayError)) throw error;
      this.#miss();
      return error;
    }
  }
}

/** A refusal may be set right while a run goes on; a new run is better refused at once. */
function isAway({ code }: GatewayError, isSent: boolean): boolean {
  switch (code) {
    case 'unreachable':
    case 'writesPaused':
      return true;
    case 'unauthorized':
    case 'untrusted':
    case 'badAnswer':
      return isSent;
    case 'refused':
    case 'kernelGone':
    case 'startFailed':
      return false;
  }
}
