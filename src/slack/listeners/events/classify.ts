import { UserError } from '../../../errors.ts';
import { languageWords } from '../../../runs/languages/languages.ts';
import type { Run, Source } from '../../../runs/run.ts';
import { renderElapsed } from '../../../text.ts';
import { EVENT_LOOKUP_MS } from '../../api/users.ts';
import { must, type Person } from '../../auth/policy.ts';
import type { Bot } from '../../context.ts';
import { type Command, readBangCommand, readUnknownBang } from '../../parsing/command.ts';
import {
  filesToRun,
  noCodeFile,
  notesOfFiles,
  type PostedFile,
  readFileSnippet,
} from '../../parsing/files.ts';
import type { PostedMessage } from '../../parsing/message-event.ts';
import { readRequest, readWithLanguages, type Request } from '../../parsing/request.ts';
import { readCommandText, readLoneFence, withoutRun } from '../../parsing/snippet.ts';
import { hasCodeFormatting, mentionsBot, type Message } from '../../parsing/typed-text.ts';
import { resolveSaved } from '../commands/saved.ts';
import { mustRun } from '../requests.ts';

/**
 * Classifies message events; nothing here runs code. Code runs from `runRequest` (message.ts) for a new message, and
 * from `runEdited` (message-changed.ts) for an edited one, both by `submitRun`.
 */

/** A message for the bot, and how it came. */
export interface Classified {
  source: Source;
  /** The message addresses the bot, so refusals are told. */
  isAddressed: boolean;
  /** What the message asks for; undefined if it is talk after all. Throws `UserError` and `GatewayError`. */
  read: () => Promise<Request | undefined>;
}

/**
 * Undefined for a message that is not for the bot: talk among people, other bots, its own messages. Makes no call for
 * plain talk.
 */
export async function classifyMessage(posted: PostedMessage, bot: Bot): Promise<Classified | undefined> {
  if (posted.user === bot.userId || isForeignBot(posted, bot)) return undefined;
  const { typed } = posted;
  const text = readCommandText(typed);
  const bang = text === undefined ? undefined : readBangCommand(text);
  let answer: Promise<boolean> | undefined;
  const isAnswered = (): Promise<boolean> => (answer ??= hasAnswer(posted, bot));
  if (bang !== undefined && (await isAnswered())) return commandInThread(bang);
  if (posted.isDirect || posted.isMention || mentionsBot(typed)) return classifyAddressed(posted, bot);
  const unknown = text === undefined ? undefined : readUnknownBang(text);
  if (unknown !== undefined && (await isAnswered())) return commandInThread(unknown);
  if (!holdsFence(typed)) return undefined;
  const isOurThread = await isAnswered();
  if (!isOurThread && !isOnAuto(posted.channel, bot)) return undefined;
  return {
    source: isOurThread ? 'thread' : 'auto',
    isAddressed: false,
    async read() {
      const snippet = readLoneFence(typed, languageWords(await bot.languages(posted.channel)));
      return snippet === undefined ? undefined : { kind: 'snippet', snippet };
    },
  };
}

function holdsFence({ parts }: Message): boolean {
  return parts.some(({ kind }) => kind === 'fence');
}

function commandInThread(command: Command): Classified {
  return { source: 'thread', isAddressed: true, read: async () => ({ kind: 'command', command }) };
}

/**
 * Classifies a message that has made runs, after an edit that does not mention the bot. It asks to run its formatted
 * code, its bare text if the shortcut had run it, or its file if one had run. Undefined if it has become talk.
 */
export function classifyEdited(
  posted: PostedMessage,
  runs: readonly Run[],
  bot: Bot,
): Classified | undefined {
  const { typed, files } = posted;
  const ran = new Set(runs.map(({ data }) => data.source));
  const holdsFile = ran.has('file') && filesToRun(typed, files).length > 0;
  // Without a mention only a code block has run: inline code beside it is talk.
  const holdsCode = ran.has('thread') || ran.has('auto') ? holdsFence : hasCodeFormatting;
  if (!ran.has('shortcut') && !holdsFile && !holdsCode(typed)) return undefined;
  const addressed = classifyAddressed(posted, bot);
  return {
    ...addressed,
    isAddressed: false,
    async read() {
      const request = await addressed.read();
      if (request?.kind !== 'snippet') return request;
      const words = languageWords(await bot.languages(posted.channel));
      const { language = '', ...code } = request.snippet;
      // Nobody called the bot, so a word like `Fixed:` above the code is talk.
      return words.isLanguage(language) || words.isMisspelt(language)
        ? request
        : { ...request, snippet: { ...code, language: undefined } };
    },
  };
}

