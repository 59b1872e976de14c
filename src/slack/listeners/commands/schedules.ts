import { UserError } from '../../../errors.ts';
import type { Parameter } from '../../../saved/parameters/values.ts';
import type { Schedule } from '../../../saved/schedules/schedules.ts';
import { isTimeZone, Plan, type Timing } from '../../../saved/schedules/timing.ts';
import { toSnippet } from '../../../saved/saved-snippets.ts';
import { auditSchedule } from '../../auth/audit.ts';
import { must, type Person } from '../../auth/policy.ts';
import {
  type ListedSchedule,
  renderSchedules,
  scheduledAnswer,
  scheduleName,
} from '../../blocks/saved/schedule-blocks.ts';
import type { Bot, CommandAnswer, CommandPlace } from '../../context.ts';
import { mustRun } from '../requests.ts';
import { findSaved } from './saved.ts';

export interface AskedSchedule {
  name: string;
  timing: Timing;
  parameters: readonly Parameter[];
  onlyOnFailure: boolean;
}

/** How many of the coming times are told. */
const TOLD_TIMES = 3;

/** Each run of it will be this person's, with their right. Throws `UserError` for everything that could never run. */
export async function makeSchedule(
  asked: AskedSchedule,
  person: Person,
  channel: string,
  bot: Bot,
): Promise<string> {
  await Promise.all([mustRun(person, channel, bot), bot.channels.mustBeMember(channel)]);
  const saved = findSaved(asked.name, channel, bot);
  // Refused now rather than on Monday at eight.
  toSnippet(saved, (await bot.saved.code(saved)) ?? [], asked.parameters);
  const timeZone = isTimeZone(person.timeZone) ? person.timeZone : 'UTC';
  const now = Date.now();
  const made = { channel, ...asked, name: saved.name, maker: person.id, timeZone };
  const schedule = await bot.schedules.add(made, now);
  auditSchedule('schedule', schedule, person.id, bot);
  const times = new Plan(schedule, timeZone).nextTimes(now, TOLD_TIMES);
  return scheduledAnswer(schedule, times, timeZone === person.timeZone);
}

export async function listSchedules(channel: string, bot: Bot): Promise<CommandAnswer> {
  const schedules = bot.schedules.list(channel);
  return renderSchedules(await describeSchedules(schedules, bot), bot.workspaceUrl, Date.now());
}

export async function describeSchedules(schedules: readonly Schedule[], bot: Bot): Promise<ListedSchedule[]> {
  return await Promise.all(
    schedules.map(async (schedule) => ({
      schedule,
      next: bot.schedules.nextOf(schedule.id),
      lastRun: schedule.lastRunId === undefined ? undefined : await bot.findRun(schedule.lastRunId),
    })),
  );
}

/** Its maker may, or an admin. */
export function mustChangeSchedule(schedule: Schedule, person: Person, bot: Bot): void {
  const action = schedule.maker === person.id ? 'changeOwnSchedule' : 'changeOthersSchedule';
  must(action, person, schedule.channel, bot.policy);
}

export async function removeSchedule(
  { number }: { number: number },
  person: Person,
  { channel }: Pick<CommandPlace, 'channel'>,
  bot: Bot,
): Promise<CommandAnswer> {
  const schedules = bot.schedules.list(channel);
  const schedule = schedules.find((each) => each.number === number);
  if (schedule === undefined) {
    const numbers = schedules.map((each) => each.number).join(', ');
    throw new UserError(
      'badCommand',
      `This channel has no schedule ${number}. ${numbers === '' ? 'Nothing is scheduled here.' : `There is: ${numbers}.`} Nothing was changed.`,
    );
  }
  mustChangeSchedule(schedule, person, bot);
  if (await bot.schedules.remove(schedule.id)) auditSchedule('unschedule', schedule, person.id, bot);
  return { text: `Removed ${scheduleName(schedule)}.` };
}
