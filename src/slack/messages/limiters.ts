import { setTimeout as delay } from 'node:timers/promises';

export interface CallRate {
  /** How many calls may be made at once after a pause. */
  burst: number;
  /** After that, one call in this time. */
  refillMs: number;
}

/** Posts, per channel: Slack takes one per second, with short bursts (slack.md §3). */
export const POST_RATE: CallRate = { burst: 5, refillMs: 1_050 };
/** Look-ups of messages, and removals, each per workspace: 50 in any 60 s (slack.md §3, tier 3). */
export const LOOK_RATE: CallRate = { burst: 20, refillMs: 2_000 };

/** Keeps calls of one kind under a rate, separately for each `key`. */
export class CallLimiter {
  readonly #now: () => number;
  readonly #rate: CallRate;
  /** When each key may make a full burst again. */
  readonly #fullAt = new Map<string, number>();

  constructor(now: () => number, rate: CallRate) {
    this.#now = now;
    this.#rate = rate;
  }

  /** Reserves the next call of a key. Returns in how many ms it may be made. */
  reserve(key = ''): number {
    const nowMs = this.#now();
    for (const [each, at] of this.#fullAt) if (at < nowMs) this.#fullAt.delete(each);
    const waitMs = this.waitMs(key);
    this.#fullAt.set(key, Math.max(nowMs, this.#fullAt.get(key) ?? 0) + this.#rate.refillMs);
    return waitMs;
  }

  /** Takes a call and returns 0 if one may be made now, else returns in how many ms to ask again. */
  take(key = ''): number {
    const waitMs = this.waitMs(key);
    return waitMs > 0 ? waitMs : this.reserve(key);
  }

  /** Waits until a call may be made, and takes it. The wait does not keep the process alive. */
  async turn(): Promise<void> {
    for (let ms = this.take(); ms > 0; ms = this.take()) await delay(ms, undefined, { ref: false });
  }

  /** Slack rate-limited a call: none may be made for `ms`. */
  pause(ms: number, key = ''): void {
    const { burst, refillMs } = this.#rate;
    const fullAt = this.#now() + ms + (burst - 1) * refillMs;
    this.#fullAt.set(key, Math.max(fullAt, this.#fullAt.get(key) ?? 0));
  }

  /** In how many ms the next call of a key may be made. */
  waitMs(key = ''): number {
    const { burst, refillMs } = this.#rate;
    return Math.max(0, (this.#fullAt.get(key) ?? 0) + refillMs - this.#now() - burst * refillMs);
  }
}

/**
 * Slack takes 50 `chat.update` a minute in a workspace (slack.md §3). The window is a little longer, because calls take
 * time to arrive.
 */
export const SLACK_EDITS = {
  /** How many edits in any `windowMs`. */
  edits: 50,
  windowMs: 61_000,
  /** The least time between two edits of one message while its run goes on. */
  gapMs: 1_250,
  /** The least time between any two edits, so that few more are on their way when Slack refuses one. */
  apartMs: 50,
  /** At least this many edits are reserved for ends. */
  endsShare: 10,
};

/**
 * What an edit is for. `end`: the end of a run; the message may be posted anew instead. `urgent`: as urgent as an end,
 * but always an edit. `live`: progress, which may be dropped.
 */
export type Edit = 'live' | 'urgent' | 'end';

/** A message that asked for an edit within this time gets a share. */
const WANTING_MS = 15_000;
/** While each edit waits for Slack's answer to the one before: for at most how long, and how often to ask again. */
const UNANSWERED_APART_MS = 1_000;
const ASK_AGAIN_MS = 100;
/** The longest wait before asking again, so that shares are adjusted soon. */
const LONGEST_WAIT_MS = 5_000;

/** Shares the edits of a workspace among its run messages: first for ends, the rest evenly for progress. */
export class EditLimiter {
  readonly #now: () => number;
  readonly #limits: typeof SLACK_EDITS;
  readonly #open = new Set<string>();
  readonly #askedAt = new Map<string, number>();
  readonly #editedAt = new Map<string, number>();
  /** Messages whose end or urgent state found no edit left, in order. */
  readonly #ending = new Set<string>();
  /**
   * When the edits of the last window were made; undefined: this process has made none yet, but a predecessor may have.
   */
  #taken: number[] | undefined;
  #pausedUntil = 0;
  /**
   * Until then it is not known how many edits the last window had, so each edit waits for Slack's answer to the one
   * before.
   */
  #unknownUntil: number;
  /** The last edit has no answer yet. */
  #isAwaited = false;

  /** `isFresh`: no process has edited in this workspace within the last minute. */
  constructor(now: () => number, { isFresh = false, limits = SLACK_EDITS } = {}) {
    this.#now = now;
    this.#limits = limits;
    this.#taken = isFresh ? [] : undefined;
    this.#unknownUntil = isFresh ? -Infinity : now() + limits.windowMs;
  }

  /** Reserves one edit for the end of a run message, until the returned function is called. */
  open(message: string): () => void {
    this.#open.add(message);
    return () => {
      this.#open.delete(message);
      for (const known of [this.#askedAt, this.#editedAt, this.#ending]) known.delete(message);
    };
  }

  /**
   * Asks for one edit: 0 means that it is taken and has to be sent now; else the ms after which to ask again. `urgent`
   * and `end` take any edit that is left, first come first served. `live` edits leave the share of ends alone and are
   * spread evenly over the messages that ask.
   */
  take(message: string, kind: Edit): number {
    const nowMs = this.#now();
    const taken = this.#inWindow(nowMs);
    if (kind === 'live') {
      this.#askedAt.set(message, nowMs);
      this.#ending.delete(message);
    } else this.#ending.add(message);
    const waitMs = this.#waitMs(message, kind, taken, nowMs);
    if (waitMs > 0) return Math.min(Math.ceil(waitMs), LONGEST_WAIT_MS);
    this.#ending.delete(message);
    this.#taken = [...taken, nowMs];
    this.#isAwaited = true;
    if (this.#open.has(message)) this.#editedAt.set(message, nowMs);
    // A root message asks once.
    else this.#askedAt.delete(message);
    return 0;
  }

  /** The message no longer waits for an edit to show its end. */
  leave(message: string): void {
    this.#ending.delete(message);
  }

  /** Slack took an edit. */
  answered(): void {
    this.#isAwaited = false;
  }

  /** Slack rate-limited an edit: its minute is used up, and the next edit may be made in `ms`. */
  pause(ms: number): void {
    const { edits, windowMs } = this.#limits;
    const nowMs = this.#now();
    this.#isAwaited = false;
    this.#pausedUntil = Math.max(this.#pausedUntil, nowMs + ms);
    this.#unknownUntil = nowMs + windowMs;
    this.#taken = spread(edits, nowMs - Math.max(0, windowMs - ms), nowMs);
  }

  /** The edits within the window. A predecessor is assumed to have used all that are not reserved for ends. */
  #inWindow(nowMs: number): number[] {
    const { edits, windowMs } = this.#limits;
    const began = this.#unknownUntil - windowMs;
    const taken = this.#taken ?? spread(edits - this.#leftToEnds(), began - windowMs, began);
    return taken.filter((at) => nowMs - at < windowMs);
  }

  #waitMs(message: string, kind: Edit, taken: readonly number[], nowMs: number): number {
    const { edits, windowMs, apartMs } = this.#limits;
    if (this.#pausedUntil > nowMs) return this.#pausedUntil - nowMs;
    const before =
      kind === 'live' ? this.#leftToEnds() + this.#ending.size : [...this.#ending].indexOf(message);
    const blocking = taken.length + before - edits;
    if (blocking >= 0) return (taken[blocking] ?? nowMs) + windowMs - nowMs;
    const sinceMs = nowMs - (taken.at(-1) ?? -Infinity);
    const isTooSoon = this.#isAwaited && nowMs < this.#unknownUntil && sinceMs < UNANSWERED_APART_MS;
    const nextMs = isTooSoon ? Math.max(ASK_AGAIN_MS, apartMs - sinceMs) : apartMs - sinceMs;
    if (kind !== 'live' || nextMs > 0) return nextMs;
    return (this.#editedAt.get(message) ?? -Infinity) + this.#fairGap(nowMs) - nowMs;
  }

  /** One for each open message; half of all edits if there are more messages than edits. */
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

/** `count` times at even distances, from `fromMs` to before `toMs`. */
function spread(count: number, fromMs: number, toMs: number): number[] {
  return Array.from({ length: count }, (_, nth) => fromMs + ((toMs - fromMs) * nth) / count);
}
