import { z } from 'zod';
import { refuse } from '../../auth/policy.ts';
import { welcomeText } from '../../blocks/help.ts';
import type { Bot } from '../../context.ts';
import type { PostedMessage } from '../../parsing/message-event.ts';
import { withBoundary } from '../error-boundary.ts';
import { messageRequest, runOnce } from '../requests.ts';

const joinedSchema = z.object({
  type: z.literal('member_joined_channel'),
  user: z.string(),
  channel: z.string(),
  event_ts: z.string(),
});

/** The bot was invited: the channel reads what it is for, once. */
export async function onJoined(event: unknown, bot: Bot): Promise<void> {
  const joined = joinedSchema.safeParse(event).data;
  if (joined === undefined || joined.user !== bot.userId) return;
  const { channel, event_ts: ts } = joined;
  await withBoundary({ log: bot.log, what: 'an invitation', notify: undefined }, async () => {
    await runOnce(`welcome/${bot.workspace}/${channel}/${ts}`, bot, async () => {
      await bot.notify.channel({ channel }, welcomeText(bot.userId));
    });
  });
}

/** A person's first direct message is answered with a short welcome, beside what it asks for. */
export async function welcomeFirst(posted: PostedMessage, bot: Bot): Promise<void> {
  const { channel, ts, user, thread, isDirect, botIds } = posted;
  const key = `welcome/${bot.workspace}/${user}`;
  const { handledRequests } = bot.memory;
  if (!isDirect || thread !== undefined || botIds.length > 0 || user === bot.userId) return;
  if (handledRequests.has(key)) return;
  handledRequests.set(key, true);
  await withBoundary({ log: bot.log, what: 'a welcome', notify: undefined }, async () => {
    const own = messageRequest(bot.workspace, channel, ts);
    const runs = await bot.channelRuns(channel, 2);
    if (runs.some(({ data }) => data.message !== own)) return;
    if (refuse('look', await bot.users.find(user), channel, bot.policy) !== undefined) return;
    await runOnce(key, bot, async () => await bot.notify.channel({ channel }, welcomeText(bot.userId)));
  });
}
