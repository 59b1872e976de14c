import { setTimeout as delay } from 'node:timers/promises';

export interface CallRate {
  /** So many at once, when nothing was called for long. */
  burst: number;
  /** After that one in so many ms. */
  refillMs: number;
}

/** Posts, for each channel: Slack takes 1 per second with short bursts (slack.md §3). */
export const POST_RATE: CallRate = { burst: 5, refillMs: 1_050 };
/** Look-ups of messages, and removals, for the workspace: 50 in any 60 s each (slack.md §3, tier 3). */
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
    const waitMs = this.waitMs(key);
    this.#fullAt.set(key, Math.max(nowMs, this.#fullAt.get(key) ?? 0) + this.#rate.refillMs);
    return waitMs;
  }

  /** Takes a call if one may be made now (0). Else ask again in so many ms. */
  take(key = ''): number {
    const waitMs = this.waitMs(key);
    return waitMs > 0 ? waitMs : this.reserve(key);
  }

  /** Takes a call as soon as one may be made; the process does not stay for it. */
  async turn(): Promise<void> {
    for (let ms = this.take(); ms > 0; ms = this.take()) await delay(ms, undefined, { ref: false });
  }

  /** Slack refused a call: none is made for so long. */
  pause(ms: number, key = ''): void {
    const { burst, refillMs } = this.#rate;
    const fullAt = this.#now() + ms + (burst - 1) * refillMs;
    this.#fullAt.set(key, Math.max(fullAt, this.#fullAt.get(key) ?? 0));
  }

  /** How long the next call of a key has to wait. */
  waitMs(key = ''): number {
    const { burst, refillMs } = this.#rate;
    return Math.max(0, (this.#fullAt.get(key) ?? 0) + refillMs - this.#now() - burst * refillMs);
  }
}

/** Slack takes 50 `chat.update` a minute in a workspace (slack.md §3); a little more than its minute, because calls travel. */
export const SLACK_EDITS = {
  /** So many edits in any `windowMs`. */
  edits: 50,
  windowMs: 61_000,
  /** No message is edited more often than this while its run goes on. */
  gapMs: 1_250,
  /** Between two edits of all messages: a refusal is heard before many more are on their way. */
  apartMs: 50,
  /** So many edits at least are left to ends. */
  endsShare: 10,
};

/**
 * An `end` is a run's end, and may be posted anew; a `last` picture has an end's turn and stays where it is; a `live` edit
 * shows progress and may be dropped.
 */
export type Use = 'live' | 'last' | 'end';

/** A message that asked within this time counts as one that wants its share. */
const WANTING_MS = 15_000;
/** Where edits go out singly, an answer is waited for no longer than this, and asked about so often. */
const UNANSWERED_APART_MS = 1_000;
const ASK_AGAIN_MS = 100;
/** Nobody waits longer before asking again, so that shares follow what happens. */
const LONGEST_WAIT_MS = 5_000;

/** Shares the edits of a workspace among its run messages: ends first, progress evenly with what is left. */
export class EditLimiter {
  readonly #now: () => number;
  readonly #limits: typeof SLACK_EDITS;
  readonly #open = new Set<string>();
  readonly #askedAt = new Map<string, number>();
  readonly #editedAt = new Map<string, number>();
  /** Ends that found no edit left, in the order in which they came. */
  readonly #ending = new Set<string>();
  /** When the edits of the last window were made; undefined: by a predecessor, and none by this process yet. */
  #taken: number[] | undefined;
  #pausedUntil = 0;
  /** Until then nobody knows what the last window had of edits: each waits for Slack's answer to the one before. */
  #unknownUntil: number;
  /** Slack has not answered the last edit yet. */
  #isAwaited = false;

  /** `isFresh`: nobody has edited in this workspace within the last minute. */
  constructor(now: () => number, { isFresh = false, limits = SLACK_EDITS } = {}) {
    this.#now = now;
    this.#limits = limits;
    this.#taken = isFresh ? [] : undefined;
    this.#unknownUntil = isFresh ? -Infinity : now() + limits.windowMs;
  }

  /** A run message opens: one edit is left to its end until the returned function is called. */
  open(message: string): () => void {
    this.#open.add(message);
    return () => {
      this.#open.delete(message);
      for (const known of [this.#askedAt, this.#editedAt, this.#ending]) known.delete(message);
    };
  }

  /**
   * Asks for one edit. 0: it is taken, send it now. Else ask again in so many ms. A `last` and an `end` take any that is
   * left, first come first served; `live` edits leave the share of ends alone and are spread evenly over the messages that ask.
   */
  take(message: string, use: Use): number {
    const nowMs = this.#now();
    const taken = this.#inWindow(nowMs);
    if (use === 'live') this.#askedAt.set(message, nowMs);
    else this.#ending.add(message);
    const waitMs = this.#waitMs(message, use, taken, nowMs);
    if (waitMs > 0) return Math.min(Math.ceil(waitMs), LONGEST_WAIT_MS);
    this.#ending.delete(message);
    this.#taken = [...taken, nowMs];
    this.#isAwaited = true;
    if (this.#open.has(message)) this.#editedAt.set(message, nowMs);
    return 0;
  }

  /** An end that waited for its edit does without. */
  leave(message: string): void {
    this.#ending.delete(message);
  }

  /** Slack took an edit. */
  answered(): void {
    this.#isAwaited = false;
  }

  /** Slack refused an edit: its minute is used up, and the next edit may be made in so many ms. */
  pause(ms: number): void {
    const { edits, windowMs } = this.#limits;
    const nowMs = this.#now();
    this.#isAwaited = false;
    this.#pausedUntil = Math.max(this.#pausedUntil, nowMs + ms);
    this.#unknownUntil = nowMs + windowMs;
    this.#taken = spread(edits, nowMs - Math.max(0, windowMs - ms), nowMs);
  }

  /** It is taken as if a predecessor had shown progress with all that is not left to ends. */
  #inWindow(nowMs: number): number[] {
    const { edits, windowMs } = this.#limits;
    const began = this.#unknownUntil - windowMs;
    const taken = this.#taken ?? spread(edits - this.#leftToEnds(), began - windowMs, began);
    return taken.filter((at) => nowMs - at < windowMs);
  }

  #waitMs(message: string, use: Use, taken: readonly number[], nowMs: number): number {
    const { edits, windowMs, apartMs } = this.#limits;
    if (this.#pausedUntil > nowMs) return this.#pausedUntil - nowMs;
    const before =
      use === 'live' ? this.#leftToEnds() + this.#ending.size : [...this.#ending].indexOf(message);
    const blocking = taken.length + before - edits;
    if (blocking >= 0) return (taken[blocking] ?? nowMs) + windowMs - nowMs;
    const sinceMs = nowMs - (taken.at(-1) ?? -Infinity);
    const isTooSoon = this.#isAwaited && nowMs < this.#unknownUntil && sinceMs < UNANSWERED_APART_MS;
    const nextMs = isTooSoon ? Math.max(ASK_AGAIN_MS, apartMs - sinceMs) : apartMs - sinceMs;
    if (use !== 'live' || nextMs > 0) return nextMs;
    return (this.#editedAt.get(message) ?? -Infinity) + this.#fairGap(nowMs) - nowMs;
  }

  /** One for each open message; with more messages than edits half of all. */
  #leftToEnds(): number {
    const { edits, endsShare } = this.#limits;
    const open = this.#open.size;
    return open <= edits ? Math.max(open, endsShare) : Math.floor(edits / 2);
  }

  #fairGap(nowMs: number): number {
    const { edits, windowMs, gapMs } = this.#limits;
    for (const [message, at] of this.#askedAt) if (at <= nowMs - WANTING_MS) this.#askedAt.delete(message);
    return Math.max(gapMs, (this.#askedAt.size * windowMs) / Math.max(1, edits - this.#leftToEnds()));
  }
}

/** As many times at even distances, the first at `fromMs`, all before `toMs`. */
function spread(count: number, fromMs: number, toMs: number): number[] {
  return Array.from({ length: count }, (_, nth) => fromMs + ((toMs - fromMs) * nth) / count);
}
