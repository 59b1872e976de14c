import { StoreError, UserError } from '../../errors.ts';
import { languageWords } from '../../runs/languages.ts';
import type { Door } from '../../runs/run-data.ts';
import type { Snippet } from '../../runs/snippet.ts';
import type { Bot } from '../bot.ts';
import { runCommand } from '../commands.ts';
import type { DeliveryTicket } from '../durable-app.ts';
import { helpText } from '../help-text.ts';
import { type Person, refuse } from '../policy.ts';
import { brokenText, refusalText } from '../refusal-text.ts';
import { messageDelivery } from './deliveries.ts';
import { mentionsBot } from './message.ts';
import { type PostedMessage, readPosted } from './posted-message.ts';
import { type Command, readBangCommand } from './read-command.ts';
import { readMessage } from './read-message.ts';
import { readRequest, readWithLanguages } from './read-request.ts';
import { readCommandText, readLoneFence } from './read-snippet.ts';

/**
 * Every message that people write, at all its doors: mention, direct message, thread. A mention comes twice (as
 * `message` and as `app_mention`, in any order); both are read alike and the ledger tells them to be one.
 */
export async function onPosted(event: unknown, delivery: DeliveryTicket, bot: Bot): Promise<void> {
  const posted = readPosted(event);
  if (posted === undefined || posted.user === bot.userId) return;
  try {
    await judge(posted, bot);
  } catch (error) {
    if (error instanceof StoreError) delivery.withhold(error);
    bot.log.warn({ err: error, channel: posted.channel }, 'a message was not taken');
  }
}

async function judge(posted: PostedMessage, bot: Bot): Promise<void> {
  const message = readMessage(posted, bot.userId);
  const addressed = posted.isDirect || posted.isMention || mentionsBot(message);
  if (posted.botIds.length > 0 && !posted.botIds.some((id) => bot.policy.allowedBots.includes(id))) return;
  if (addressed) {
    const door = posted.isDirect ? 'direct' : 'mention';
    await answering(posted, bot, async () => {
      const request = await readWithLanguages(bot.languages(posted.channel), (words) =>
        readRequest(message, words),
      );
      switch (request.kind) {
        case 'nothing':
          return await once(posted, bot, () => tellPrivately(posted, helpText(bot.command, bot.userId), bot));
        case 'command':
          return await obey(posted, request.command, bot);
        case 'snippet':
          return await admit(posted, door, request.snippet, bot);
      }
    });
    return;
  }
  if (posted.thread === undefined) return;
  const text = readCommandText(message);
  const bang = text === undefined ? undefined : readBangCommand(text);
  const mayBeFence = message.parts.some((part) => part.kind === 'fence');
  if ((bang === undefined && !mayBeFence) || !(await hasAnswer(posted.channel, posted.thread, bot))) return;
  if (bang !== undefined) return await answering(posted, bot, () => obey(posted, bang, bot));
  const snippet = readLoneFence(message, languageWords(await bot.languages(posted.channel)));
  if (snippet !== undefined) await silently(() => admit(posted, 'thread', snippet, bot));
}

async function hasAnswer(channel: string, thread: string, bot: Bot): Promise<boolean> {
  return (await bot.threadRuns(channel, thread)).length > 0;
}

async function admit(posted: PostedMessage, door: Door, snippet: Snippet, bot: Bot): Promise<void> {
  const { channel, user: runner, ts } = posted;
  const person = await findPerson(posted, bot);
  const refused = refuse('run', person, channel, bot.policy);
  if (refused !== undefined) throw new UserError('notAllowed', refused);
  const { workspace } = bot;
  const thread = posted.thread ?? ts;
  await bot.admit({
    delivery: messageDelivery(workspace, channel, ts),
    door,
    workspace,
    channel,
    thread,
    runner,
    snippet,
  });
}

async function obey(posted: PostedMessage, command: Command, bot: Bot): Promise<void> {
  await once(posted, bot, async () => {
    const { channel, thread } = posted;
    const { text, channelText } = await runCommand(
      command,
      await findPerson(posted, bot),
      { channel, thread },
      bot,
    );
    // Who changes the channel's kernel is told with everybody else.
    if (channelText === undefined) await tellPrivately(posted, text, bot);
    else await bot.tell.channel({ channel, thread: answerThread(posted) }, channelText);
  });
}

/** Refusals are said where the bot was addressed, to the person alone, once for a message that comes twice. */
async function answering(posted: PostedMessage, bot: Bot, act: () => Promise<void>): Promise<void> {
  try {
    await act();
  } catch (error) {
    if (error instanceof StoreError) throw error;
    const text = refusalText(error);
    if (text === undefined) bot.log.error({ err: error }, 'a message broke');
    await once(posted, bot, () => tellPrivately(posted, text ?? brokenText, bot));
  }
}

/** Where the bot was not addressed it stays silent about what a person did wrong. */
async function silently(act: () => Promise<void>): Promise<void> {
  try {
    await act();
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
  }
}

/** What makes no run happens once for a delivery, however often it comes. */
async function once(posted: PostedMessage, bot: Bot, act: () => Promise<void>): Promise<void> {
  const delivery = messageDelivery(bot.workspace, posted.channel, posted.ts);
  if (await bot.claim(delivery)) await act();
}

/** In a direct message everything is private anyway, and a plain reply does not vanish. */
async function tellPrivately(posted: PostedMessage, text: string, bot: Bot): Promise<void> {
  const { channel, user } = posted;
  if (posted.isDirect) await bot.tell.channel({ channel, thread: answerThread(posted) }, text);
  else await bot.tell.person({ channel, user, thread: posted.thread }, text);
}

function answerThread(posted: PostedMessage): string | undefined {
  return posted.isDirect ? (posted.thread ?? posted.ts) : posted.thread;
}

async function findPerson(posted: PostedMessage, bot: Bot): Promise<Person> {
  const person = await bot.people.find(posted.user);
  const isBot = person.isBot || posted.botIds.length > 0;
  return { ...person, isBot, ids: [...person.ids, ...posted.botIds] };
}
