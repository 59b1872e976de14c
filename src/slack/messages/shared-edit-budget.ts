import { randomUUID } from 'node:crypto';
import { type EditBudget, longestWaitMs, type OwnEditBudget, slackEdits, wantingMs } from './edit-limiter.ts';

/** What the processes of a workspace count together: one atomic step per call. Rejects when it gives no answer. */
export type ShareEdits = (step: EditStep) => Promise<{
  /** 0: the edit is taken. */
  waitMs: number;
  gapMs: number;
  processes: number;
}>;

interface EditStep {
  process: string;
  open: number;
  spentAgesMs: number[];
  pauseMs: number;
  closed?: string;
  take?: { by: string; use: 'live' | 'end'; idleMs?: number };
  limits: { takes: number; windowMs: number; gapMs: number; wantingMs: number; lapseMs: number };
  nowMs?: number;
}

const limits = {
  takes: slackEdits.edits,
  windowMs: slackEdits.windowMs,
  gapMs: slackEdits.gapMs,
  wantingMs,
  // a run that is quiet for long is edited once a minute, so that a process with one is heard of by then
  lapseMs: 75_000,
};

/** A store that gave no answer is left alone for so long. */
const awayMs = 5_000;

/**
 * One budget for all processes of a workspace. While the store gives no answer each process goes on with its part of
 * its own, and what it used up is told afterwards: no answer waits for the store.
 */
export function startSharedEditBudget(options: {
  share: ShareEdits;
  own: OwnEditBudget;
  now: () => number;
  /** Shared with the other processes; by default the store's own. */
  clock?: () => number;
}): EditBudget {
  const { share, own, now, clock } = options;
  const process = randomUUID();
  const open = new Set<string>();
  const edited = new Map<string, number>();
  /** When a live edit of an answer may be due, so that it is not asked for before. */
  const dueAt = new Map<string, number>();
  /** Edits that the others do not know of. */
  let untold: number[] = [];
  let awayUntil = 0;

  const step = async (more: Pick<EditStep, 'take' | 'closed'> & { pauseMs?: number }) => {
    const nowMs = now();
    const telling = untold.filter((at) => Math.abs(nowMs - at) < limits.windowMs);
    untold = [];
    try {
      const said = {
        process,
        open: open.size,
        spentAgesMs: telling.map((at) => nowMs - at),
        pauseMs: 0,
        limits,
      };
      const shared = await share({ ...said, ...more, ...(clock === undefined ? {} : { nowMs: clock() }) });
      own.divide(shared.processes);
      return shared;
    } catch {
      untold.push(...telling);
      awayUntil = now() + awayMs;
      return undefined;
    }
  };
  const tell = (more: Parameters<typeof step>[0]): void => {
    if (now() >= awayUntil) void step(more);
  };

  const takeOwn = async (answer: string, use: 'live' | 'end'): Promise<number> => {
    const waitMs = await own.take(answer, use);
    if (waitMs === 0) untold.push(now());
    return waitMs;
  };

  return {
    open(answer) {
      open.add(answer);
      const closeOwn = own.open(answer);
      tell({});
      return () => {
        closeOwn();
        open.delete(answer);
        edited.delete(answer);
        dueAt.delete(answer);
        tell({ closed: answer });
      };
    },
    async take(answer, use) {
      const askedMs = now();
      if (askedMs < awayUntil) return takeOwn(answer, use);
      const earlyMs = (dueAt.get(answer) ?? 0) - askedMs;
      if (use === 'live' && earlyMs > 0) return Math.ceil(earlyMs);
      const last = edited.get(answer);
      const idle = last === undefined ? {} : { idleMs: askedMs - last };
      const shared = await step({ take: { by: answer, use, ...idle } });
      if (shared === undefined) return takeOwn(answer, use);
      const waitMs = Math.min(shared.waitMs, longestWaitMs);
      const nowMs = now();
      if (open.has(answer)) dueAt.set(answer, nowMs + (waitMs || Math.min(shared.gapMs, longestWaitMs)));
      if (waitMs > 0) return waitMs;
      own.count(answer);
      if (open.has(answer)) edited.set(answer, nowMs);
      return 0;
    },
    pause(ms) {
      own.pause(ms);
      tell({ pauseMs: ms });
    },
  };
}
