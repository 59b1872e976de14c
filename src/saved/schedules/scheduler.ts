import type { Log } from '../../log.ts';
import type { PauseReason, Schedule, ScheduleChange, Schedules } from './schedules.ts';

/** The result of a planned minute. */
export type Started =
  | { kind: 'accepted'; runId: string }
  /** An earlier process submitted it and ended before it could note that, or the schedule was removed or paused meanwhile. */
  | { kind: 'settled' }
  /** `why` is a sentence for people. `isFull`: there is no place for it yet, so it is tried again. */
  | { kind: 'refused'; why: string; isFull?: boolean }
  | { kind: 'impossible'; reason: Exclude<PauseReason, 'byHand' | 'failures'> }
  /** Slack, the gateway or the store did not answer, so it is tried again. */
  | { kind: 'unanswered'; why: string };

/** What the channel is told about a schedule, apart from its runs. */
export type ScheduleNews =
  /** The minute `plannedAtMs` could not begin within an hour: bot, Slack, store or gateway were away. */
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
export class Scheduler {
  readonly #deps: SchedulerDeps;
  readonly #settling = new Set<string>();
  /** By schedule: not before this time is it tried again. */
  readonly #notBefore = new Map<string, number>();
  #timer: NodeJS.Timeout | undefined;
  /** When the timer fires; undefined if it is not set. */
  #armedFor: number | undefined;
  #isOpen = false;

  constructor(deps: SchedulerDeps) {
    this.#deps = deps;
  }

  /** Starts what is due from now on, and settles what was missed. */
  start(): void {
    this.#isOpen = true;
    this.#deps.schedules.onDue = (atMs) => this.#arm(atMs);
    this.#wake();
  }

  close(): void {
    this.#isOpen = false;
    clearTimeout(this.#timer);
  }

  /** A run has ended; undefined: it belonged to no schedule. Never throws. */
  noteEnd(ended: { id: string; end: RunEnd } | undefined): void {
    if (ended === undefined) return;
    this.#count(ended.id, ended.end).catch((error: unknown) =>
      this.#deps.log.error(
        { event: 'schedule.uncounted', schedule: ended.id, err: error },
        'the end of a scheduled run could not be counted',
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

  /** Sets the timer for this time, unless it fires earlier anyway. `Infinity`: nothing is due. */
  #arm(dueAt: number): void {
    if (!this.#isOpen || dueAt === Infinity) return;
    const now = Date.now();
    const upAt = Math.min(dueAt, now + LONGEST_SLEEP_MS);
    if (this.#armedFor !== undefined && this.#armedFor <= upAt) return;
    this.#armedFor = upAt;
    clearTimeout(this.#timer);
    const sleepMs = Math.max(0, upAt - now);
    this.#timer = setTimeout(() => this.#wake(), sleepMs).unref();
  }

  /** The schedules that are not being settled just now. */
  *#waiting(): Generator<{ schedule: Schedule; dueAt: number }> {
    for (const { schedule, next } of this.#deps.schedules.planned())
      if (!this.#settling.has(schedule.id))
        yield { schedule, dueAt: Math.max(next, this.#notBefore.get(schedule.id) ?? 0) };
  }

  #wake(): void {
    if (!this.#isOpen) return;
    this.#armedFor = undefined;
    const now = Date.now();
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
        this.#arm(Math.max(this.#deps.schedules.nextOf(id) ?? Infinity, this.#notBefore.get(id) ?? 0));
      }
    };
    for (let at = 0; at < AT_ONCE; at += 1) void settleNext();
    for (const { dueAt } of this.#waiting()) this.#arm(dueAt);
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
    // It may have been paused or removed meanwhile.
    if (schedule === undefined || schedule.pausedFor !== undefined) return;
    const { settledTo } = schedule;
    const now = Date.now();
    const plan = schedules.planOf(id);
    const first = plan?.next(settledTo) ?? Infinity;
    const plannedAt = plan?.newest(Math.max(settledTo, now - LATE_MS - 1), now);
    if (plannedAt === undefined || first < now - LATE_MS) {
      const upTo = plannedAt === undefined ? now : plannedAt - 1;
      await schedules.change(id, (newest) => ({ settledTo: Math.max(newest.settledTo, upTo) }));
      if (first <= now) await this.#notify(schedule, { kind: 'missed', plannedAtMs: first });
    }
    if (plannedAt === undefined || !this.#isOpen) return;
    const started = await start(schedule, plannedAt, now - plannedAt > IN_TIME_MS);
    await this.#note(schedule, plannedAt, started);
  }

  async #note(schedule: Schedule, plannedAt: number, started: Started): Promise<void> {
    const { schedules } = this.#deps;
    const { id } = schedule;
    const settle = async (change: ScheduleChange): Promise<void> => {
      // If somebody has resumed it meanwhile, it is settled up to that time.
      await schedules.change(id, (now) => ({ ...change, settledTo: Math.max(now.settledTo, plannedAt) }));
      this.#notBefore.delete(id);
    };
    switch (started.kind) {
      case 'accepted':
        return await settle({ lastRunId: started.runId });
      case 'settled':
        return await settle({});
      case 'refused': {
        const next = schedules.planOf(id)?.next(plannedAt) ?? Infinity;
        if (started.isFull === true && Date.now() + RETRY_MS < Math.min(next, plannedAt + LATE_MS))
          return this.#retry(id, started.why);
        await settle({});
        return await this.#fail(schedule, started.why);
      }
      case 'impossible':
        await settle({ pausedFor: started.reason });
        return await this.#notify(schedule, { kind: 'paused', reason: started.reason });
      case 'unanswered':
        if (Date.now() + RETRY_MS < plannedAt + LATE_MS) return this.#retry(id, started.why);
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
      'a schedule could not be started; this is tried again',
    );
    this.#notBefore.set(id, Date.now() + RETRY_MS);
  }

  /** If the channel cannot be told, the list of schedules still shows it. */
  async #notify(schedule: Schedule, news: ScheduleNews): Promise<void> {
    await this.#deps
      .notify(schedule, news)
      .catch((error: unknown) =>
        this.#deps.log.warn(
          { event: 'schedule.untold', schedule: schedule.id, err: error },
          'the channel could not be told about a schedule',
        ),
      );
  }
}
