import type { BlockAction, SlackActionMiddlewareArgs } from '@slack/bolt';
import type { Bot } from '../../context.ts';
import { changeKernel } from '../commands/change-kernel.ts';
import { must } from '../../auth/policy.ts';
import { brokenText, refusalMrkdwn } from '../../blocks/error-text.ts';
import { type KernelPress, readKernelButton } from '../../blocks/kernel-buttons.ts';
import { kernelPressDelivery } from '../request-keys.ts';
import { showHome } from '../events/app-home.ts';
import { pressOnce } from '../run-once.ts';

/** Restart or Shut down in the list of kernels or on the home tab: as the command does it. */
export async function onKernelPress(
  { ack, body, action }: SlackActionMiddlewareArgs<BlockAction>,
  bot: Bot,
): Promise<void> {
  const press = action.type === 'button' ? readKernelButton(action.action_id, action.value ?? '') : undefined;
  await ack();
  if (press === undefined) return;
  const user = body.user.id;
  const channel = body.channel?.id;
  const said = await obey(press, user, channel, bot).catch((error: unknown) => {
    const refusal = refusalMrkdwn(error);
    if (refusal === undefined) bot.log.error({ err: error }, 'a press on a kernel broke');
    return refusal ?? brokenText;
  });
  if (body.view?.type === 'home') await showHome(user, bot, said);
  else if (said !== undefined) await bot.tell.person({ channel, user }, said);
}

/** What to say to the person; undefined for a second press. */
async function obey(
  { action, kernelId, shownAtMs }: KernelPress,
  user: string,
  channel: string | undefined,
  bot: Bot,
): Promise<string | undefined> {
  const [person, record] = await Promise.all([
    bot.people.find(user),
    bot.control.kernelById(bot.workspace, kernelId),
  ]);
  must(action === 'restart' ? 'restart' : 'shutDown', person, record.channel, bot.policy);
  const isHere = channel === record.channel || (await bot.channels.isMember(record.channel, user));
  if (!isHere) must('otherChannels', person, record.channel, bot.policy);
  return await pressOnce(kernelPressDelivery(kernelId, action, shownAtMs), bot, async () => {
    const { text, told } = await changeKernel(action, record, user, bot);
    await bot.tell.channel({ channel: told.channel }, told.text);
    return text;
  });
}
