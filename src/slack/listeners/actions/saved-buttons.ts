import type { BlockAction, SlackActionMiddlewareArgs } from '@slack/bolt';
import { UserError } from '../../../errors.ts';
import { toSnippet } from '../../../saved/to-snippet.ts';
import { auditRefused, withAudit } from '../../auth/audit.ts';
import { readReplacement } from '../../blocks/saved/saved-text.ts';
import { readRunSaved } from '../../blocks/saved/saved-home.ts';
import type { Bot } from '../../context.ts';
import { saveAnswer, saveRun } from '../commands/saved.ts';
import { Acknowledgement, inTime } from '../deadline.ts';
import { notifyPerson, threadOf, withBoundary } from '../error-boundary.ts';
import { refreshHome } from '../events/app-home.ts';
import { mustBeIn, refuseDuplicate, submitRun } from '../requests.ts';

/** Replace, under the question that `save` asks where the name is taken. */
export async function onReplaceButton(
  { ack, body, action, respond }: SlackActionMiddlewareArgs<BlockAction>,
  bot: Bot,
): Promise<void> {
  const asked = action.type === 'button' ? readReplacement(action.value) : undefined;
  const reply = new Acknowledgement(ack, bot.log);
  if (asked === undefined) return await reply.send();
  const user = body.user.id;
  const where = { channel: body.channel?.id, user, thread: threadOf(body) };
  const notify = notifyPerson(bot.notify, where, reply);
  const pressed = { audit: 'press', act: 'replace', user, channel: where.channel, run: asked.runId };
  const onRefused = (error: unknown): void => auditRefused(pressed, error, bot);
  const what = 'a button of a saved snippet';
  await withBoundary({ log: bot.log, what, notify, onRefused }, async () => {
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
  { ack, body, action }: SlackActionMiddlewareArgs<BlockAction>,
  bot: Bot,
): Promise<void> {
  const click = action.type === 'button' ? readRunSaved(action.value) : undefined;
  const reply = new Acknowledgement(ack, bot.log);
  if (click === undefined) return await reply.send();
  const user = body.user.id;
  const { channel, id, shownAt } = click;
  const asked = { audit: 'press', act: 'runSaved', user, channel };
  const onRefused = (error: unknown): void => auditRefused(asked, error, bot);
  const notify = async (text: string): Promise<void> => {
    await reply.send();
    await refreshHome(user, bot, text);
  };
  await withBoundary({ log: bot.log, what: 'a button of a saved snippet', notify, onRefused }, async () => {
    const saved = bot.saved.byId({ workspace: bot.workspace, channel }, id);
    const blocks = saved === undefined ? undefined : await inTime(bot.saved.code(saved), reply.signal);
    if (saved === undefined || blocks === undefined)
      throw new UserError('badCommand', 'That snippet is no longer saved. Nothing ran.');
    const looked = Promise.all([bot.users.find(user), mustBeIn(channel, user, bot)]);
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
