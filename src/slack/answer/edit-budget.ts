/**
 * Who may edit when: Slack takes 50 `chat.update` in any 60 s for a whole workspace (slack.md §3). One budget is shared
 * by all answers of a workspace; an implementation over a store shares it over replicas.
 */
export interface EditBudget {
  /** An answer opens: one edit is kept back for its end until the returned function is called. */
  open(answer: string): () => void;
  /**
   * Asks for one edit. 0: it is taken, send it now. Else ask again in so many ms. `end` takes any that is left, first
   * come first served. `live` edits come after those, leave the kept ones alone (with more answers than edits: half of
   * all) and are spread evenly over the answers that ask.
   */
  take(answer: string, use: 'live' | 'end'): Promise<number>;
  /** Slack refused an edit: nobody gets one for so long. */
  pause(ms: number): void;
}

export interface EditLimits {
  edits: number;
  /** A little more than Slack's minute, because calls travel for different times. */
  windowMs: number;
  /** No answer is edited more often than this. */
  gapMs: number;
  /** Between two edits of all: a process that does not know what its predecessor has used up hears Slack's no in time. */
  apartMs: number;
}

const slackEdits: EditLimits = { edits: 50, windowMs: 61_000, gapMs: 1_250, apartMs: 50 };

/** An answer that asked within this time counts as one that wants its share. */
const wantingMs = 15_000;
/** Nobody waits longer before asking again, so that shares follow what happens. */
const longestWaitMs = 5_000;

/** The budget of one process. */
export function startEditBudget(now: () => number, limits: EditLimits = slackEdits): EditBudget {
  const open = new Set<string>();
  const asked = new Map<string, number>();
  const edited = new Map<string, number>();
  /** Ends that found no edit left, in the order in which they came. */
  const ending = new Set<string>();
  let taken: number[] = [];
  let pausedUntil = 0;

  const kept = (): number => (open.size <= limits.edits ? open.size : limits.edits / 2);

  const fairGap = (nowMs: number): number => {
    const wanting = [...asked.values()].filter((at) => at > nowMs - wantingMs).length;
    return Math.max(limits.gapMs, (wanting * limits.windowMs) / Math.max(1, limits.edits - kept()));
  };

  const wait = (answer: string, use: 'live' | 'end', nowMs: number): number => {
    if (pausedUntil > nowMs) return pausedUntil - nowMs;
    const before = use === 'live' ? kept() + ending.size : [...ending].indexOf(answer);
    const blocking = taken.length + before - limits.edits;
    if (blocking >= 0) return (taken[blocking] ?? nowMs) + limits.windowMs - nowMs;
    const apartMs = (taken.at(-1) ?? -Infinity) + limits.apartMs - nowMs;
    if (use === 'end' || apartMs > 0) return apartMs;
    return (edited.get(answer) ?? -Infinity) + fairGap(nowMs) - nowMs;
  };

  return {
    open(answer) {
      open.add(answer);
      return () => {
        open.delete(answer);
        asked.delete(answer);
        edited.delete(answer);
        ending.delete(answer);
      };
    },
    take(answer, use) {
      const nowMs = now();
      taken = taken.filter((at) => at > nowMs - limits.windowMs);
      if (use === 'live') asked.set(answer, nowMs);
      else ending.add(answer);
      const waitMs = wait(answer, use, nowMs);
      if (waitMs > 0) return Promise.resolve(Math.min(Math.ceil(waitMs), longestWaitMs));
      ending.delete(answer);
      taken.push(nowMs);
      edited.set(answer, nowMs);
      return Promise.resolve(0);
    },
    pause(ms) {
      pausedUntil = Math.max(pausedUntil, now() + ms);
    },
  };
}
