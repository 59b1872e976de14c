import { UserError } from '../../../errors.ts';
import { toSnippet } from '../../../saved/saved-snippets.ts';
import type { Schedule } from '../../../saved/schedules/schedules.ts';
import { auditSchedule } from '../../auth/audit.ts';
import type { Person } from '../../auth/policy.ts';
import type { Click } from '../../blocks/elements.ts';
import { type ScheduleAction, scheduleButtons } from '../../blocks/saved/schedule-blocks.ts';
import type { Bot } from '../../context.ts';
import { inTime } from '../boundary.ts';
import { findSaved } from '../commands/saved.ts';
import { listSchedules, mustChangeSchedule } from '../commands/schedules.ts';
import { mustBeIn, submitNew } from '../requests.ts';
import { onInteraction } from './interaction.ts';

/** Pause, Resume, Run now and Delete, in the list of schedules and on the home tab. */
export const onScheduleButton = onInteraction(
  {
    what: 'a button of a schedule',
    read: scheduleButtons.read,
    asked: ({ action }) => ({ act: action }),
  },
  async (click, { user, channel, isHome, reply, respond, audited }, bot) => {
    const schedule = bot.schedules.find(click.id);
    if (schedule === undefined) throw new UserError('badCommand', 'That schedule is removed already.');
    const isHere = channel === schedule.channel;
    const [person] = await inTime(
      Promise.all([bot.users.find(user), isHere ? undefined : mustBeIn(schedule.channel, user, bot)]),
      reply.signal,
    );
    const work = () => act(click, schedule, person, bot, reply.signal);
    await audited({ channel: schedule.channel }, work);
    await reply.send();
    if (!isHome) await respond({ replace_original: true, ...(await listSchedules(schedule.channel, bot)) });
  },
);

async function act(
  { action, id, shownAtMs }: Click<ScheduleAction>,
  schedule: Schedule,
  person: Person,
  bot: Bot,
  signal: AbortSignal,
): Promise<void> {
  if (action !== 'runNow') return await inTime(change(action, schedule, person, bot), signal);
  const key = `schedule/${bot.workspace}/${id}/now/${shownAtMs}/${person.id}`;
  await runNow(schedule, person, key, bot, signal);
}

async function change(
  action: Exclude<ScheduleAction, 'runNow'>,
  schedule: Schedule,
  person: Person,
  bot: Bot,
): Promise<void> {
  mustChangeSchedule(schedule, person, bot);
  const { schedules } = bot;
  switch (action) {
    case 'pause':
      await schedules.change(schedule.id, (now) =>
        now.pausedFor === undefined ? { pausedFor: 'byHand' } : undefined,
      );
      break;
    case 'resume':
      // What was planned while it rested is over.
      await schedules.change(schedule.id, (now) =>
        now.pausedFor === undefined
          ? undefined
          : { pausedFor: undefined, failures: 0, settledTo: Math.max(now.settledTo, Date.now()) },
      );
      break;
    case 'delete':
      if (!(await schedules.remove(schedule.id))) return;
  }
  auditSchedule(action, schedule, person.id, bot);
}

/** The person who presses is the requester of this run. */
async function runNow(
  schedule: Schedule,
  person: Person,
  requestKey: string,
  bot: Bot,
  signal: AbortSignal,
): Promise<void> {
  const { channel, name, parameters } = schedule;
  const saved = findSaved(name, channel, bot);
  const blocks = await inTime(bot.saved.code(saved), signal);
  if (blocks === undefined) throw new UserError('badCommand', 'Its code is no longer kept. Nothing ran.');
  const snippet = toSnippet(saved, blocks, parameters);
  const request = {
    requestKey,
    source: 'schedule',
    channel,
    thread: '',
    snippet,
    saved: { name: saved.name },
  } as const;
  await submitNew(request, person, bot, signal);
}
