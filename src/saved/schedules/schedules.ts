import { randomUUID } from 'node:crypto';
import type { Keyv } from 'keyv';
import { z } from 'zod';
import { UserError } from '../../errors.ts';
import { entriesOf } from '../../store/keyv.ts';
import { KeyedMutex } from '../../waits.ts';
import type { Parameter, Value } from '../parameters/values.ts';
import { Plan, type Timing } from './timing.ts';

export interface NewSchedule extends Pick<
  Schedule,
  'channel' | 'maker' | 'name' | 'timeZone' | 'onlyOnFailure'
> {
  timing: Timing;
  parameters: readonly Parameter[];
}

interface Known {
  schedule: Schedule;
  plan: Plan;
  /** The first planned minute that is not settled. Cached, because all of them are compared often. */
  next: number | undefined;
}

const MAX_PER_CHANNEL = 50;

/**
 * The schedules of a workspace: in memory, and in Keyv by id. Schedules of other workspaces in the same store are ignored.
 * Reads use only memory. Methods that write reject with `StoreError`; then nothing was changed.
 */
export class Schedules {
  readonly #keyv: Keyv;
  readonly #workspace: string;
  readonly #mutex = new KeyedMutex();
  readonly #known = new Map<string, Known>();
  /** Called after a change with the schedule's next time (ms since the epoch). */
  onDue: (atMs: number) => void = () => undefined;

  constructor(keyv: Keyv, workspace: string) {
    this.#keyv = keyv;
    this.#workspace = workspace;
  }

  /** To be called once, when this process becomes the leader. */
  async load(): Promise<void> {
    for await (const [, stored] of entriesOf(this.#keyv)) {
      const schedule = scheduleSchema.safeParse(stored).data;
      if (schedule?.workspace === this.#workspace) this.#remember(schedule);
    }
  }

  /** The schedules that are not paused, each with its first planned minute that is not settled. */
  *planned(): Generator<{ schedule: Schedule; next: number }> {
    for (const { schedule, next } of this.#known.values())
      if (schedule.pausedFor === undefined && next !== undefined) yield { schedule, next };
  }

  all(): Schedule[] {
    return [...this.#known.values()].map(({ schedule }) => schedule);
  }

  /** The schedules of a channel, by number. */
  list(channel: string): Schedule[] {
    return this.all()
      .filter((schedule) => schedule.channel === channel)
      .toSorted((a, b) => a.number - b.number);
  }

  find(id: string): Schedule | undefined {
    return this.#known.get(id)?.schedule;
  }

  /** The first planned minute that is not settled; undefined if the schedule is paused. */
  nextOf(id: string): number | undefined {
    const known = this.#known.get(id);
    return known?.schedule.pausedFor === undefined ? known?.next : undefined;
  }

  /** Undefined if the schedule was removed. */
  planOf(id: string): Plan | undefined {
    return this.#known.get(id)?.plan;
  }

  /** Throws `UserError` for a timing that never comes, and if the channel has too many schedules. */
  async add(given: NewSchedule, nowMs: number): Promise<Schedule> {
    const { timing, parameters, ...rest } = given;
    if (new Plan(timing, given.timeZone).next(nowMs) === undefined)
      throw new UserError('badCommand', `${timing.words} never comes. Nothing was scheduled.`);
    return await this.#mutex.run(given.channel, async () => {
      const there = this.list(given.channel);
      if (there.length >= MAX_PER_CHANNEL)
        throw new UserError(
          'badCommand',
          `This channel has ${MAX_PER_CHANNEL} schedules, which is the limit. Nothing was scheduled; remove one first.`,
        );
      const schedule: Schedule = {
        ...rest,
        ...timing,
        workspace: this.#workspace,
        parameters: [...parameters],
        id: randomUUID(),
        number: (there.at(-1)?.number ?? 0) + 1,
        madeAt: nowMs,
        settledTo: nowMs,
        failures: 0,
      };
      await this.#keyv.set(schedule.id, schedule);
      this.#remember(schedule);
      this.#sayDue(schedule.id);
      return schedule;
    });
  }

  /** Changes a schedule. `changeOf` gets its newest record. Resolves with undefined if it was removed. */
  async change(
    id: string,
    changeOf: (now: Schedule) => ScheduleChange | undefined,
  ): Promise<Schedule | undefined> {
    return await this.#mutex.run(id, async () => {
      const known = this.#known.get(id);
      const change = known === undefined ? undefined : changeOf(known.schedule);
      if (known === undefined || change === undefined) return known?.schedule;
      const schedule = { ...known.schedule, ...change };
      await this.#keyv.set(id, schedule);
      this.#remember(schedule, known.plan);
      this.#sayDue(id);
      return schedule;
    });
  }

