import type { Log } from '../../log.ts';
import type { PauseReason, Schedule, ScheduleChange, Schedules } from './schedules.ts';

/** What came of a planned minute. */
export type Started =
  | { kind: 'accepted'; runId: string }
  /** A predecessor had it accepted and did not live to note it. */
  | { kind: 'duplicate' }
  /** A sentence for people. */
  | { kind: 'refused'; why: string }
  | { kind: 'impossible'; reason: Exclude<PauseReason, 'byHand' | 'failures'> }
  /** Slack, gateway or store gave no answer: it is tried again. */
  | { kind: 'unanswered'; why: string };

/** What the channel hears of a schedule beside its runs. */
export type ScheduleNews =
  /** The bot was away from before `plannedAtMs` until more than an hour later. */
  | { kind: 'missed'; plannedAtMs: number }
  | { kind: 'refused'; why: string }
  | { kind: 'paused'; reason: Exclude<PauseReason, 'byHand'> };

export type RunEnd = 'ok' | 'failed' | 'stopped';

export interface SchedulerDeps {
  schedules: Schedules;
  /** Has the snippet run, under the planned minute's request. `isLate`: the bot was away then. Never rejects. */
  start: (schedule: Schedule, plannedAtMs: number, isLate: boolean) => Promise<Started>;
  notify: (schedule: Schedule, news: ScheduleNews) => Promise<void>;
  log: Log;
  now?: () => number;
}

/** What was missed for longer than this does not run any more. */
const LATE_MS = 60 * 60_000;
/** What begins within this time of its minute is in time. */
const IN_TIME_MS = 60_000;
const RETRY_MS = 30_000;
const MAX_FAILURES = 5;
/** How many are started at once. */
const AT_ONCE = 20;
/** A machine that slept, or whose clock was set, is noticed by then. */
const LONGEST_SLEEP_MS = 10 * 60_000;

/**
 * Starts what is due: one timer for the schedule that is due next. Each planned minute is dealt with once: the run store
 * knows its request, and the schedule's record says up to when all is settled. The leader has one.
 */
export class Scheduler {
  readonly #deps: SchedulerDeps;
  readonly #now: () => number;
  readonly #settling = new Set<string>();
  /** When what gave no answer is tried again. */
  readonly #notBefore = new Map<string, number>();
  #timer: NodeJS.Timeout | undefined;
  /** When the timer is up; undefined: it is not set. */
  #armedFor: number | undefined;
  #isOpen = false;

  constructor(deps: SchedulerDeps) {
    this.#deps = deps;
    this.#now = deps.now ?? Date.now;
  }

  /** From now on what is due is started; what was missed is dealt with at once. */
  start(): void {
    this.#isOpen = true;
    this.#deps.schedules.onDue = (atMs) => this.#arm(atMs);
    this.#wake();
  }

