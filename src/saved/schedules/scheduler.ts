import type { Log } from '../../log.ts';
import type { PauseReason, Schedule, ScheduleChange, Schedules } from './schedules.ts';

/** The result of a planned minute. */
export type Started =
  | { kind: 'accepted'; runId: string }
  /** An earlier process submitted it and ended before it could note that. */
  | { kind: 'duplicate' }
  /** `why` is a sentence for people. */
  | { kind: 'refused'; why: string }
  | { kind: 'impossible'; reason: Exclude<PauseReason, 'byHand' | 'failures'> }
  /** Slack, the gateway or the store did not answer, so it is tried again. */
  | { kind: 'unanswered'; why: string };

/** What the channel is told about a schedule, apart from its runs. */
export type ScheduleNews =
  /** The bot did not run from `plannedAtMs` until more than an hour later. */
  | { kind: 'missed'; plannedAtMs: number }
  | { kind: 'refused'; why: string }
  | { kind: 'paused'; reason: Exclude<PauseReason, 'byHand'> };

export type RunEnd = 'ok' | 'failed' | 'stopped';

export interface SchedulerDeps {
  schedules: Schedules;
  /** Submits the snippet under the request key of the planned minute. `isLate`: that minute has passed. Never rejects. */
  start: (schedule: Schedule, plannedAtMs: number, isLate: boolean) => Promise<Started>;
  notify: (schedule: Schedule, news: ScheduleNews) => Promise<void>;
  log: Log;
}

/** A planned minute that was missed by more than this does not run any more. */
const LATE_MS = 60 * 60_000;
/** A run that begins within this time counts as in time. */
const IN_TIME_MS = 60_000;
const RETRY_MS = 30_000;
const MAX_FAILURES = 5;
/** How many schedules are started at the same time. */
const AT_ONCE = 20;
/** The longest sleep of the timer, so that a suspended machine or a changed clock is noticed. */
const LONGEST_SLEEP_MS = 10 * 60_000;

/**
 * Starts the schedules, with one timer for the next one that is due. Each planned minute runs once: the run store knows its
 * request key, and the schedule's record says up to which time everything is settled. Only the leader has a scheduler.
 */
