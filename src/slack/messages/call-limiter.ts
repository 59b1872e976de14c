export interface CallRate {
  /** So many at once, when nothing was called for long. */
  burst: number;
  /** After that one in so many ms. */
  refillMs: number;
}

/** Posts, for each channel: Slack takes 1 per second with short bursts (slack.md §3). */
export const POST_RATE: CallRate = { burst: 5, refillMs: 1_050 };
/** Look-ups of messages, for the workspace: 50 in any 60 s (slack.md §3, tier 3). */
export const LOOK_RATE: CallRate = { burst: 20, refillMs: 2_000 };

/** Keeps calls of one kind under a rate; each `key` has a rate of its own. */
export class CallLimiter {
  readonly #now: () => number;
  readonly #rate: CallRate;
  /** When the allowance of each key is full again. */
  readonly #fullAt = new Map<string, number>();

  constructor(now: () => number, rate: CallRate) {
    this.#now = now;
    this.#rate = rate;
  }

  /** Takes the next call of a key; it may be made in so many ms. */
  reserve(key = ''): number {
    const nowMs = this.#now();
    for (const [each, at] of this.#fullAt) if (at < nowMs) this.#fullAt.delete(each);
    const waitMs = this.#waitMs(key, nowMs);
    this.#fullAt.set(key, Math.max(nowMs, this.#fullAt.get(key) ?? 0) + this.#rate.refillMs);
    return waitMs;
  }

  /** Takes a call if one may be made now (0). Else ask again in so many ms. */
  take(key = ''): number {
    const waitMs = this.#waitMs(key, this.#now());
    return waitMs > 0 ? waitMs : this.reserve(key);
  }

  /** Slack refused a call: none is made for so long. */
  pause(ms: number, key = ''): void {
    const { burst, refillMs } = this.#rate;
    const fullAt = this.#now() + ms + (burst - 1) * refillMs;
    this.#fullAt.set(key, Math.max(fullAt, this.#fullAt.get(key) ?? 0));
  }

  #waitMs(key: string, nowMs: number): number {
    const { burst, refillMs } = this.#rate;
    return Math.max(0, (this.#fullAt.get(key) ?? 0) + refillMs - nowMs - burst * refillMs);
  }
}
