/** Slack's rate limits (slack.md §3), per method and workspace; posts per channel. */

/** At most `limit` calls in any window of `windowMs`. */
class SlidingWindow {
  readonly #limit: number;
  readonly #windowMs: number;
  #taken: number[] = [];

  constructor(limit: number, windowMs: number) {
    this.#limit = limit;
    this.#windowMs = windowMs;
  }

  /** 0 when allowed (and counted), else ms until the next one is. */
  take(nowMs: number): number {
    this.#taken = this.#taken.filter((at) => at > nowMs - this.#windowMs);
    const oldest = this.#taken[0];
    if (oldest !== undefined && this.#taken.length >= this.#limit) return oldest + this.#windowMs - nowMs;
    this.#taken.push(nowMs);
    return 0;
  }
}

/** A bucket of `burst` tokens that gets one token every `refillMs`. */
class TokenBucket {
  readonly #burst: number;
  readonly #refillMs: number;
  #tokens: number;
  #filledAtMs: number;

  constructor(burst: number, refillMs: number, nowMs: number) {
    this.#burst = burst;
    this.#refillMs = refillMs;
    this.#tokens = burst;
    this.#filledAtMs = nowMs;
  }

  take(nowMs: number): number {
    this.#tokens = Math.min(this.#burst, this.#tokens + (nowMs - this.#filledAtMs) / this.#refillMs);
    this.#filledAtMs = nowMs;
    if (this.#tokens < 1) return Math.ceil((1 - this.#tokens) * this.#refillMs);
    this.#tokens -= 1;
    return 0;
  }
}

/** Calls per minute. Slack says "20+"; the playground grants exactly 20. */
const tiers: Readonly<Record<number, readonly string[]>> = {
  20: ['users.list', 'conversations.list', 'usergroups.list', 'usergroups.users.list', 'reactions.remove'],
  50: [
    'apps.connections.open',
    'chat.delete',
    'chat.update',
    'conversations.history',
    'conversations.info',
    'conversations.join',
    'conversations.open',
    'conversations.replies',
    'files.delete',
    'reactions.add',
    'users.conversations',
  ],
  100: [
    'chat.postEphemeral',
    'conversations.members',
    'files.completeUploadExternal',
    'files.getUploadURLExternal',
    'files.info',
    'users.info',
    'views.open',
    'views.publish',
    'views.push',
    'views.update',
  ],
};

const postBurst = 5;
const postRefillMs = 1000;
const windowMs = 60_000;

export class Rates {
  readonly #windows = new Map<string, SlidingWindow>();
  readonly #posts = new Map<string, TokenBucket>();

  constructor(perMinute: Readonly<Record<string, number>> = {}) {
    for (const [limit, methods] of Object.entries(tiers)) {
      for (const method of methods) this.#windows.set(method, new SlidingWindow(Number(limit), windowMs));
    }
    for (const [method, limit] of Object.entries(perMinute)) {
      this.#windows.set(method, new SlidingWindow(limit, windowMs));
    }
  }

  /** Whole seconds for Retry-After, or undefined when the call may go on (and is counted). */
  retryAfterS(method: string, channel: string | undefined, nowMs: number): number | undefined {
    const waitMs = this.#waitMs(method, channel, nowMs);
    return waitMs > 0 ? Math.max(1, Math.ceil(waitMs / 1000)) : undefined;
  }

  #waitMs(method: string, channel: string | undefined, nowMs: number): number {
    if (method !== 'chat.postMessage') return this.#windows.get(method)?.take(nowMs) ?? 0;
    const key = channel ?? '';
    let bucket = this.#posts.get(key);
    if (bucket === undefined) {
      bucket = new TokenBucket(postBurst, postRefillMs, nowMs);
      this.#posts.set(key, bucket);
    }
    return bucket.take(nowMs);
  }
}