export function createScheduler(deps: SchedulerDeps) {
  const settling = new Set<string>();
  /** By schedule: not before this time is it tried again. */
  const notBefore = new Map<string, number>();
  let timer: NodeJS.Timeout | undefined;
  /** When the timer fires; undefined if it is not set. */
  let armedFor: number | undefined;
  let isOpen = false;
  const count = async (id: string, end: RunEnd): Promise<void> => {
    let isPausing = false;
    const schedule = await deps.schedules.change(id, (now) => {
      const failures = end === 'failed' ? now.failures + 1 : end === 'ok' ? 0 : now.failures;
      if (failures === now.failures) return undefined;
      isPausing = failures >= MAX_FAILURES && now.pausedFor === undefined;
      return { failures, ...(isPausing ? { pausedFor: 'failures' as const } : {}) };
    });
    if (isPausing && schedule !== undefined) await notify(schedule, { kind: 'paused', reason: 'failures' });
  };
  /** Sets the timer for this time, unless it fires earlier anyway. `Infinity`: nothing is due. */
  const arm = (dueAt: number): void => {
    if (!isOpen || dueAt === Infinity) return;
    const now = Date.now();
    const upAt = Math.min(dueAt, now + LONGEST_SLEEP_MS);
    if (armedFor !== undefined && armedFor <= upAt) return;
    armedFor = upAt;
    clearTimeout(timer);
    const sleepMs = Math.max(0, upAt - now);
    timer = setTimeout(() => wake(), sleepMs).unref();
  };
  const nextDue = (): number => {
    let first = Infinity;
    for (const { dueAt } of waiting()) first = Math.min(first, dueAt);
    return first;
  };
  const dueOf = (id: string): number =>
    Math.max(deps.schedules.nextOf(id) ?? Infinity, notBefore.get(id) ?? 0);
  /** The schedules that are not being settled just now. */
  function* waiting(): Generator<{ schedule: Schedule; dueAt: number }> {
    for (const { schedule, next } of deps.schedules.planned())
      if (!settling.has(schedule.id))
        yield { schedule, dueAt: Math.max(next, notBefore.get(schedule.id) ?? 0) };
  }
  const wake = (): void => {
    if (!isOpen) return;
    armedFor = undefined;
    const now = Date.now();
    reopen(now);
    const due = [...waiting()].filter(({ dueAt }) => dueAt <= now).map(({ schedule }) => schedule.id);
    for (const id of due) settling.add(id);
    const settleNext = async (): Promise<void> => {
      for (let id = due.shift(); id !== undefined; id = due.shift()) {
        try {
          await settleDue(id);
        } catch (error) {
          retry(id, error);
        }
        settling.delete(id);
        arm(dueOf(id));
      }
    };
    for (let at = 0; at < AT_ONCE; at += 1) void settleNext();
    arm(nextDue());
  };
  /** A clock that was ahead for a while has settled minutes that are still to come. */
  const reopen = (now: number): void => {
    const { schedules } = deps;
    for (const { id, settledTo } of schedules.all())
      if (settledTo > now + LATE_MS)
        schedules.change(id, () => ({ settledTo: now })).catch((error: unknown) => retry(id, error));
  };
  const settleDue = async (id: string): Promise<void> => {
    const { schedules, start } = deps;
    const schedule = schedules.find(id);
    // It may have been paused or removed meanwhile.
    if (schedule === undefined || schedule.pausedFor !== undefined) return;
    const { settledTo } = schedule;
    const now = Date.now();
    const plan = schedules.planOf(id);
    const plannedAt = plan?.newest(Math.max(settledTo, now - LATE_MS - 1), now);
    if (plannedAt === undefined) {
      const missed = plan?.next(settledTo);
      await schedules.change(id, () => ({ settledTo: now }));
      if (missed !== undefined && missed <= now)
        await notify(schedule, { kind: 'missed', plannedAtMs: missed });
      return;
    }
    if (!isOpen) return;
    const started = await start(schedule, plannedAt, now - plannedAt > IN_TIME_MS);
    await note(schedule, plannedAt, started);
  };
  const note = async (schedule: Schedule, plannedAt: number, started: Started): Promise<void> => {
    const { schedules } = deps;
    const { id } = schedule;
    const settle = async (change: ScheduleChange): Promise<void> => {
      // If somebody has resumed it meanwhile, it is settled up to that time.
      await schedules.change(id, (now) => ({ ...change, settledTo: Math.max(now.settledTo, plannedAt) }));
      notBefore.delete(id);
    };
    switch (started.kind) {
      case 'accepted':
        return await settle({ lastRunId: started.runId });
      case 'duplicate':
        return await settle({});
      case 'refused':
        await settle({});
        return await fail(schedule, started.why);
      case 'impossible':
        await settle({ pausedFor: started.reason });
        return await notify(schedule, { kind: 'paused', reason: started.reason });
      case 'unanswered':
        if (Date.now() + RETRY_MS < plannedAt + LATE_MS) return retry(id, started.why);
        await settle({});
        return await fail(schedule, started.why);
    }
  };
  const fail = async (schedule: Schedule, why: string): Promise<void> => {
    await notify(schedule, { kind: 'refused', why });
    await count(schedule.id, 'failed');
  };
  const retry = (id: string, why: unknown): void => {
    const { log } = deps;
    log.warn(
      { event: 'schedule.retried', schedule: id, err: why },
      'a schedule could not be started; this is tried again',
    );
    notBefore.set(id, Date.now() + RETRY_MS);
  };
  /** If the channel cannot be told, the list of schedules still shows it. */
  const notify = async (schedule: Schedule, news: ScheduleNews): Promise<void> => {
    await deps
      .notify(schedule, news)
      .catch((error: unknown) =>
        deps.log.warn(
          { event: 'schedule.untold', schedule: schedule.id, err: error },
          'the channel could not be told about a schedule',
        ),
      );
  };
  return {
    /** Starts what is due from now on, and settles what was missed. */
    start(): void {
      isOpen = true;
      deps.schedules.onDue = (atMs) => arm(atMs);
      wake();
    },
    close(): void {
      isOpen = false;
      clearTimeout(timer);
    },
    /** A run has ended; undefined: it belonged to no schedule. Never throws. */
    noteEnd(ended: { id: string; end: RunEnd } | undefined): void {
      if (ended === undefined) return;
      count(ended.id, ended.end).catch((error: unknown) =>
        deps.log.error(
          { event: 'schedule.uncounted', schedule: ended.id, err: error },
          'the end of a scheduled run could not be counted',
        ),
      );
    },
  };
}

export type Scheduler = ReturnType<typeof createScheduler>;
