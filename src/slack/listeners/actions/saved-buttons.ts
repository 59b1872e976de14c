import type { BlockAction, SlackActionMiddlewareArgs } from '@slack/bolt';
import { UserError } from '../../../errors.ts';
import { toSnippet } from '../../../saved/saved-snippets.ts';
import { listChoices } from '../../../runs/languages/languages.ts';
import { withAudit } from '../../auth/audit.ts';
import { readReplacement } from '../../blocks/saved/saved-text.ts';
import { readRunSaved } from '../../blocks/saved/saved-home.ts';
import type { Bot } from '../../context.ts';
import { must } from '../../auth/policy.ts';
import { readPurpose } from '../../blocks/modals/editor.ts';
import { saveAnswer, saveRun } from '../commands/saved.ts';
import { Acknowledgement, inTime } from '../deadline.ts';
import { notifyPerson, openReply, withBoundary } from '../error-boundary.ts';
import { refreshHome } from '../events/app-home.ts';
import { renderFilled } from '../views/editor.ts';
import { mustBeIn, refuseDuplicate, submitRun } from '../requests.ts';

/** Replace, under the question that `save` asks where the name is taken. */
export async function onReplaceButton(args: SlackActionMiddlewareArgs<BlockAction>, bot: Bot): Promise<void> {
  const { action, respond } = args;
  const asked = action.type === 'button' ? readReplacement(action.value) : undefined;
  const { reply, user, channel, notify } = openReply(args, bot);
  if (asked === undefined) return await reply.send();
  const pressed = { audit: 'press', act: 'replace', user, channel, run: asked.runId };
  await withBoundary({ what: 'a button of a saved snippet', notify, asked: pressed }, bot, async () => {
    const found = Promise.all([bot.findRun(asked.runId), bot.users.find(user)]);
    const [run, person] = await inTime(found, reply.signal);
    if (run === undefined)
      throw new UserError('badCommand', 'That run is no longer kept, so nothing was saved.');
    const result = await withAudit(pressed, bot, () =>
      inTime(saveRun(run, asked, person, bot), reply.signal),
    );
    await reply.send();
    // Somebody saved another under this name meanwhile: that one was not asked about.
    await respond({ replace_original: true, ...saveAnswer(run, result, bot) });
  });
}

/** Run, on the home tab: as `run NAME` in the snippet's channel. */
export async function onRunSavedButton(
  args: SlackActionMiddlewareArgs<BlockAction>,
  bot: Bot,
): Promise<void> {
  const { action } = args;
  const click = action.type === 'button' ? readRunSaved(action.value) : undefined;
  const { reply, user } = openReply(args, bot);
  if (click === undefined) return await reply.send();
  const { channel, id, shownAt } = click;
  const asked = { audit: 'press', act: 'runSaved', user, channel };
  const notify = async (text: string): Promise<void> => {
    await reply.send();
    await refreshHome(user, bot, text);
  };
  await withBoundary({ what: 'a button of a saved snippet', notify, asked }, bot, async () => {
    const saved = bot.saved.byId({ workspace: bot.workspace, channel }, id);
    const blocks = saved === undefined ? undefined : await inTime(bot.saved.code(saved), reply.signal);
    if (saved === undefined || blocks === undefined)
      throw new UserError('badCommand', 'That snippet is no longer saved. Nothing ran.');
    const looked = Promise.all([
      bot.users.find(user),
      mustBeIn(channel, user, bot),
      bot.channels.mustBeMember(channel),
    ]);
    const [person] = await inTime(looked, reply.signal);
    const { name } = saved;
    const requestKey = `saved/${bot.workspace}/${id}/${shownAt}/${user}`;
    const place = { channel, thread: '', source: 'editor' } as const;
    const request = { requestKey, ...place, snippet: toSnippet(saved, blocks, []), saved: { name } };
    const { kind } = await submitRun(request, person, bot, reply.signal);
    if (kind === 'duplicate') refuseDuplicate();
    await notify(`\`${name}\` runs in <#${channel}>.`);
  });
}

/** The menu of saved snippets in the editor: the chosen one's code and language take the place of what is in it. */
export async function onLoadSaved(
  { ack, body, action }: SlackActionMiddlewareArgs<BlockAction>,
  bot: Bot,
): Promise<void> {
  await new Acknowledgement(ack, bot.log).send();
  const { view, user } = body;
  const id = action.type === 'static_select' ? action.selected_option?.value : undefined;
  if (view === undefined || id === undefined) return;
  const purpose = readPurpose(view.private_metadata);
  const { channel = '' } = purpose;
  const notify = notifyPerson(bot.notify, { channel, user: user.id });
  const asked = { audit: 'press', act: 'load', user: user.id, channel };
  const load = async (): Promise<void> => {
    const place = { workspace: bot.workspace, channel };
    const saved = bot.saved.byId(place, id);
    const [person, blocks, context] = await Promise.all([
      bot.users.find(user.id),
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
      saved: bot.saved.list(place),
    };
    // Slack keeps what was typed into fields of the same name.
    const loads = Number(action.action_ts);
    await bot.views.updateModal(view.id, renderFilled({ ...purpose, loads }, content));
  };
  // The later of two choices is what stays.
  await withBoundary({ what: 'a menu of the editor', notify, asked }, bot, async () => {
    await bot.memory.mutex.run(`view/${view.id}`, load);
  });
}
