import type { KnownBlock } from '@slack/types';
import { z } from 'zod';
import { UserError } from '../../../errors.ts';
import { refuse } from '../../auth/policy.ts';
import { helpText, welcomeText } from '../../blocks/help.ts';
import { renderRunNow } from '../../blocks/refusals.ts';
import type { Bot } from '../../context.ts';
import type { Command } from '../../parsing/command.ts';
import { type PostedMessage, readPosted } from '../../parsing/message-event.ts';
import type { Request } from '../../parsing/request.ts';
import type { EventTicket } from '../../transport/acked-after-accept-app.ts';
import { withBoundary } from '../boundary.ts';
import { onlyLooks, runCommand, notifyAnswer } from '../commands/execute.ts';
import { takeInputReply } from '../input.ts';
import { messageRequest, requestOf, runOnce, submitRun, untilDone } from '../requests.ts';
import {
  type Classified,
  classifyMessage,
  codeOf,
  findAuthor,
  isLate,
  nothingAsked,
  refuseLate,
} from './classify.ts';

/**
 * Handles messages that people write: mention, direct message, thread, a channel on `auto`, files. A mention comes
 * twice (as `message` and as `app_mention`, in any order); both have the same request, so it runs once.
 */
export async function onMessage(event: unknown, ticket: EventTicket, bot: Bot): Promise<void> {
  const posted = readPosted(event, bot.userId);
  if (posted === undefined) return;
  const { mutex, handledRequests } = bot.memory;
  const key = requestOf(posted, bot);
  await mutex.run(messageRequest(posted, bot), async () => {
    // The run store would say the same, but takes longer.
    if (handledRequests.has(key)) return;
    if (await handleMessage(posted, ticket, bot)) handledRequests.set(key, true);
  });
  // Somebody who is told that a message came late needs no welcome.
  if (!isLate(posted)) await welcomeFirst(posted, bot);
}

/** Does what a message asks for. True if it addressed the bot and nothing is left to do. */
export async function handleMessage(
  posted: PostedMessage,
  ticket: EventTicket | undefined,
  bot: Bot,
): Promise<boolean> {
  return await withMessageBoundary(posted, ticket, bot, async (onAddressed) => {
    const isNow = posted.isAskedAnew !== true && !isLate(posted);
    if (isNow && (await takeInputReply(posted, bot, onAddressed))) return;
    const classified = await classifyMessage(posted, bot);
    if (classified === undefined) return;
    if (classified.isAddressed) onAddressed();
    const request = await classified.read();
    if (request === undefined && posted.isAskedAnew === true) throw nothingAsked();
    if (request === undefined) return;
    // A message that ran in time may come again late.
    if (isLate(posted) && !(await bot.isKnown(requestOf(posted, bot))))
      refuseLate(posted, request.kind === 'snippet' ? 'run' : 'look', await findAuthor(posted, bot), bot);
    await runRequest(posted, classified, request, bot);
  });
}

/**
 * Tells refusals to the author alone, and only once `onAddressed` was called; that a message came late is told in any
 * case. If Run now was pressed, rejects with the refusal, which answers the press. True if the message addressed the
 * bot and nothing is left to do.
 */
export async function withMessageBoundary(
  posted: PostedMessage,
  ticket: EventTicket | undefined,
  bot: Bot,
  act: (onAddressed: () => void) => Promise<void>,
): Promise<boolean> {
  let isAddressed = false;
  const notify = async (text: string, error: unknown): Promise<void> => {
    if (error instanceof UserError && error.code === 'late') await offerOnce(posted, text, bot);
    else if (isAddressed) await refuseOnce(posted, text, bot);
  };
  if (posted.isAskedAnew === true) {
    await act(() => undefined);
    return true;
  }
  const { user, channel, thread } = posted;
  const asked = { audit: 'message', user, channel, thread };
  const isSettled = await withBoundary({ what: 'a message', ticket, notify, asked }, bot, async () => {
    await act(() => {
      isAddressed = true;
    });
  });
  return isAddressed && isSettled;
}

/** Runs the code or the command of a message. */
async function runRequest(
  posted: PostedMessage,
  { source }: Classified,
  request: Request,
  bot: Bot,
): Promise<void> {
  const key = requestOf(posted, bot);
  switch (request.kind) {
    case 'nothing':
      await untilDone(key, bot, () => notifyPrivately(posted, helpText(bot.userId), bot));
      return;
    case 'command': {
      const act = () => runMessageCommand(posted, request.command, bot);
      await (onlyLooks(request.command) ? untilDone(key, bot, act) : changeOnce(key, bot, act));
      return;
    }
    case 'snippet': {
      const { channel, ts, thread = ts, editedTs } = posted;
      const place = { channel, thread, message: messageRequest(posted, bot), editedTs };
      const asked = { requestKey: key, source, ...place, ...codeOf(request, posted) };
      await submitRun(asked, await findAuthor(posted, bot), bot);
    }
  }
}

