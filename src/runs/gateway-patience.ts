import { setTimeout as pause } from 'node:timers/promises';
import { GatewayError } from '../errors.ts';
import type { Gateway } from '../gateway/gateway.ts';

/** How long a gateway is waited for by a run that the kernel may have, and by one that it has not got. */
const SENT_PATIENCE_MS = 5 * 60_000;
const UNSENT_PATIENCE_MS = 60_000;
const LOOK_EVERY_MS = 1_000;

/** An absence that was not looked at for this long may have been two. */
const STALE_MS = 30_000;

export interface Waiting {
  /** A request of this run may be with the kernel: giving up loses its output. */
  isSent: boolean;
  /** The kernel to ask for; whatever the gateway answers, it is there. */
  kernelId: string;
  signal: AbortSignal;
  onAway: (failure: GatewayError) => void;
}

/**
 * Waits for a gateway that is away. The time counts from when it was first missed by anybody, so that a long queue
 * does not wait once for each of its runs.
 */
export class GatewayPatience {
  readonly #gateway: Pick<Gateway, 'findKernel'>;
  #away: { sinceMs: number; seenMs: number } | undefined;

  constructor(gateway: Pick<Gateway, 'findKernel'>) {
    this.#gateway = gateway;
  }

  /** True when what failed is worth another attempt now. Rejects when `signal` aborts. */
  async isWorthAnother(failure: GatewayError, waiting: Waiting): Promise<boolean> {
    const { isSent, signal, onAway } = waiting;
    if (!isAway(failure, isSent)) return false;
    // It answers, so it was that one call that failed. A run that the kernel may have is not given up for that.
    if (!isSent && (await this.#look(waiting)) === undefined) return false;
    const until = this.#miss() + (isSent ? SENT_PATIENCE_MS : UNSENT_PATIENCE_MS);
    let last = failure;
    while (Date.now() < until) {
      onAway(last);
      await pause(LOOK_EVERY_MS, undefined, { signal });
      const found = await this.#look(waiting);
      if (found === undefined || !isAway(found, isSent)) return true;
      last = found;
    }
    return false;
  }

  /** Since when the gateway is missed. */
  #miss(): number {
    const now = Date.now();
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
