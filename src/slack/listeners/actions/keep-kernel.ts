import type { BlockAction, SlackActionMiddlewareArgs } from '@slack/bolt';
import { UserError } from '../../../errors.ts';
import type { Bot } from '../../context.ts';
import { readKeep } from '../../api/idle-notices.ts';
import { mention } from '../../blocks/mrkdwn.ts';
import { must } from '../../auth/policy.ts';
import { brokenText, refusalMrkdwn } from '../../blocks/error-text.ts';

/** The Keep button under the warning of an idle kernel: whoever may run code here may keep it. */
export async function onKeep(
  { ack, body, action, respond }: SlackActionMiddlewareArgs<BlockAction>,
  bot: Bot,
): Promise<void> {
  const kernel = action.type === 'button' ? readKeep(action.value) : undefined;
  const channel = body.channel?.id;
  if (kernel === undefined || channel === undefined) return await ack();
  const user = body.user.id;
  try {
    must('keep', await bot.people.find(user), channel, bot.policy);
    if (!(await bot.keepKernel(kernel.queue, kernel.kernelId)))
      throw new UserError('noKernel', 'That kernel is gone already, with its variables.');
    await ack();
    await respond({ replace_original: true, text: `${mention(user)} kept the kernel.` }).catch(
      (error: unknown) =>
        bot.log.warn({ err: error }, 'a kernel was kept, and that the warning is over could not be shown'),
    );
  } catch (error) {
    await ack();
    const text = refusalMrkdwn(error);
    if (text === undefined) bot.log.error({ err: error }, 'a Keep press broke');
    await bot.tell.person({ channel, user }, text ?? brokenText);
  }
}
