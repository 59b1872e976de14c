import type { BlockAction, SlackActionMiddlewareArgs } from '@slack/bolt';
import { UserError } from '../../../errors.ts';
import type { Schedule } from '../../../saved/schedules/schedules.ts';
import { toSnippet } from '../../../saved/saved-snippets.ts';
import { auditSchedule, withAudit } from '../../auth/audit.ts';
import type { Person } from '../../auth/policy.ts';
import {
  readScheduleButton,
  type ScheduleAction,
  type ScheduleClick,
} from '../../blocks/saved/schedule-buttons.ts';
import type { Bot } from '../../context.ts';
import { findSaved } from '../commands/saved.ts';
import { listSchedules, mustChangeSchedule } from '../commands/schedules.ts';
import { inTime } from '../deadline.ts';
import { openReply, withBoundary } from '../error-boundary.ts';
import { refreshHome } from '../events/app-home.ts';
import { mustBeIn, refuseDuplicate, submitRun } from '../requests.ts';

/** Pause, Resume, Run now and Delete, in the list of schedules and on the home tab. */
export async function onScheduleButton(
  args: SlackActionMiddlewareArgs<BlockAction>,
  bot: Bot,
): Promise<void> {
  const { body, action, respond } = args;
  const click =
    action.type === 'button' ? readScheduleButton(action.action_id, action.value ?? '') : undefined;
  const { reply, user, channel, notify: notifyInPlace } = openReply(args, bot);
  if (click === undefined) return await reply.send();
  const isHome = body.view?.type === 'home';
  const notify = async (text: string): Promise<void> => {
    await reply.send();
    if (isHome) return await refreshHome(user, bot, text);
    await notifyInPlace(text);
    await listAnew(channel);
  };
  const listAnew = async (of: string | undefined): Promise<void> => {
    if (of !== undefined) await respond({ replace_original: true, ...(await listSchedules(of, bot)) });
  };
  const asked = { audit: 'press', act: click.action, user, channel };
  await withBoundary({ what: 'a button of a schedule', notify, asked }, bot, async () => {
    const schedule = bot.schedules.find(click.id);
    if (schedule === undefined) throw new UserError('badCommand', 'That schedule is removed already.');
    const [person] = await inTime(
      Promise.all([
        bot.users.find(user),
        channel === schedule.channel ? undefined : mustBeIn(schedule.channel, user, bot),
      ]),
      reply.signal,
    );
    await withAudit({ ...asked, channel: schedule.channel }, bot, () =>
      act(click, schedule, person, bot, reply.signal),
    );
    await reply.send();
    if (isHome) await refreshHome(user, bot, undefined);
    else await listAnew(schedule.channel);
  });
}

async function act(
  { action, id, shownAtMs }: ScheduleClick,
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
  await inTime(bot.channels.mustBeMember(channel), signal);
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
  const { kind } = await submitRun(request, person, bot, signal);
  if (kind === 'duplicate') refuseDuplicate();
}
