import { UserError } from '../../errors.ts';
import type { RunOutcome } from '../../runs/outcome.ts';
import { isUnfinished, type Run } from '../../runs/run.ts';
import type { RunEnd, ScheduleNews, Started } from '../../saved/schedules/scheduler.ts';
import { plannedRequest, type Schedule } from '../../saved/schedules/schedules.ts';
import { isTimeZone, Plan } from '../../saved/schedules/timing.ts';
import { auditSchedule } from '../auth/audit.ts';
import { must, type Person } from '../auth/policy.ts';
import { channelName } from '../blocks/elements.ts';
import { ENDS, scheduledEnd } from '../blocks/run-summary.ts';
import {
  type ListedSchedule,
  newsText,
  renderSchedules,
  scheduledAnswer,
  scheduleName,
} from '../blocks/saved/schedule-blocks.ts';
import type { Bot, CommandAnswer, CommandPlace } from '../context.ts';
import type { Command } from '../parsing/command.ts';
import { findSaved, snippetOf } from './commands/saved.ts';
import { mustRun, submitRun } from './requests.ts';

/** Schedules: how they are made, listed and removed, and how their planned runs start. */

/** Refusals that end when other runs do: somebody may have many schedules at eight. */
const FULL: ReadonlySet<UserError['code']> = new Set(['queueFull', 'tooManyRuns']);

/** How many of the next times are told. */
const TOLD_TIMES = 3;

/**
 * Makes a schedule, whose runs are requested by this person, with their rights. Throws `UserError` for what could never
 * run. Makes none once `signal` is aborted, because its reason was told instead.
 */
export async function makeSchedule(
  asked: Omit<Command & { kind: 'schedule' }, 'kind'>,
  person: Person,
  channel: string,
  bot: Bot,
  signal?: AbortSignal,
): Promise<string> {
  await Promise.all([mustRun(person, channel, bot), bot.channels.mustBePostable(channel)]);
  const saved = findSaved(asked.name, channel, bot);
  // Refused now rather than on Monday at eight.
  await snippetOf(saved, asked.parameters, bot);
  const timeZone = isTimeZone(person.timeZone) ? person.timeZone : 'UTC';
  const now = Date.now();
  const made = { channel, ...asked, name: saved.name, maker: person.id, timeZone };
  signal?.throwIfAborted();
  const schedule = await bot.schedules.add(made, now);
  if (signal?.aborted === true) await bot.schedules.remove(schedule.id);
  signal?.throwIfAborted();
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
      lastRun: schedule.lastRunId === undefined ? undefined : await bot.runs.find(schedule.lastRunId),
    })),
  );
}

/** Its maker or an admin may change it. */
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

/**
 * Starts the run of a planned minute. The requester is the schedule's maker, with the rights that they have now. Never
 * rejects.
 */
export async function startScheduled(
  schedule: Schedule,
  plannedAtMs: number,
  isLate: boolean,
  bot: Bot,
): Promise<Started> {
  const { channel, maker, name } = schedule;
  try {
    const saved = bot.saved.find(channel, name);
    if (saved === undefined) return { kind: 'impossible', reason: 'snippetGone' };
    const person = await bot.users.find(maker);
    if (person.isUnknown || person.areGroupsUnknown === true)
      return { kind: 'unanswered', why: 'Slack did not say who made it.' };
    const lost = await findLoss(schedule, person, bot);
    if (lost !== undefined) return { kind: 'impossible', reason: lost };
    if (await isStillRunning(schedule, bot))
      return { kind: 'refused', why: 'Its last run has not ended yet.' };
    const snippet = await bot.saved.snippet(saved, schedule.parameters);
    if (snippet === undefined) return { kind: 'impossible', reason: 'snippetGone' };
    // Somebody may have removed or paused it while Slack and the store were asked.
    if (bot.schedules.nextOf(schedule.id) === undefined) return { kind: 'settled' };
    const requestKey = plannedRequest(schedule, plannedAtMs);
    const admitted = await submitRun(
      {
        requestKey,
        source: 'schedule',
        channel,
        thread: '',
        snippet,
        saved: {
          name: saved.name,
          schedule: { id: schedule.id, words: schedule.words, isQuiet: schedule.onlyOnFailure },
        },
        attended: false,
        notes: isLate ? [lateNote(schedule, plannedAtMs)] : [],
      },
      person,
      bot,
    );
    if (admitted.kind === 'accepted') return admitted;
    const run = await bot.runOf(requestKey);
    return run === undefined ? { kind: 'settled' } : { kind: 'accepted', runId: run.id };
  } catch (error) {
    if (error instanceof UserError)
      return { kind: 'refused', why: error.message, isFull: FULL.has(error.code) };
    bot.log.warn(
      { event: 'schedule.unanswered', schedule: schedule.id, err: error },
      'a scheduled run could not be started',
    );
    return { kind: 'unanswered', why: 'The bot’s store, Slack or the gateway gave no answer.' };
  }
}

/** Why a schedule has to pause until somebody resumes it, if it has to. Rejects if Slack does not answer. */
async function findLoss(
  { channel, maker }: Schedule,
  person: Person,
  { channels }: Bot,
): Promise<'makerGone' | 'noChannel' | undefined> {
  if (person.isDeactivated === true) return 'makerGone';
  const facts = await channels.find(channel);
  if (facts?.isPostable !== true) return 'noChannel';
  // Everybody who may run code may do so in a public channel.
  if (!facts.isPrivate || channel.startsWith('D')) return undefined;
  return (await channels.isMemberForCertain(channel, maker)) ? undefined : 'makerGone';
}

/** A run that takes longer than its interval would fill the queue. */
async function isStillRunning({ lastRunId }: Schedule, bot: Bot): Promise<boolean> {
  const run = lastRunId === undefined ? undefined : await bot.runs.find(lastRunId);
  return run !== undefined && isUnfinished(run);
}

function lateNote({ timeZone }: Schedule, plannedAtMs: number): string {
  const planned = new Intl.DateTimeFormat('en-GB', { timeZone, hour: '2-digit', minute: '2-digit' });
  return `Planned for ${planned.format(plannedAtMs)} (${timeZone}); it could not begin then.`;
}

/** Tells the channel, or the schedule's maker if the bot cannot post there. */
export async function notifyScheduleNews(schedule: Schedule, news: ScheduleNews, bot: Bot): Promise<void> {
  const text = newsText(schedule, news);
  if (await bot.notify.channel({ channel: schedule.channel }, text)) return;
  await bot.notify.person({ user: schedule.maker }, `${channelName(schedule.channel)} ${text}`);
}

/** The schedule of a run, and how the run ended for it; undefined for a run without one. */
export function readScheduledEnd(
  { data }: Run,
  outcome: RunOutcome,
): { id: string; end: RunEnd } | undefined {
  const id = data.saved?.schedule?.id;
  return id === undefined ? undefined : { id, end: ENDS[scheduledEnd(outcome)].counts };
}
