import type { BlockAction, SlackActionMiddlewareArgs } from '@slack/bolt';
import { readNearCode } from '../../blocks/near-command.ts';
import { auditRefused } from '../../auth/audit.ts';
import type { Bot } from '../../context.ts';
import { Acknowledgement, inTime } from '../deadline.ts';
import { notifyPerson, threadOf, withBoundary } from '../error-boundary.ts';
import { refuseDuplicate, submitRun } from '../requests.ts';

/** "Run as code" under "Did you mean …?": what was nearly a command was meant as it was typed. */
export async function onRunAsCode(
  { ack, body, action }: SlackActionMiddlewareArgs<BlockAction>,
  bot: Bot,
): Promise<void> {
  const code = action.type === 'button' ? readNearCode(action.value) : undefined;
  const reply = new Acknowledgement(ack, bot.log);
  const channel = body.channel?.id;
  if (code === undefined || channel === undefined) return await reply.send();
  const user = body.user.id;
  const notify = notifyPerson(bot.notify, { channel, user, thread: threadOf(body) }, reply);
  const asked = { audit: 'press', act: 'runAsCode', user, channel };
  const onRefused = (error: unknown): void => auditRefused(asked, error, bot);
  await withBoundary({ log: bot.log, what: 'a button of a command', notify, onRefused }, async () => {
    const { requestKey, thread, text } = code;
    const isMessage = thread !== '';
    const admitted = await submitRun(
      {
        requestKey: `${requestKey}/code`,
        source: isMessage ? 'mention' : 'slash',
        channel,
        thread,
        snippet: { language: undefined, blocks: [text] },
        ...(isMessage ? { message: requestKey } : {}),
      },
      await inTime(bot.users.find(user), reply.signal),
      bot,
      reply.signal,
    );
    if (admitted.kind === 'duplicate') refuseDuplicate();
    await reply.send();
  });
}
