import type { BlockAction, RespondArguments, SlackActionMiddlewareArgs } from '@slack/bolt';
import { UserError } from '../../../errors.ts';
import { readKeep } from '../../api/notify.ts';
import { withAudit } from '../../auth/audit.ts';
import { must, refuse } from '../../auth/policy.ts';
import { type KernelClick, readKernelButton } from '../../blocks/kernel-text.ts';
import { mention } from '../../blocks/mrkdwn.ts';
import type { Bot } from '../../context.ts';
import { changeKernel, listKernels } from '../commands/kernels.ts';
import { inTime } from '../deadline.ts';
import { openReply, withBoundary } from '../error-boundary.ts';
import { refreshHome } from '../events/app-home.ts';
import { kernelClickRequest, runOnce } from '../requests.ts';

/** Restart or Shut down in the list of kernels or on the home tab: as the command does it. */
export async function onKernelButton(args: SlackActionMiddlewareArgs<BlockAction>, bot: Bot): Promise<void> {
  const { body, action, respond } = args;
  const click = action.type === 'button' ? readKernelButton(action.action_id, action.value ?? '') : undefined;
  const { reply, user, channel, notify: notifyInPlace } = openReply(args, bot);
  await reply.send();
  if (click === undefined) return;
  const isHome = body.view?.type === 'home';
  const notify = async (text: string): Promise<void> => {
    if (isHome) return await refreshHome(user, bot, text);
    await notifyInPlace(text);
    await listAnew(user, channel, bot)
      .then(respond)
      .catch((error: unknown) =>
        bot.log.warn({ event: 'kernels.stale', err: error }, 'a list of kernels stays as it was'),
      );
  };
  const asked = { audit: 'press', act: click.action, user, channel };
  await withBoundary({ what: 'a button of a kernel', notify, asked }, bot, async () => {
    const said = await clickKernelButton(click, user, channel, bot);
    if (said !== undefined) await notify(said);
    else if (isHome) await refreshHome(user, bot, undefined);
  });
}

/** What takes the place of the list or the question that was pressed: kernels come and go. */
async function listAnew(user: string, channel: string | undefined, bot: Bot): Promise<RespondArguments> {
  const person = await bot.users.find(user);
  if (refuse('listKernels', person, channel, bot.policy) !== undefined) return { delete_original: true };
  return { replace_original: true, ...(await listKernels(person, bot)) };
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
export async function onKeepButton(args: SlackActionMiddlewareArgs<BlockAction>, bot: Bot): Promise<void> {
  const { action, respond } = args;
  const kernel = action.type === 'button' ? readKeep(action.value) : undefined;
  const { reply, user, channel, notify } = openReply(args, bot);
  if (kernel === undefined || channel === undefined) return await reply.send();
  const asked = { audit: 'press', act: 'keep', user, channel };
  await withBoundary({ what: 'a Keep button', notify, asked }, bot, async () => {
    must('keep', await inTime(bot.users.find(user), reply.signal), channel, bot.policy);
    const end = async (text: string): Promise<unknown> =>
      await respond({ replace_original: true, text }).catch((error: unknown) =>
        bot.log.warn(
          { event: 'warning.unended', err: error },
          'what a Keep press came to could not be shown',
        ),
      );
    await withAudit(asked, bot, async () => {
      if (await bot.control.keep(kernel.queue, kernel.kernelId)) return;
      await reply.send();
      await end('The kernel that this was about is gone, with its variables.');
      throw new UserError('noKernel', 'That kernel is gone already, with its variables.');
    });
    await reply.send();
    await end(`${mention(user)} kept the kernel.`);
  });
}
