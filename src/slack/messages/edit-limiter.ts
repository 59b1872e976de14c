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

/** The budget of one process; where processes share one, what it falls back on. */
export interface OwnEditBudget extends EditBudget {
  /** An edit that was granted elsewhere. */
  count(answer: string): void;
  /** So many processes edit in this workspace: an equal part is left to this one. */
  divide(processes: number): void;
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

export const slackEdits: EditLimits = { edits: 50, windowMs: 61_000, gapMs: 1_250, apartMs: 50 };

/** An answer that asked within this time counts as one that wants its share. */
export const wantingMs = 15_000;
/** Nobody waits longer before asking again, so that shares follow what happens. */
export const longestWaitMs = 5_000;

/** The edits of the last window, in ms since the epoch: what a process leaves to its successor. */
export interface EditMemory {
  taken: readonly number[];
  keep: (taken: readonly number[]) => void;
}

/** The budget of one process. */
export function startEditBudget(
  now: () => number,
  limits: EditLimits = slackEdits,
  memory: EditMemory = { taken: [], keep: () => {} },
): OwnEditBudget {
  const open = new Set<string>();
  const asked = new Map<string, number>();
  const edited = new Map<string, number>();
  /** Ends that found no edit left, in the order in which they came. */
  const ending = new Set<string>();
  let taken = [...memory.taken];
  let pausedUntil = 0;
  let { edits } = limits;

  const kept = (): number => (open.size <= edits ? open.size : Math.floor(edits / 2));

  const fairGap = (nowMs: number): number => {
    const wanting = [...asked.values()].filter((at) => at > nowMs - wantingMs).length;
    return Math.max(limits.gapMs, (wanting * limits.windowMs) / Math.max(1, edits - kept()));
  };

  const wait = (answer: string, use: 'live' | 'end', nowMs: number): number => {
    if (pausedUntil > nowMs) return pausedUntil - nowMs;
    const before = use === 'live' ? kept() + ending.size : [...ending].indexOf(answer);
    const blocking = taken.length + before - edits;
    if (blocking >= 0) return (taken[blocking] ?? nowMs) + limits.windowMs - nowMs;
    const apartMs = (taken.at(-1) ?? -Infinity) + limits.apartMs - nowMs;
    if (use === 'end' || apartMs > 0) return apartMs;
    return (edited.get(answer) ?? -Infinity) + fairGap(nowMs) - nowMs;
  };

  const count = (answer: string, nowMs: number): void => {
    ending.delete(answer);
    taken.push(nowMs);
    memory.keep(taken);
    edited.set(answer, nowMs);
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
      // a clock that was set makes nothing last longer
      taken = taken.filter((at) => Math.abs(nowMs - at) < limits.windowMs);
      if (use === 'live') asked.set(answer, nowMs);
      else ending.add(answer);
      const waitMs = wait(answer, use, nowMs);
      if (waitMs > 0) return Promise.resolve(Math.min(Math.ceil(waitMs), longestWaitMs));
      count(answer, nowMs);
      return Promise.resolve(0);
    },
    count: (answer) => count(answer, now()),
    divide(processes) {
      edits = Math.max(1, Math.floor(limits.edits / Math.max(1, processes)));
    },
    pause(ms) {
      pausedUntil = Math.max(pausedUntil, now() + ms);
    },
  };
}
