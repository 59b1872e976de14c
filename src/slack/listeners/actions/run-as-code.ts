import type { BlockAction, SlackActionMiddlewareArgs } from '@slack/bolt';
import { readNearCode } from '../../blocks/near-command.ts';
import type { Bot } from '../../context.ts';
import { inTime } from '../deadline.ts';
import { openReply, withBoundary } from '../error-boundary.ts';
import { refuseDuplicate, submitRun } from '../requests.ts';

/** "Run as code" under "Did you mean …?": what was nearly a command was meant as it was typed. */
export async function onRunAsCode(args: SlackActionMiddlewareArgs<BlockAction>, bot: Bot): Promise<void> {
  const { action } = args;
  const code = action.type === 'button' ? readNearCode(action.value) : undefined;
  const { reply, user, channel, notify } = openReply(args, bot);
  if (code === undefined || channel === undefined) return await reply.send();
  const asked = { audit: 'press', act: 'runAsCode', user, channel };
  await withBoundary({ what: 'a button of a command', notify, asked }, bot, async () => {
    const { requestKey, thread, text } = code;
    const isMessage = thread !== '';
    const looked = Promise.all([bot.users.find(user), bot.channels.mustBeMember(channel)]);
    const [person] = await inTime(looked, reply.signal);
    const admitted = await submitRun(
      {
        requestKey: `${requestKey}/code`,
        source: isMessage ? 'mention' : 'slash',
        channel,
        thread,
        snippet: { language: undefined, blocks: [text] },
        ...(isMessage ? { message: requestKey } : {}),
      },
      person,
      bot,
      reply.signal,
    );
    if (admitted.kind === 'duplicate') refuseDuplicate();
    await reply.send();
  });
}