function classifyAddressed(posted: PostedMessage, bot: Bot): Classified {
  const { typed } = posted;
  const files = filesToRun(typed, posted.files);
  const source = posted.isDirect ? 'direct' : 'mention';
  return {
    source: files.length > 0 ? 'file' : source,
    isAddressed: true,
    async read() {
      const languages = bot.languages(posted.channel);
      const request = await readWithLanguages(languages, (words) => readRequest(typed, words));
      const text = readCommandText(typed) ?? '';
      const isAboutFiles = files.length > 0 && withoutRun(text) !== text;
      if (request.kind === 'command' && !isAboutFiles)
        return await resolveSaved(request, posted.channel, bot);
      if (files.length === 0) return refuseOtherFiles(request, posted.files);
      // Checked before anything is fetched.
      await mustRun(await findAuthor(posted, bot), posted.channel, bot);
      const fetched = await bot.readFiles(files);
      if (fetched.length === 0) return refuseOtherFiles(request, posted.files);
      const snippet = readFileSnippet(typed, fetched, languageWords(await languages));
      return { kind: 'snippet', snippet };
    },
  };
}

/** What a message's run is made of: its code, and what its answer begins with. */
export function codeOf({ snippet, saved }: Request & { kind: 'snippet' }, posted: PostedMessage) {
  return saved === undefined
    ? { snippet, notes: notesOfFiles(posted) }
    : ({ snippet, saved, origin: 'saved' } as const);
}

/** Throws `UserError` if the message has no code and only files that cannot be run. */
function refuseOtherFiles(request: Request, files: readonly PostedFile[]): Request {
  const hasCode = request.kind === 'snippet' && request.snippet.blocks.some((block) => block.trim() !== '');
  if (!hasCode && files.length > 0) throw noCodeFile(files);
  return request;
}

/** The author of a message, who is a bot if the message says so, too. */
export async function findAuthor(posted: PostedMessage, bot: Bot): Promise<Person> {
  const person = await bot.users.find(posted.user, EVENT_LOOKUP_MS);
  const isBot = person.isBot || posted.botIds.length > 0;
  return { ...person, isBot, ids: [...person.ids, ...posted.botIds] };
}

/** Bots that answer bots would never end, so only listed bots are read. */
function isForeignBot({ botIds, user }: PostedMessage, { policy }: Bot): boolean {
  return botIds.length > 0 && ![...botIds, user].some((id) => policy.allowedBots.includes(id));
}

async function hasAnswer({ channel, thread }: PostedMessage, bot: Bot): Promise<boolean> {
  return thread !== undefined && (await bot.runs.newest('thread', [channel, thread], 1)).length > 0;
}

function isOnAuto(channel: string, bot: Bot): boolean {
  const { auto } = bot.channelSettings.read(bot.workspace, channel);
  return auto ?? bot.autoRun === 'all';
}

/** A message that cannot have asked for a run: it does not mention the bot, and has no file and no code. */
export function isPlainTalk({ isDirect, typed, files }: PostedMessage): boolean {
  const mayHoldCode = hasCodeFormatting(typed) || files.some(({ kind }) => kind !== 'other');
  return !isDirect && !mayHoldCode && !mentionsBot(typed);
}

/** How long it is cached that a channel has no runs; a run that this process accepts ends that at once. */
const NO_RUNS_MS = 60_000;

/** Cached, so that edits and deletions in channels without runs do not read the store. */
export async function hasRuns(channel: string, bot: Bot): Promise<boolean> {
  const { channelsWithRuns } = bot.memory;
  const known = channelsWithRuns.get(channel);
  if (known !== undefined) return known;
  const has = (await bot.runs.newest('channel', [channel], 1)).length > 0;
  channelsWithRuns.set(channel, has, { ttl: has ? 0 : NO_RUNS_MS });
  return has;
}

/** A message that Slack brings later than this (an outage, delayed events) may no longer be wanted. */
const LATE_MS = 15 * 60_000;

/** Slack's ts are seconds since the epoch. */
function ageMs({ ts, editedTs }: PostedMessage): number {
  return Date.now() - Number(editedTs ?? ts) * 1000;
}

export function isLate(posted: PostedMessage): boolean {
  return posted.isAskedAnew !== true && ageMs(posted) > LATE_MS;
}

/** Throws `UserError`: `late`, which offers Run now, or why the author may not run it at all. */
export function refuseLate(
  posted: PostedMessage,
  action: 'run' | 'look',
  author: Person,
  { policy }: Bot,
): never {
  // If Slack does not know the person now, Run now asks again.
  const isKnown = !author.isUnknown && author.areGroupsUnknown !== true;
  if (isKnown) must(action, author, posted.channel, policy);
  throw new UserError(
    'late',
    `Slack brought this message ${renderElapsed(ageMs(posted))} after it was written, so it did not run by itself.`,
  );
}

/** Run now was pressed, but the message has become talk. */
export function nothingAsked(): UserError {
  return new UserError('badCommand', 'That message no longer asks for a run. Nothing ran.');
}
