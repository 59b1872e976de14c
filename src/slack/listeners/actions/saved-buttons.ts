import { UserError } from '../../../errors.ts';
import { listChoices } from '../../../runs/languages/languages.ts';
import type { Parameter } from '../../../saved/parameters/values.ts';
import type { SavedSnippet } from '../../../saved/saved-snippets.ts';
import type { Schedule } from '../../../saved/schedules/schedules.ts';
import { auditSchedule } from '../../auth/audit.ts';
import { must, type Person, refuse } from '../../auth/policy.ts';
import { purposeSchema } from '../../blocks/editor.ts';
import { channelName, type Click, readMetadata } from '../../blocks/elements.ts';
import { replaceButton, runSavedButton } from '../../blocks/saved/saved-blocks.ts';
import { type ScheduleAction, scheduleButtons } from '../../blocks/saved/schedule-blocks.ts';
import type { Bot } from '../../context.ts';
import { inTime } from '../boundary.ts';
import { findSaved, saveAnswer, saveRun, snippetOf } from '../commands/saved.ts';
import { onInteraction } from '../interactions.ts';
import { submitNew, findRunFor, type RunRequest } from '../requests.ts';
import { listSchedules, mustChangeSchedule } from '../schedules.ts';
import { renderFilled } from '../views/editor.ts';

/** Replace, under the question of `save` if the name is taken. */
export const onReplaceButton = onInteraction(
  {
    what: 'a button of a saved snippet',
    read: replaceButton.read,
    asked: ({ runId }) => ({ act: 'replace', run: runId }),
  },
  async (asked, { user, reply, replace, audited }, bot) => {
    const [run, person] = await findRunFor(asked.runId, user, 'nothing was saved', bot, reply.signal);
    const result = await audited({}, () => inTime(saveRun(run, asked, person, bot), reply.signal));
    // If somebody has saved another snippet under this name meanwhile, the answer is a new question.
    await replace({ replace_original: true, ...saveAnswer(run, result, bot) });
  },
);

/** Run, on the home tab, like `run NAME` in the snippet's channel. */
export const onRunSavedButton = onInteraction(
  {
    what: 'a button of a saved snippet',
    read: runSavedButton.read,
    asked: ({ channel }) => ({ act: 'runSaved', channel }),
  },
  async ({ channel, id, shownAt }, { user, reply, notify }, bot) => {
    const saved = bot.saved.byId(channel, id);
    if (saved === undefined)
      throw new UserError('badCommand', 'That snippet is no longer saved. Nothing ran.');
    const looked = Promise.all([bot.users.find(user), bot.channels.mustHaveMember(channel, user)]);
    const [person] = await inTime(looked, reply.signal);
    const requestKey = `saved/${bot.workspace}/${id}/${shownAt}/${user}`;
    await runByHand(saved, [], { requestKey, source: 'editor' }, person, bot, reply.signal);
    await notify(`\`${saved.name}\` runs in ${channelName(channel)}.`);
  },
);

/** The menu of saved snippets in the editor: the chosen snippet replaces the code and language. */
export const onLoadSaved = onInteraction(
  {
    what: 'a menu of the editor',
    read(id, _, { actionTs, view }) {
      const purpose = readMetadata(purposeSchema, view?.private_metadata ?? '');
      if (view === undefined || id === '' || purpose === undefined) return undefined;
      return { id, loads: Number(actionTs), viewId: view.id, purpose };
    },
    asked: ({ purpose }) => ({ act: 'load', channel: purpose.channel }),
    isAckedFirst: () => true,
  },
  async ({ id, loads, viewId, purpose }, { user }, bot) => {
    const { channel = '' } = purpose;
    const load = async (): Promise<void> => {
      const saved = bot.saved.byId(channel, id);
      const [person, blocks, context] = await Promise.all([
        bot.users.find(user),
        saved === undefined ? undefined : bot.saved.code(saved),
        bot.languages(channel),
      ]);
      must('run', person, channel, bot.policy);
      if (saved === undefined || blocks === undefined)
        throw new UserError('badCommand', 'That snippet is no longer saved.');
      const content = {
        languages: listChoices(context),
        kernelspec: saved.dialect ?? saved.kernelspec,
        blocks,
        saved: bot.saved.list(channel),
      };
      // Slack keeps what was typed into fields with the same ids, so they get new ones.
      await bot.views.updateModal(viewId, renderFilled({ ...purpose, loads }, content));
    };
    // In order, so that the later of two choices stays.
    await bot.memory.mutex.run(`view/${viewId}`, load);
  },
);

/** Pause, Resume, Run now and Delete, in the list of schedules and on the home tab. */
export const onScheduleButton = onInteraction(
  {
    what: 'a button of a schedule',
    read: scheduleButtons.read,
    asked: ({ action }) => ({ act: action }),
    async listAnew({ id }, { user, channel: here }, bot) {
      const channel = bot.schedules.find(id)?.channel ?? here;
      if (channel === undefined) return undefined;
      const [person, isIn] = await Promise.all([
        bot.users.find(user),
        channel === here || bot.channels.isMember(channel, user),
      ]);
      if (!isIn || refuse('look', person, channel, bot.policy) !== undefined) return undefined;
      return { replace_original: true, ...(await listSchedules(channel, bot)) };
    },
  },
  async (click, { user, channel, reply, audited }, bot) => {
    const schedule = bot.schedules.find(click.id);
    if (schedule === undefined) throw new UserError('badCommand', 'That schedule is removed already.');
    const isHere = channel === schedule.channel;
    const [person] = await inTime(
      Promise.all([
        bot.users.find(user),
        isHere ? undefined : bot.channels.mustHaveMember(schedule.channel, user),
      ]),
      reply.signal,
    );
    const work = () => act(click, schedule, person, bot, reply.signal);
    await audited({ channel: schedule.channel }, work);
  },
);

async function act(
  { action, id, state }: Click<ScheduleAction>,
  schedule: Schedule,
  person: Person,
  bot: Bot,
  signal: AbortSignal,
): Promise<void> {
  if (action !== 'runNow') return await inTime(change(action, schedule, person, bot), signal);
  const key = `schedule/${bot.workspace}/${id}/now/${state}/${person.id}`;
  const { name, channel, parameters } = schedule;
  const asked = { requestKey: key, source: 'schedule' } as const;
  await runByHand(findSaved(name, channel, bot), parameters, asked, person, bot, signal);
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
      // What was planned during the pause is skipped.
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

/** Runs a saved snippet; its requester is the person who pressed. */
async function runByHand(
  saved: SavedSnippet,
  parameters: readonly Parameter[],
  asked: Pick<RunRequest, 'requestKey' | 'source'>,
  person: Person,
  bot: Bot,
  signal: AbortSignal,
): Promise<void> {
  const { channel, name } = saved;
  await inTime(bot.channels.mustBePostable(channel), signal);
  const snippet = await inTime(snippetOf(saved, parameters, bot), signal);
  await submitNew({ ...asked, channel, thread: '', snippet, saved: { name } }, person, bot, signal);
}