/**
 * Does once what may do harm twice. If a process began it and did not live to end it, nobody knows how far it came, and
 * its author is told that.
 */
async function changeOnce(key: string, bot: Bot, act: () => Promise<void>): Promise<void> {
  // It is done or refused, or its message was edited or deleted.
  if (await bot.isKnown(key)) return;
  const isOurs = await runOnce(`${key}/begun`, bot, async () => {
    await act();
    return true;
  });
  if (isOurs === undefined) throw new UserError('notTaken', HALF_DONE);
  await bot.markSeen(key).catch(() => undefined);
}

const HALF_DONE =
  'The bot was restarted while it did this, so it is not known whether it was done. Look, and type it again if it was not.';

async function runMessageCommand(posted: PostedMessage, command: Command, bot: Bot): Promise<void> {
  const { channel, thread, ts } = posted;
  const person = await findAuthor(posted, bot);
  // The message's request also for an edit, so that a run belongs to the message.
  const requestKey = messageRequest(posted, bot);
  const place = { channel, thread, requestKey, root: thread ?? ts };
  // In a thread of a channel the requester is answered privately, too.
  const here = posted.isDirect || thread === undefined ? { channel, thread: threadOf(posted) } : undefined;
  const notifyAlone = (text: string, blocks?: KnownBlock[]) => notifyPrivately(posted, text, bot, blocks);
  await notifyAnswer(await runCommand(command, person, place, bot), here, notifyAlone, bot);
}

/** Tells a refusal once for a message that comes twice, also if a refused command had recorded the request before. */
async function refuseOnce(posted: PostedMessage, text: string, bot: Bot): Promise<void> {
  const key = requestOf(posted, bot);
  await bot.markSeen(key);
  await untilDone(`${key}/refused`, bot, () => notifyPrivately(posted, text, bot));
}

/** Offers Run now once. The message is not recorded as seen, so it may still run. */
async function offerOnce(posted: PostedMessage, text: string, bot: Bot): Promise<void> {
  const { channel, ts, thread = ts } = posted;
  const offer = `${requestOf(posted, bot)}/late`;
  const blocks = renderRunNow(text, { channel, thread, ts });
  await untilDone(offer, bot, () => notifyPrivately(posted, text, bot, blocks));
}

/** In a direct message everything is private anyway, and a normal message does not vanish. */
async function notifyPrivately(
  posted: PostedMessage,
  text: string,
  bot: Bot,
  blocks?: KnownBlock[],
): Promise<void> {
  const { channel, user } = posted;
  if (posted.isDirect) await bot.notify.channel({ channel, thread: threadOf(posted) }, text, blocks);
  else await bot.notify.person({ channel, user, thread: posted.thread }, text, blocks);
}

function threadOf(posted: PostedMessage): string | undefined {
  return posted.isDirect ? (posted.thread ?? posted.ts) : posted.thread;
}

const joinedSchema = z.object({
  type: z.literal('member_joined_channel'),
  user: z.string(),
  channel: z.string(),
  event_ts: z.string(),
});

/** Welcomes a channel that the bot was invited to, once. */
export async function onJoined(event: unknown, bot: Bot): Promise<void> {
  const joined = joinedSchema.safeParse(event).data;
  if (joined === undefined || joined.user !== bot.userId) return;
  const { channel, event_ts: ts } = joined;
  await withBoundary({ what: 'an invitation' }, bot, async () => {
    const key = `welcome/${bot.workspace}/${channel}/${ts}`;
    await runOnce(key, bot, () => bot.notify.channel({ channel }, welcomeText(bot.userId)));
  });
}

/** Answers a person's first direct message with a short welcome, besides what it asks for. */
export async function welcomeFirst(posted: PostedMessage, bot: Bot): Promise<void> {
  const { channel, user, thread, isDirect, botIds } = posted;
  const key = `welcome/${bot.workspace}/${user}`;
  const { handledRequests } = bot.memory;
  if (!isDirect || thread !== undefined || botIds.length > 0 || user === bot.userId) return;
  if (handledRequests.has(key)) return;
  handledRequests.set(key, true);
  await withBoundary({ what: 'a welcome' }, bot, async () => {
    const own = messageRequest(posted, bot);
    const runs = await bot.runs.newest('channel', [channel], 2);
    if (runs.some(({ data }) => data.message !== own)) return;
    if (refuse('look', await bot.users.find(user), channel, bot.policy) !== undefined) return;
    await runOnce(key, bot, async () => await bot.notify.channel({ channel }, welcomeText(bot.userId)));
  });
}
