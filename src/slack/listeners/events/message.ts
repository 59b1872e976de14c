import type { KnownBlock } from '@slack/types';
import { StoreError, UserError } from '../../../errors.ts';
import type { Bot } from '../../context.ts';
import { runCommand } from '../commands/execute.ts';
import type { DeliveryTicket } from '../../transport/acked-after-accept-app.ts';
import { helpText } from '../../blocks/help.ts';
import { brokenText, refusalMrkdwn } from '../../blocks/error-text.ts';
import { admit } from '../submit-run.ts';
import { editDelivery, messageDelivery } from '../request-keys.ts';
import { findAuthor, type Heard, hear } from './classify.ts';
import { type PostedMessage, readPosted } from '../../parsing/message/message-event.ts';
import type { Command } from '../../parsing/command.ts';
import type { Request } from '../../parsing/request.ts';

/**
 * Every message that people write, at all its doors: mention, direct message, thread, a channel on `auto`, files. A
 * mention comes twice (as `message` and as `app_mention`, in any order); both are read alike and the ledger tells them
 * to be one.
 */
export async function onPosted(event: unknown, delivery: DeliveryTicket, bot: Bot): Promise<void> {
  const posted = readPosted(event);
  if (posted === undefined) return;
  const key = deliveryOf(posted, bot);
  await taking(posted, delivery, bot, async () => {
    // The ledger would say the same, and take its time while the kernel is at work.
    if (bot.settled.has(key)) return;
    if (await judge(posted, bot)) bot.settled.add(key, true);
  });
}

/**
 * In turn with whatever else concerns this message. What was not accepted because the store is silent is not
 * acknowledged: Slack brings it again.
 */
export async function taking(
  { channel, ts }: { channel: string; ts: string },
  delivery: DeliveryTicket,
  bot: Bot,
  take: () => Promise<void>,
): Promise<void> {
  try {
    await bot.turns.take(messageDelivery(bot.workspace, channel, ts), take);
  } catch (error) {
    if (error instanceof StoreError) delivery.withhold(error);
    bot.log.warn({ err: error, channel }, 'a message was not taken');
  }
}

/**
 * Does what a message asks for; refusals are said where the bot was addressed, and nowhere else. True when it was
 * addressed, so that nothing is left to say.
 */
export async function judge(posted: PostedMessage, bot: Bot): Promise<boolean> {
  const heard = await hear(posted, bot);
  if (heard === undefined) return false;
  const act = async (): Promise<void> => {
    const request = await heard.read();
    if (request !== undefined) await obeyRequest(posted, heard, request, bot);
  };
  if (heard.isAddressed) await answering(posted, bot, act);
  else await silently(act);
  return heard.isAddressed;
}

async function obeyRequest(posted: PostedMessage, heard: Heard, request: Request, bot: Bot): Promise<void> {
  switch (request.kind) {
    case 'nothing':
      return await once(posted, bot, () => tellPrivately(posted, helpText(bot.command, bot.userId), bot));
    case 'command':
      return await once(posted, bot, () => obeyCommand(posted, request.command, bot));
    case 'snippet': {
      const { channel, ts, thread = ts, editedTs } = posted;
      const from = {
        requestKey: deliveryOf(posted, bot),
        source: heard.source,
        message: messageDelivery(bot.workspace, channel, ts),
        ...(editedTs === undefined ? {} : { editedTs }),
      };
      const { snippet } = request;
      await admit({ ...from, channel, thread, snippet }, await findAuthor(posted, bot), bot);
    }
  }
}

async function obeyCommand(posted: PostedMessage, command: Command, bot: Bot): Promise<void> {
  const { channel, thread } = posted;
  const person = await findAuthor(posted, bot);
  const { text, blocks, told } = await runCommand(command, person, { channel, thread }, bot);
  // Who changes the channel's kernel is told with everybody else.
  if (told?.channel === channel) await bot.tell.channel({ channel, thread: answerThread(posted) }, told.text);
  else await tellPrivately(posted, text, bot, blocks);
  if (told !== undefined && told.channel !== channel) await bot.tell.channel(told, told.text);
}

/** Refusals go to the person alone, once for a message that comes twice. */
export async function answering(posted: PostedMessage, bot: Bot, act: () => Promise<void>): Promise<void> {
  try {
    await act();
  } catch (error) {
    if (error instanceof StoreError) throw error;
    const text = refusalMrkdwn(error);
    if (text === undefined) bot.log.error({ err: error }, 'a message broke');
    await onceRefused(posted, bot, () => tellPrivately(posted, text ?? brokenText, bot));
  }
}

/** Where the bot was not addressed it stays silent about what a person did wrong. */
export async function silently(act: () => Promise<void>): Promise<void> {
  try {
    await act();
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
  }
}

/** What makes no run happens once for a delivery, however often it comes. */
async function once(posted: PostedMessage, bot: Bot, act: () => Promise<void>): Promise<void> {
  if (await bot.claim(deliveryOf(posted, bot))) await act();
}

/** A refusal is said once too, also when the refused command had claimed the delivery before it failed. */
async function onceRefused(posted: PostedMessage, bot: Bot, act: () => Promise<void>): Promise<void> {
  const delivery = deliveryOf(posted, bot);
  await bot.claim(delivery);
  if (await bot.claim(`${delivery}/refused`)) await act();
}

export function deliveryOf({ channel, ts, editedTs }: PostedMessage, { workspace }: Bot): string {
  return editedTs === undefined
    ? messageDelivery(workspace, channel, ts)
    : editDelivery(workspace, channel, ts, editedTs);
}

/** In a direct message everything is private anyway, and a plain reply does not vanish. */
export async function tellPrivately(
  posted: PostedMessage,
  text: string,
  bot: Bot,
  blocks?: KnownBlock[],
): Promise<void> {
  const { channel, user } = posted;
  if (posted.isDirect) await bot.tell.channel({ channel, thread: answerThread(posted) }, text, blocks);
  else await bot.tell.person({ channel, user, thread: posted.thread }, text, blocks);
}

function answerThread(posted: PostedMessage): string | undefined {
  return posted.isDirect ? (posted.thread ?? posted.ts) : posted.thread;
}
