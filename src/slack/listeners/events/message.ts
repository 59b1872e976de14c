import type { KnownBlock } from '@slack/types';
import { UserError } from '../../../errors.ts';
import { helpText } from '../../blocks/help.ts';
import { auditRefused } from '../../auth/audit.ts';
import type { Bot } from '../../context.ts';
import type { Command } from '../../parsing/command.ts';
import { type PostedMessage, readPosted } from '../../parsing/message-event.ts';
import type { Request } from '../../parsing/request.ts';
import type { EventTicket } from '../../transport/acked-after-accept-app.ts';
import { runCommand } from '../commands/execute.ts';
import { type Outcome, withBoundary } from '../error-boundary.ts';
import { messageRequest, requestOf, runOnce, submitRun } from '../requests.ts';
import { type Classified, classifyMessage, findAuthor } from './classify.ts';
import { isLate, refuseLate, renderRunNow } from './late.ts';
import { takeInputReply } from './input-reply.ts';
import { welcomeFirst } from './welcome.ts';

/**
 * Every message that people write: mention, direct message, thread, a channel on `auto`, files. A mention comes twice
 * (as `message` and as `app_mention`, in any order); both are read alike and the run store tells them to be one.
 */
export async function onMessage(event: unknown, ticket: EventTicket, bot: Bot): Promise<void> {
  const posted = readPosted(event);
  if (posted === undefined) return;
  const { mutex, handledRequests } = bot.memory;
  const key = requestOf(posted, bot);
  await mutex.run(messageRequest(bot.workspace, posted.channel, posted.ts), async () => {
    // The run store would say the same, and take its time while the kernel is at work.
    if (handledRequests.has(key)) return;
    if (await handleMessage(posted, ticket, bot)) handledRequests.set(key, true);
  });
  await welcomeFirst(posted, bot);
}

/** Does what a message asks for. True when it was addressed to the bot and nothing is left to do. */
export async function handleMessage(
  posted: PostedMessage,
  ticket: EventTicket | undefined,
  bot: Bot,
): Promise<boolean> {
  let isAddressed = false;
  const outcome = await withMessageBoundary(posted, ticket, bot, async (onAddressed) => {
    const isNow = posted.isAskedAnew !== true && !isLate(posted);
    isAddressed = isNow && (await takeInputReply(posted, bot, onAddressed));
    if (isAddressed) return;
    const classified = await classifyMessage(posted, bot);
    if (classified === undefined) return;
    isAddressed = classified.isAddressed;
    if (isAddressed) onAddressed();
    const request = await classified.read();
    if (request === undefined) return;
    // One that ran in time may come again, too.
    if (isLate(posted) && !(await bot.isKnown(requestOf(posted, bot)))) refuseLate(posted);
    await runRequest(posted, classified, request, bot);
  });
  return isAddressed && outcome !== 'left';
}

/**
 * Refusals go to the author alone, and only once `onAddressed` says that the message called the bot; of what came late its
 * author hears in any case. `ticket` undefined: the message was asked for, and Slack does not bring it again.
 */
export async function withMessageBoundary(
  posted: PostedMessage,
  ticket: EventTicket | undefined,
  bot: Bot,
  act: (onAddressed: () => void) => Promise<void>,
): Promise<Outcome> {
  let isAddressed = posted.isAskedAnew === true;
  const notify = async (text: string, error: unknown): Promise<void> => {
    if (error instanceof UserError && error.code === 'late') await offerOnce(posted, text, bot);
    else if (isAddressed) await refuseOnce(posted, text, bot);
  };
  const { user, channel, thread } = posted;
  const onRefused = (error: unknown): void =>
    auditRefused({ audit: 'message', user, channel, thread }, error, bot);
  return await withBoundary(
    { log: bot.log, what: 'a message', ...(ticket === undefined ? {} : { ticket }), notify, onRefused },
    async () =>
      await act(() => {
        isAddressed = true;
      }),
  );
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
      await runOnce(key, bot, () => notifyPrivately(posted, helpText(bot.userId), bot));
      return;
    case 'command':
      await runOnce(key, bot, () => runMessageCommand(posted, request.command, bot));
      return;
    case 'snippet': {
      const { channel, ts, thread = ts, editedTs } = posted;
      const message = messageRequest(bot.workspace, channel, ts);
      const origin = { requestKey: key, source, message, ...(editedTs === undefined ? {} : { editedTs }) };
      const { snippet, saved } = request;
      const called = saved === undefined ? {} : { saved, origin: 'saved' as const };
      await submitRun({ ...origin, channel, thread, snippet, ...called }, await findAuthor(posted, bot), bot);
    }
  }
}

async function runMessageCommand(posted: PostedMessage, command: Command, bot: Bot): Promise<void> {
  const { channel, thread } = posted;
  const person = await findAuthor(posted, bot);
  const place = { channel, thread, requestKey: requestOf(posted, bot), root: thread ?? posted.ts };
  const { text, blocks, told } = await runCommand(command, person, place, bot);
  // Who changes something for the channel reads it with everybody else.
  if (told?.channel === channel) await bot.notify.channel({ channel, thread: threadOf(posted) }, told.text);
  else await notifyPrivately(posted, text, bot, blocks);
  if (told !== undefined && told.channel !== channel) await bot.notify.channel(told, told.text);
}

/** Once for a message that comes twice, also when the refused command had claimed the request before it failed. */
async function refuseOnce(posted: PostedMessage, text: string, bot: Bot): Promise<void> {
  const key = requestOf(posted, bot);
  await bot.markSeen(key);
  await runOnce(`${key}/refused`, bot, () => notifyPrivately(posted, text, bot));
}

/** The message is not known by that: it may still run. */
async function offerOnce(posted: PostedMessage, text: string, bot: Bot): Promise<void> {
  const offer = `${requestOf(posted, bot)}/late`;
  await runOnce(offer, bot, () => notifyPrivately(posted, text, bot, renderRunNow(text, posted)));
}

/** In a direct message everything is private anyway, and a plain reply does not vanish. */
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