  /** Writes all schedules again after the store was emptied. */
  async storeAgain(): Promise<void> {
    for (const id of this.#known.keys()) await this.change(id, () => ({}));
  }

  /** False if it was removed already. */
  async remove(id: string): Promise<boolean> {
    return await this.#mutex.run(id, async () => {
      if (!this.#known.has(id)) return false;
      await this.#keyv.delete(id);
      this.#known.delete(id);
      return true;
    });
  }

  #sayDue(id: string): void {
    const next = this.nextOf(id);
    if (next !== undefined) this.onDue(next);
  }

  /** Leaves out a schedule whose timing or time zone this machine cannot read. */
  #remember(schedule: Schedule, known?: Plan): void {
    try {
      const plan = known ?? new Plan(schedule, schedule.timeZone);
      this.#known.set(schedule.id, { schedule, plan, next: plan.next(schedule.settledTo) });
    } catch {
      this.#known.delete(schedule.id);
    }
  }
}

const valueSchema: z.ZodType<Value> = z.lazy(() =>
  z.union([
    z.object({ kind: z.enum(['integer', 'decimal']), digits: z.string() }),
    z.object({ kind: z.literal('boolean'), isTrue: z.boolean() }),
    z.object({ kind: z.literal('null') }),
    z.object({ kind: z.literal('text'), text: z.string() }),
    z.object({ kind: z.literal('list'), items: z.array(valueSchema) }),
  ]),
);

/** Why a schedule is paused. */
export type PauseReason = NonNullable<Schedule['pausedFor']>;

const scheduleSchema = z.object({
  /** uuid. */
  id: z.string(),
  /** Its number in its channel, for people: 1, 2, … */
  number: z.number(),
  workspace: z.string(),
  channel: z.string(),
  /** Slack user id of its maker, who is the requester of each run. */
  maker: z.string(),
  /** ms since the epoch, like all times here. */
  madeAt: z.number(),
  /** The name of the saved snippet. */
  name: z.string(),
  /** When it runs, in its maker's words, and as a cron line. */
  words: z.string(),
  cron: z.string(),
  /** `Europe/Berlin`. */
  timeZone: z.string(),
  parameters: z.array(z.object({ name: z.string(), value: valueSchema })),
  /** The channel sees only runs that fail. */
  onlyOnFailure: z.boolean(),
  pausedFor: z.enum(['byHand', 'failures', 'makerGone', 'snippetGone', 'noChannel']).optional(),
  /** Every planned minute up to this time is settled: it ran, was refused, or was missed. */
  settledTo: z.number(),
  /** Failures in a row. */
  failures: z.number(),
  /** The id of its newest run. */
  lastRunId: z.string().optional(),
});
export type Schedule = Readonly<z.infer<typeof scheduleSchema>>;

/** What can change in a schedule. */
export type ScheduleChange = Partial<Pick<Schedule, 'settledTo' | 'failures' | 'lastRunId'>> & {
  /** `undefined` resumes it. */
  pausedFor?: PauseReason | undefined;
};

/** The request key of a planned minute. It is the same after crashes, takeovers and changes of the clock. */
export function plannedRequest({ workspace, id }: Schedule, plannedAtMs: number): string {
  return `schedule/${workspace}/${id}/${new Date(plannedAtMs).toISOString().slice(0, 16)}`;
}
