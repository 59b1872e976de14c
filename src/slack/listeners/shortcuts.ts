import type { MessageShortcut, SlackShortcutMiddlewareArgs } from '@slack/bolt';
import { UserError } from '../../errors.ts';
import {
  findLanguage,
  type LanguageContext,
  languageWords,
  listChoices,
  type LanguageWords,
} from '../../runs/languages/languages.ts';
import type { Snippet } from '../../runs/run.ts';
import { renderEditor } from '../blocks/editor.ts';
import type { Bot } from '../context.ts';
import { filesToRun, notesOfFiles, type PostedFile, readFileSnippet } from '../parsing/files.ts';
import { readShownMessage, type ShownMessage } from '../parsing/message-event.ts';
import { readCommandText, readsAsCode, readSnippet } from '../parsing/snippet.ts';
import type { Message } from '../parsing/typed-text.ts';
import { Acknowledgement, replyPrivately, inTime, withBoundary } from './boundary.ts';
import { messageRequest, mustRun, repeated, submitRun, triggerRequest } from './requests.ts';

/**
 * "Run this code" on anybody's message; the answer goes into its thread. Asks for the language if nothing names it.
 * Acknowledged when the code is accepted or refused; before that only where files, which may take longer than Slack
 * waits, have to be read, or where a modal is opened.
 */
export async function onMessageShortcut(
  { ack, respond, shortcut }: SlackShortcutMiddlewareArgs<MessageShortcut>,
  bot: Bot,
): Promise<void> {
  const { channel, user, trigger_id: trigger } = shortcut;
  const message = readShownMessage(shortcut.message, bot.userId);
  const thread = message?.thread;
  const reply = new Acknowledgement(ack, bot.log);
  const by = { reply, respond, channel: channel.id, thread, user: user.id };
  const notify = (text: string, error: unknown): Promise<void> => replyPrivately(by, text, error, bot);
  const asked = { audit: 'shortcut', user: user.id, channel: channel.id, thread };
  await withBoundary({ what: 'a shortcut', notify, asked }, bot, async () => {
    if (message === undefined) throw noCode();
    await runMessage({ channel: channel.id, message, user: user.id, trigger, reply }, bot);
    await reply.send();
  });
}

interface ShortcutCall {
  channel: string;
  message: ShownMessage;
  user: string;
  trigger: string;
  reply: Acknowledgement;
}

async function runMessage(call: ShortcutCall, bot: Bot): Promise<void> {
  const { channel, message, user, trigger, reply } = call;
  const { typed } = message;
  const isOwn = message.user === bot.userId;
  const files = isOwn ? [] : filesToRun(typed, message.files);
  if (files.length > 0) await reply.send();
  const { signal } = reply;
  const [person, context] = await inTime(
    Promise.all([bot.users.find(user), bot.languages(channel), bot.channels.mustBePostable(channel)]),
    signal,
  );
  await inTime(mustRun(person, channel, bot), signal);
  const requestKey = triggerRequest(bot.workspace, trigger);
  if (isOwn) {
    const answer = await inTime(readAnswer(call, bot), signal);
    await submitRun({ requestKey, source: 'shortcut', ...answer }, person, bot, signal);
    return;
  }
  const text = readCommandText(typed);
  if (files.length === 0 && text !== undefined && !readsAsCode(text)) throw noCode();
  if (!isLanguageKnown(expectSnippet(typed, files, context), context))
    return await askLanguage(call, context, async () => await readCode(typed, files, context, bot), bot);
  const snippet = await readCode(typed, files, context, bot);
  if (!isLanguageKnown(snippet, context))
    return await askLanguage(call, context, () => Promise.resolve(snippet), bot);
  const asked = { channel, snippet, ...placeOf(call, bot), notes: notesOfFiles(message) };
  await submitRun({ requestKey, source: 'shortcut', ...asked }, person, bot, signal);
}

/**
 * The code of the run that a message of the bot belongs to (answer, table, file or root message), for its kernelspec.
 */
async function readAnswer(
  { channel, message, user }: ShortcutCall,
  bot: Bot,
): Promise<{ channel: string; thread: string; snippet: Snippet; origin: 'again' | undefined }> {
  const thread = message.thread ?? message.ts;
  const runs = await bot.runs.newest('thread', [channel, thread]);
  const run =
    message.ts === thread
      ? runs.findLast(({ data }) => data.source !== 'again')
      : // The newest: the run of an edit has taken over the answer of the one before.
        runs.find(
          ({ data: { messageTs, replies = [], files = [] } }) =>
            [messageTs, ...replies].includes(message.ts) || files.some((id) => message.fileIds.includes(id)),
        );
  const snippet = run === undefined ? undefined : await repeated(run, bot);
  if (run === undefined || snippet === undefined || snippet.blocks.length === 0) throw noCode();
  const origin = run.requester === user ? undefined : 'again';
  return { channel, thread, snippet, origin };
}

/**
 * The snippet as far as it is known before files are fetched, whose names tell the language: a trigger_id expires soon.
 */
function expectSnippet(typed: Message, files: readonly PostedFile[], context: LanguageContext): Snippet {
  const words = languageWords(context);
  const named = files.flatMap((file) => (file.kind === 'code' ? [{ syntax: file.syntax, code: '' }] : []));
  if (named.length > 0) return readFileSnippet(typed, named, words);
  // The name of a file that Slack Connect shows by its id alone is not known yet.
  if (files.length > 0) return { language: context.kernelspecs.list[0]?.name, blocks: [] };
  return typedSnippet(typed, words);
}

function typedSnippet(typed: Message, words: LanguageWords): Snippet {
  const snippet = readSnippet(typed, words);
  if (snippet === undefined) throw noCode();
  return snippet;
}

async function readCode(
  typed: Message,
  files: readonly PostedFile[],
  context: LanguageContext,
  { readFiles }: Bot,
): Promise<Snippet> {
  const words = languageWords(context);
  const fetched = await readFiles(files);
  return fetched.length > 0 ? readFileSnippet(typed, fetched, words) : typedSnippet(typed, words);
}

function noCode(): UserError {
  return new UserError('emptySnippet', 'There is no code in that message.');
}

/** Whether the message names the language or the channel has chosen one; the gateway's default would be a guess. */
function isLanguageKnown(snippet: Snippet, context: LanguageContext): boolean {
  if (findLanguage(snippet, context) === undefined) return false;
  const isNamed = snippet.language !== undefined || snippet.syntax !== undefined;
  const isChosen =
    context.channelDialect !== undefined ||
    context.channelLanguage !== undefined ||
    context.defaultLanguage !== undefined;
  return isNamed || isChosen || context.kernelspecs.list.length === 1;
}

async function askLanguage(
  call: ShortcutCall,
  context: LanguageContext,
  read: () => Promise<Snippet>,
  bot: Bot,
): Promise<void> {
  const { channel, trigger, reply } = call;
  await reply.send();
  await bot.views.openModal(trigger, async () => {
    const { blocks, notebook } = await read();
    const { thread, message } = placeOf(call, bot);
    const draft = await bot.drafts.keep({ channel, thread, blocks: [...blocks], notebook, message });
    return renderEditor({ channel, thread, draft }, { languages: listChoices(context), blocks });
  });
}

/** The answer goes into the message's thread. The run belongs to the message if its requester wrote it. */
function placeOf(
  { channel, message: { user: author, ts, thread = ts }, user }: ShortcutCall,
  bot: Bot,
): { thread: string; message?: string } {
  return { thread, ...(author === user && { message: messageRequest({ channel, ts }, bot) }) };
}
