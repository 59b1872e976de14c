import { languageWords } from '../../../runs/languages/languages.ts';
import type { Source } from '../../../runs/run.ts';
import type { Bot } from '../../context.ts';
import { must, type Person } from '../../auth/policy.ts';
import { hasCodeFormatting, type Message, mentionsBot } from '../../parsing/message/message-parts.ts';
import type { PostedMessage } from '../../parsing/message/message-event.ts';
import { readBangCommand } from '../../parsing/command.ts';
import { filesToRun, readFileSnippet } from '../../parsing/file-snippet.ts';
import { readMessage } from '../../parsing/message/message-body.ts';
import { readRequest, readWithLanguages, type Request } from '../../parsing/request.ts';
import { readCommandText, readLoneFence } from '../../parsing/snippet.ts';

/** A message that is for the bot, and by which source it came. */
export interface Heard {
  source: Source;
  /** The bot was spoken to: refusals are said. */
  isAddressed: boolean;
  /** What it asks for; undefined when on a closer look it is talk. Throws `UserError` and `GatewayError`. */
  read: () => Promise<Request | undefined>;
}

/** Undefined for what is not for the bot: talk among people, other bots, its own words. Costs no call for plain talk. */
export async function hear(posted: PostedMessage, bot: Bot): Promise<Heard | undefined> {
  if (posted.user === bot.userId || isForeignBot(posted, bot)) return undefined;
  const message = readMessage(posted, bot.userId);
  const text = readCommandText(message);
  const bang = text === undefined ? undefined : readBangCommand(text);
  if (bang !== undefined && (await hasAnswer(posted, bot)))
    return { source: 'thread', isAddressed: true, read: async () => ({ kind: 'command', command: bang }) };
  if (posted.isDirect || posted.isMention || mentionsBot(message)) return hearAddressed(posted, message, bot);
  const mayBeFence = message.parts.some((part) => part.kind === 'fence');
  if (!mayBeFence) return undefined;
  const isOurThread = await hasAnswer(posted, bot);
  if (!isOurThread && !(await isOnAuto(posted.channel, bot))) return undefined;
  return {
    source: isOurThread ? 'thread' : 'auto',
    isAddressed: false,
    async read() {
      const snippet = readLoneFence(message, languageWords(await bot.languages(posted.channel)));
      return snippet === undefined ? undefined : { kind: 'snippet', snippet };
    },
  };
}

/**
 * A message that has made a run, after an edit in which nothing calls the bot: its code formatting counts, and bare text
 * where that is what was run by the shortcut. Undefined for what has become talk.
 */
export function hearEdited(posted: PostedMessage, byShortcut: boolean, bot: Bot): Heard | undefined {
  const message = readMessage(posted, bot.userId);
  if (!byShortcut && !hasCodeFormatting(message)) return undefined;
  return { ...hearAddressed(posted, message, bot), isAddressed: false };
}

function hearAddressed(posted: PostedMessage, message: Message, bot: Bot): Heard {
  const files = filesToRun(message, posted.files);
  const source = posted.isDirect ? 'direct' : 'mention';
  return {
    source: files.length > 0 ? 'file' : source,
    isAddressed: true,
    async read() {
      const languages = bot.languages(posted.channel);
      const request = await readWithLanguages(languages, (words) => readRequest(message, words));
      if (request.kind === 'command' || files.length === 0) return request;
      // Nothing is fetched for somebody who may not run it.
      must('run', await findAuthor(posted, bot), posted.channel, bot.policy);
      const fetched = await bot.readFiles(files);
      if (fetched.length === 0) return request;
      const snippet = readFileSnippet(message, fetched, languageWords(await languages));
      return { kind: 'snippet', snippet };
    },
  };
}

/** What Slack says of the author; a bot is one by the message's word too. */
export async function findAuthor(posted: PostedMessage, bot: Bot): Promise<Person> {
  const person = await bot.people.find(posted.user);
  const isBot = person.isBot || posted.botIds.length > 0;
  return { ...person, isBot, ids: [...person.ids, ...posted.botIds] };
}

/** Bots answering bots would never end: only listed ones are heard at all. */
function isForeignBot({ botIds, user }: PostedMessage, { policy }: Bot): boolean {
  return botIds.length > 0 && ![...botIds, user].some((id) => policy.allowedBots.includes(id));
}

async function hasAnswer({ channel, thread }: PostedMessage, bot: Bot): Promise<boolean> {
  return thread !== undefined && (await bot.threadRuns(channel, thread)).length > 0;
}

async function isOnAuto(channel: string, bot: Bot): Promise<boolean> {
  const { auto } = await bot.channelSettings.read(bot.workspace, channel);
  return auto ?? bot.autoRun === 'all';
}