  close(): void {
    this.#isOpen = false;
    clearTimeout(this.#timer);
  }

  /** A run of a schedule has ended; undefined: one of none. Never throws. */
  noteEnd(ended: { id: string; end: RunEnd } | undefined): void {
    if (ended === undefined) return;
    this.#count(ended.id, ended.end).catch((error: unknown) =>
      this.#deps.log.error(
        { event: 'schedule.uncounted', schedule: ended.id, err: error },
        'how a run of a schedule ended is not counted',
      ),
    );
  }

  async #count(id: string, end: RunEnd): Promise<void> {
    let isPausing = false;
    const schedule = await this.#deps.schedules.change(id, (now) => {
      const failures = end === 'failed' ? now.failures + 1 : end === 'ok' ? 0 : now.failures;
      if (failures === now.failures) return undefined;
      isPausing = failures >= MAX_FAILURES && now.pausedFor === undefined;
      return { failures, ...(isPausing ? { pausedFor: 'failures' as const } : {}) };
    });
    if (isPausing && schedule !== undefined)
      await this.#notify(schedule, { kind: 'paused', reason: 'failures' });
  }

  /** Sets the timer for what is due then, where it is not up before. */
  #arm(dueAt: number | undefined): void {
    if (!this.#isOpen || dueAt === undefined) return;
    const now = this.#now();
    const upAt = Math.min(dueAt, now + LONGEST_SLEEP_MS);
    if (this.#armedFor !== undefined && this.#armedFor <= upAt) return;
    this.#armedFor = upAt;
    clearTimeout(this.#timer);
    const sleepMs = Math.max(0, upAt - now);
    // What is due is nothing that keeps a process alive.
    this.#timer = setTimeout(() => this.#wake(), sleepMs).unref();
  }

  #nextDue(): number | undefined {
    let first: number | undefined;
    for (const { dueAt } of this.#waiting()) if (first === undefined || dueAt < first) first = dueAt;
    return first;
  }

  #dueAt(id: string): number | undefined {
    const next = this.#deps.schedules.nextOf(id);
    return next === undefined ? undefined : Math.max(next, this.#notBefore.get(id) ?? 0);
  }

  /** Those that are not being dealt with just now. */
  *#waiting(): Generator<{ schedule: Schedule; dueAt: number }> {
    for (const { schedule, next } of this.#deps.schedules.planned())
      if (!this.#settling.has(schedule.id))
        yield { schedule, dueAt: Math.max(next, this.#notBefore.get(schedule.id) ?? 0) };
  }

  #wake(): void {
    if (!this.#isOpen) return;
    this.#armedFor = undefined;
    const now = this.#now();
    this.#reopen(now);
    const due = [...this.#waiting()].filter(({ dueAt }) => dueAt <= now).map(({ schedule }) => schedule.id);
    for (const id of due) this.#settling.add(id);
    const settleNext = async (): Promise<void> => {
      for (let id = due.shift(); id !== undefined; id = due.shift()) {
        try {
          await this.#settle(id);
        } catch (error) {
          this.#retry(id, error);
        }
        this.#settling.delete(id);
        this.#arm(this.#dueAt(id));
      }
    };
    for (let at = 0; at < AT_ONCE; at += 1) void settleNext();
    this.#arm(this.#nextDue());
  }

  /** A clock that was ahead for a while has settled minutes that are still to come. */
  #reopen(now: number): void {
    const { schedules } = this.#deps;
    for (const { id, settledTo } of schedules.all())
      if (settledTo > now + LATE_MS)
        schedules.change(id, () => ({ settledTo: now })).catch((error: unknown) => this.#retry(id, error));
  }

  async #settle(id: string): Promise<void> {
    const { schedules, start } = this.#deps;
    const schedule = schedules.find(id);
    // It may have been paused or removed while others were started.
    if (schedule === undefined || schedule.pausedFor !== undefined) return;
    const { settledTo } = schedule;
    const now = this.#now();
    const plan = schedules.planOf(id);
    const plannedAt = plan?.newest(Math.max(settledTo, now - LATE_MS - 1), now);
    if (plannedAt === undefined) {
      const missed = plan?.next(settledTo);
      await schedules.change(id, () => ({ settledTo: now }));
      if (missed !== undefined && missed <= now)
        await this.#notify(schedule, { kind: 'missed', plannedAtMs: missed });
      return;
    }
    if (!this.#isOpen) return;
    const started = await start(schedule, plannedAt, now - plannedAt > IN_TIME_MS);
    await this.#note(schedule, plannedAt, started);
  }

  async #note(schedule: Schedule, plannedAt: number, started: Started): Promise<void> {
    const { schedules } = this.#deps;
    const { id } = schedule;
    const settle = async (change: ScheduleChange): Promise<void> => {
      // Resumed meanwhile, it has left this minute behind.
      await schedules.change(id, (now) => ({ ...change, settledTo: Math.max(now.settledTo, plannedAt) }));
      this.#notBefore.delete(id);
    };
    switch (started.kind) {
      case 'accepted':
        return await settle({ lastRunId: started.runId });
      case 'duplicate':
        return await settle({});
      case 'refused':
        await settle({});
        return await this.#fail(schedule, started.why);
      case 'impossible':
        await settle({ pausedFor: started.reason });
        return await this.#notify(schedule, { kind: 'paused', reason: started.reason });
      case 'unanswered':
        if (this.#now() + RETRY_MS < plannedAt + LATE_MS) return this.#retry(id, started.why);
        await settle({});
        return await this.#fail(schedule, started.why);
    }
  }

  async #fail(schedule: Schedule, why: string): Promise<void> {
    await this.#notify(schedule, { kind: 'refused', why });
    await this.#count(schedule.id, 'failed');
  }

  #retry(id: string, why: unknown): void {
    const { log } = this.#deps;
    log.warn(
      { event: 'schedule.retried', schedule: id, err: why },
      'a schedule could not be dealt with; it is tried again',
    );
    this.#notBefore.set(id, this.#now() + RETRY_MS);
  }

  /** What the channel is not told is in the list of schedules. */
  async #notify(schedule: Schedule, news: ScheduleNews): Promise<void> {
    await this.#deps
      .notify(schedule, news)
      .catch((error: unknown) =>
        this.#deps.log.warn(
          { event: 'schedule.untold', schedule: schedule.id, err: error },
          'news of a schedule could not be told',
        ),
      );
  }
}
