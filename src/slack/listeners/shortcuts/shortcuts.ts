import type { GlobalShortcut, MessageShortcut, SlackShortcutMiddlewareArgs } from '@slack/bolt';
import { UserError } from '../../../errors.ts';
import {
  chooseKernelspec,
  type LanguageContext,
  languageWords,
  listLanguages,
} from '../../../runs/languages/languages.ts';
import type { Snippet } from '../../../runs/admission/snippet.ts';
import type { Bot } from '../../context.ts';
import { must, type Person } from '../../auth/policy.ts';
import { brokenText, refusalMrkdwn } from '../../blocks/error-text.ts';
import { renderEditor } from '../../blocks/modals/editor.ts';
import { admit } from '../submit-run.ts';
import { messageDelivery, triggerDelivery } from '../request-keys.ts';
import { openEditor } from '../views/editor.ts';
import { readShownMessage, type ShownMessage } from '../../parsing/message/message-event.ts';
import { filesToRun, readFileSnippet } from '../../parsing/file-snippet.ts';
import { readMessage } from '../../parsing/message/message-body.ts';
import { readSnippet } from '../../parsing/snippet.ts';

/** The global shortcut opens the editor. */
export async function onGlobalShortcut(
  { ack, shortcut }: SlackShortcutMiddlewareArgs<GlobalShortcut>,
  bot: Bot,
): Promise<void> {
  await ack();
  const user = shortcut.user.id;
  await refusing(user, undefined, bot, () =>
    openEditor({ user, trigger: shortcut.trigger_id, channel: undefined }, bot),
  );
}

/** "Run this code" on anybody's message: into its thread. Asks for the language when nothing names it. */
export async function onMessageShortcut(
  { ack, shortcut }: SlackShortcutMiddlewareArgs<MessageShortcut>,
  bot: Bot,
): Promise<void> {
  const { channel, user, trigger_id: trigger } = shortcut;
  await refusing(user.id, channel.id, bot, async () => {
    const message = readShownMessage(shortcut.message);
    if (message === undefined) throw new UserError('emptySnippet', 'There is no code in that message.');
    await run({ channel: channel.id, message, user: user.id, trigger }, bot);
  });
  await ack();
}

interface ShortcutCall {
  channel: string;
  message: ShownMessage;
  user: string;
  trigger: string;
}

async function run(call: ShortcutCall, bot: Bot): Promise<void> {
  const { channel, message, user, trigger } = call;
  const [person, context] = await Promise.all([
    bot.people.find(user),
    bot.languages(channel),
    bot.channels.mustBeMember(channel),
  ]);
  must('run', person, channel, bot.policy);
  const snippet = await readCode(message, context, bot);
  if (!isLanguageKnown(snippet, context)) return await askLanguage(call, snippet, context, bot);
  const delivery = triggerDelivery(bot.workspace, trigger);
  await admit(
    { requestKey: delivery, source: 'shortcut', channel, snippet, ...standing(call, person, bot) },
    person,
    bot,
  );
}

async function readCode(message: ShownMessage, context: LanguageContext, bot: Bot): Promise<Snippet> {
  const words = languageWords(context);
  const typed = readMessage(message, bot.userId);
  const fetched = await bot.readFiles(filesToRun(typed, message.files));
  if (fetched.length > 0) return readFileSnippet(typed, fetched, words);
  const snippet = readSnippet(typed, words);
  if (snippet === undefined) throw new UserError('emptySnippet', 'There is no code in that message.');
  return snippet;
}

/** Named by the message or chosen in the channel; the gateway's default would be a guess about somebody's words. */
function isLanguageKnown(snippet: Snippet, context: LanguageContext): boolean {
  try {
    chooseKernelspec(snippet, context);
  } catch (error) {
    if (error instanceof UserError) return false;
    throw error;
  }
  const isNamed = snippet.language !== undefined || snippet.syntax !== undefined;
  const isChosen = context.channelLanguage !== undefined || context.defaultLanguage !== undefined;
  return isNamed || isChosen || context.kernelspecs.list.length === 1;
}

async function askLanguage(
  call: ShortcutCall,
  { blocks }: Snippet,
  context: LanguageContext,
  bot: Bot,
): Promise<void> {
  const { channel, trigger, user } = call;
  await bot.surfaces.openModal(trigger, async () => {
    const { thread, message } = standing(call, { id: user }, bot);
    const draft = await bot.drafts.keep({
      channel,
      thread,
      blocks: [...blocks],
      ...(message === undefined ? {} : { message }),
    });
    return renderEditor({ channel, thread, draft }, { languages: listLanguages(context), blocks });
  });
}

/** The answer stands in the message's thread; the message counts as the requester's where he wrote it. */
function standing(
  { channel, message }: ShortcutCall,
  { id }: Pick<Person, 'id'>,
  bot: Bot,
): { thread: string; message?: string } {
  const own = message.user === id ? { message: messageDelivery(bot.workspace, channel, message.ts) } : {};
  return { thread: message.thread ?? message.ts, ...own };
}

async function refusing(
  user: string,
  channel: string | undefined,
  bot: Bot,
  act: () => Promise<void>,
): Promise<void> {
  try {
    await act();
  } catch (error) {
    const text = refusalMrkdwn(error);
    if (text === undefined) bot.log.error({ err: error }, 'a shortcut broke');
    await bot.tell.person({ channel, user }, text ?? brokenText);
  }
}
