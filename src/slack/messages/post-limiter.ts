/** Posts go at 1 per second and channel, with short bursts (slack.md §3). */
export interface PostPace {
  /** Reserves the next post of a channel; returns how long to wait before sending it, in ms. */
  reserve(channel: string): number;
  /** Slack refused a post: the channel rests for so long. */
  pause(channel: string, ms: number): void;
}

const refillMs = 1_050;
const burst = 5;

export function startPostPace(now: () => number): PostPace {
  /** When each channel's bucket will be full again. */
  const fullAt = new Map<string, number>();
  return {
    reserve(channel) {
      const nowMs = now();
      for (const [each, at] of fullAt) if (at < nowMs) fullAt.delete(each);
      const at = Math.max(nowMs, fullAt.get(channel) ?? 0) + refillMs;
      fullAt.set(channel, at);
      return Math.max(0, at - nowMs - burst * refillMs);
    },
    pause(channel, ms) {
      fullAt.set(channel, Math.max(now() + ms + (burst - 1) * refillMs, fullAt.get(channel) ?? 0));
    },
  };
}

/** Looks for messages of ours: 50 in any 60 s for a whole workspace, shared with nobody (slack.md §3, tier 3). */
export interface LookPace {
  /** 0: look now, it is counted. Else ask again in so many ms. */
  take(): number;
  /** Slack refused one: nobody looks for so long. */
  pause(ms: number): void;
}

const looksAtOnce = 20;
const lookRefillMs = 2_000;

export function startLookPace(now: () => number): LookPace {
  let fullAt = 0;
  return {
    take() {
      const nowMs = now();
      const at = Math.max(nowMs, fullAt) + lookRefillMs;
      const waitMs = at - nowMs - looksAtOnce * lookRefillMs;
      if (waitMs <= 0) fullAt = at;
      return Math.max(0, waitMs);
    },
    pause(ms) {
      fullAt = Math.max(fullAt, now() + ms + (looksAtOnce - 1) * lookRefillMs);
    },
  };
}
