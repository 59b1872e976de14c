import type { BlockAction, SlackActionMiddlewareArgs } from '@slack/bolt';
import { UserError } from '../../../errors.ts';
import { withAudit } from '../../auth/audit.ts';
import type { Bot } from '../../context.ts';
import { readFetched } from '../../parsing/message-event.ts';
import { openReply, withBoundary } from '../error-boundary.ts';
import { readRunNow } from '../events/late.ts';
import { takeAnew } from '../events/message-changed.ts';

const OFFER_TAKEN = 'Slack brought this message late; its author had it run then.';

/** Run now, under the word that a message came late: the message as it is by now, as if it came just now. */
export async function onRunNow(args: SlackActionMiddlewareArgs<BlockAction>, bot: Bot): Promise<void> {
  const { action, respond } = args;
  const meant = action.type === 'button' ? readRunNow(action.value) : undefined;
  const { reply, channel, user, notify } = openReply(args, bot);
  // It is read back first, with its files: that may take longer than Slack waits.
  await reply.send();
  if (meant === undefined || channel === undefined) return;
  const asked = { audit: 'press', act: 'runNow', user, channel };
  await withBoundary({ what: 'a button of a late message', notify, asked }, bot, async () => {
    const found = await bot.threads.message({ channel, thread: meant.thread }, meant.ts);
    const posted = readFetched(found, channel);
    if (posted?.user !== user)
      throw new UserError('badCommand', 'That message is no longer there, or is not yours. Nothing ran.');
    await withAudit(asked, bot, () => takeAnew({ ...posted, isAskedAnew: true }, bot));
    // By its request it is known for seven days, and a direct message stays longer.
    await respond({ replace_original: true, text: OFFER_TAKEN }).catch((error: unknown) =>
      bot.log.warn(
        { event: 'offer.unended', err: error },
        'a late message ran, and its Run now button stays',
      ),
    );
  });
}
