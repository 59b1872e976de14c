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
  /** The first planned minute that is not settled: worked out once, because all of them are compared often. */
  next: number | undefined;
}

/** More than this nobody keeps in view. */
const MAX_PER_CHANNEL = 50;

/**
 * The schedules of a workspace: in memory, and in Keyv by id. Another workspace's in the same store are its bot's affair.
 * What is asked is asked of memory alone; everything that writes rejects with `StoreError`, and then nothing was changed.
 */
export class Schedules {
  readonly #keyv: Keyv;
  readonly #workspace: string;
  readonly #mutex = new KeyedMutex();
  readonly #known = new Map<string, Known>();
  /** Told of what is due by a change: it may be the next one of all. ms since the epoch. */
  onDue: (atMs: number) => void = () => undefined;

  constructor(keyv: Keyv, workspace: string) {
    this.#keyv = keyv;
    this.#workspace = workspace;
  }

  /** Once, when this process becomes the leader. */
  async load(): Promise<void> {
    for await (const [, stored] of entriesOf(this.#keyv)) {
      const schedule = scheduleSchema.safeParse(stored).data;
      if (schedule?.workspace === this.#workspace) this.#remember(schedule);
    }
  }

  /** Those that are not paused, each with its first planned minute that is not settled. */
  *planned(): Generator<{ schedule: Schedule; next: number }> {
    for (const { schedule, next } of this.#known.values())
      if (schedule.pausedFor === undefined && next !== undefined) yield { schedule, next };
  }

  all(): Schedule[] {
    return [...this.#known.values()].map(({ schedule }) => schedule);
  }

  /** Of a channel, by number. */
  list(channel: string): Schedule[] {
    return this.all()
      .filter((schedule) => schedule.channel === channel)
      .toSorted((a, b) => a.number - b.number);
  }

  find(id: string): Schedule | undefined {
    return this.#known.get(id)?.schedule;
  }

  /** Its first planned minute that is not settled; undefined where it is paused. */
  nextOf(id: string): number | undefined {
    const known = this.#known.get(id);
    return known?.schedule.pausedFor === undefined ? known?.next : undefined;
  }

  /** Undefined for one that is not known any more. */
  planOf(id: string): Plan | undefined {
    return this.#known.get(id)?.plan;
  }

  /** Throws `UserError` for a timing that never comes, and where the channel has enough. */
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

  /** Changes a schedule as it is then; undefined where it is gone. */
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

  /** All of them, into a store that was emptied. */
  async storeAgain(): Promise<void> {
    for (const id of this.#known.keys()) await this.change(id, () => ({}));
  }

  /** False where it is gone already. */
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

  /** What this machine cannot read as a time is left out: it would never be due. */
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

/** Why a schedule rests; the channel was told. */
export type PauseReason = NonNullable<Schedule['pausedFor']>;

const scheduleSchema = z.object({
  /** uuid. */
  id: z.string(),
  /** What people call it by in its channel: 1, 2, … */
  number: z.number(),
  workspace: z.string(),
  channel: z.string(),
  /** Slack user id: each run is theirs. */
  maker: z.string(),
  /** ms since the epoch, as are all times here. */
  madeAt: z.number(),
  /** Of the saved snippet. */
  name: z.string(),
  /** As its maker said when; and the cron line that it means. */
  words: z.string(),
  cron: z.string(),
  /** `Europe/Berlin`. */
  timeZone: z.string(),
  parameters: z.array(z.object({ name: z.string(), value: valueSchema })),
  /** The channel sees a run of it only where it failed. */
  onlyOnFailure: z.boolean(),
  pausedFor: z.enum(['byHand', 'failures', 'makerGone', 'snippetGone', 'noChannel']).optional(),
  /** Every planned minute up to this time has been dealt with. */
  settledTo: z.number(),
  /** Failures in a row. */
  failures: z.number(),
  /** Its newest run. */
  lastRunId: z.string().optional(),
});
export type Schedule = Readonly<z.infer<typeof scheduleSchema>>;

/** What changes of a schedule once it is made. */
export type ScheduleChange = Partial<Pick<Schedule, 'settledTo' | 'failures' | 'lastRunId'>> & {
  /** `undefined` resumes it. */
  pausedFor?: PauseReason | undefined;
};

/** One planned minute is one request, over crashes, takeovers and changes of the clock. */
export function plannedRequest({ workspace, id }: Schedule, plannedAtMs: number): string {
  return `schedule/${workspace}/${id}/${new Date(plannedAtMs).toISOString().slice(0, 16)}`;
}
