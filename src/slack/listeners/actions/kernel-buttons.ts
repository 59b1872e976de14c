import type { BlockAction, SlackActionMiddlewareArgs } from '@slack/bolt';
import { UserError } from '../../../errors.ts';
import { readKeep } from '../../api/notify.ts';
import { auditRefused, withAudit } from '../../auth/audit.ts';
import { must } from '../../auth/policy.ts';
import { type KernelClick, readKernelButton } from '../../blocks/kernel-buttons.ts';
import { mention } from '../../blocks/mrkdwn.ts';
import type { Bot } from '../../context.ts';
import { changeKernel } from '../commands/kernels.ts';
import { Acknowledgement, inTime } from '../deadline.ts';
import { notifyPerson, threadOf, withBoundary } from '../error-boundary.ts';
import { refreshHome } from '../events/app-home.ts';
import { kernelClickRequest, runOnce } from '../requests.ts';

/** Restart or Shut down in the list of kernels or on the home tab: as the command does it. */
export async function onKernelButton(
  { ack, body, action }: SlackActionMiddlewareArgs<BlockAction>,
  bot: Bot,
): Promise<void> {
  const click = action.type === 'button' ? readKernelButton(action.action_id, action.value ?? '') : undefined;
  await new Acknowledgement(ack, bot.log).send();
  if (click === undefined) return;
  const user = body.user.id;
  const channel = body.channel?.id;
  const sendNotice = notifyPerson(bot.notify, { channel, user, thread: threadOf(body) });
  const isHome = body.view?.type === 'home';
  const notify = async (text: string): Promise<void> =>
    isHome ? await refreshHome(user, bot, text) : await sendNotice(text);
  const asked = { audit: 'press', act: click.action, user, channel };
  const onRefused = (error: unknown): void => auditRefused(asked, error, bot);
  await withBoundary({ log: bot.log, what: 'a button of a kernel', notify, onRefused }, async () => {
    const said = await clickKernelButton(click, user, channel, bot);
    if (said !== undefined) await notify(said);
    else if (isHome) await refreshHome(user, bot, undefined);
  });
}

/** What to say to the person; undefined for a second press. */
async function clickKernelButton(
  { action, kernelId, shownAtMs }: KernelClick,
  user: string,
  channel: string | undefined,
  bot: Bot,
): Promise<string | undefined> {
  const [person, record] = await Promise.all([
    bot.users.find(user),
    bot.control.kernelById(bot.workspace, kernelId),
  ]);
  must(action === 'restart' ? 'restart' : 'shutDown', person, record.channel, bot.policy);
  const isHere = channel === record.channel || (await bot.channels.isMember(record.channel, user));
  if (!isHere) must('otherChannels', person, record.channel, bot.policy);
  return await runOnce(kernelClickRequest(kernelId, action, shownAtMs), bot, async () => {
    const asked = { audit: 'press', act: action, user, channel: record.channel };
    const { text, told } = await withAudit(asked, bot, () => changeKernel(action, record, user, bot));
    await bot.notify.channel({ channel: told.channel }, told.text);
    return text;
  });
}

/** The Keep button under the warning of an idle kernel, for everybody who may run code in the channel. */
export async function onKeepButton(
  { ack, body, action, respond }: SlackActionMiddlewareArgs<BlockAction>,
  bot: Bot,
): Promise<void> {
  const kernel = action.type === 'button' ? readKeep(action.value) : undefined;
  const channel = body.channel?.id;
  const reply = new Acknowledgement(ack, bot.log);
  if (kernel === undefined || channel === undefined) return await reply.send();
  const user = body.user.id;
  const notify = notifyPerson(bot.notify, { channel, user, thread: threadOf(body) }, reply);
  const asked = { audit: 'press', act: 'keep', user, channel };
  const onRefused = (error: unknown): void => auditRefused(asked, error, bot);
  await withBoundary({ log: bot.log, what: 'a Keep button', notify, onRefused }, async () => {
    must('keep', await inTime(bot.users.find(user), reply.signal), channel, bot.policy);
    await withAudit(asked, bot, async () => {
      if (!(await bot.keepKernel(kernel.queue, kernel.kernelId)))
        throw new UserError('noKernel', 'That kernel is gone already, with its variables.');
    });
    await reply.send();
    await respond({ replace_original: true, text: `${mention(user)} kept the kernel.` }).catch(
      (error: unknown) =>
        bot.log.warn(
          { event: 'warning.unended', err: error },
          'a kernel was kept, and that the warning is over could not be shown',
        ),
    );
  });
}
