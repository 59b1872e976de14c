import { UserError } from '../../../errors.ts';
import { type LanguageContext, resolveLanguage } from '../../../runs/languages/languages.ts';
import { describeCode, isUnfinished, type Run } from '../../../runs/run.ts';
import type { Snippet } from '../../../runs/admission/snippet.ts';
import type { Bot } from '../../context.ts';
import type { DeliveryTicket } from '../../transport/acked-after-accept-app.ts';
import { must } from '../../auth/policy.ts';
import { admit } from '../submit-run.ts';
import { deletionDelivery, messageDelivery } from '../request-keys.ts';
import { findAuthor, type Heard, hear, hearEdited } from './classify.ts';
import { answering, deliveryOf, judge, silently, taking } from './message.ts';
import { type MessageChange, type PostedMessage, readChange } from '../../parsing/message/message-event.ts';
import { readMessage } from '../../parsing/message/message-body.ts';

/** `message_changed` and `message_deleted`: an edited message runs anew, a deleted one takes its run along. */
export async function onChanged(event: unknown, delivery: DeliveryTicket, bot: Bot): Promise<void> {
  const change = readChange(event);
  if (change === undefined) return;
  await taking(change.kind === 'edited' ? change.message : change, delivery, bot, async () => {
    if (change.kind === 'deleted') await forget(change, bot);
    else await judgeEdit(change, bot);
  });
}

/** The message is known from now on, so that one that is still on its way makes no run. */
async function forget(deleted: MessageChange & { kind: 'deleted' }, bot: Bot): Promise<void> {
  const { channel, ts } = deleted;
  const delivery = messageDelivery(bot.workspace, channel, ts);
  await bot.claim(delivery);
  await bot.claim(deletionDelivery(delivery));
  const first = await bot.runOf(delivery);
  // Slack does not always say in which thread it stood.
  const thread = first?.thread ?? deleted.thread;
  const runs = await runsOf({ channel, ts, thread }, bot);
  for (const run of runs) await bot.erase(run);
  // Further back than a long thread is read.
  if (first !== undefined && !runs.some(({ id }) => id === first.id)) await bot.erase(first);
}

async function judgeEdit(
  { message, before, by }: MessageChange & { kind: 'edited' },
  bot: Bot,
): Promise<void> {
  // Only the author's own edits count; and only of what was typed, not of a preview that came with it.
  if (by !== message.user || (before !== undefined && isSameTyped(before, message, bot))) return;
  const called = await hear(message, bot);
  if (called === undefined && isOfBot(message, bot)) return;
  // Slack repeats what it could not deliver: the edit may come behind the deletion.
  const { channel, ts } = message;
  if (await bot.isKnown(deletionDelivery(messageDelivery(bot.workspace, channel, ts)))) return;
  const runs = await runsOf({ ...message, thread: message.thread ?? ts }, bot);
  if (runs.length === 0 && called !== undefined) await judgeAsNew(message, called, bot);
  else await judgeAgain(message, called, runs, bot);
}

/** The message made no run: it was refused, or was no code. Its first form is settled with that. */
async function judgeAsNew(message: PostedMessage, called: Heard, bot: Bot): Promise<void> {
  if (isTooLate(message, bot)) {
    if (called.isAddressed) await answering(message, bot, async () => refuseLate(bot));
    return;
  }
  const { channel, ts, thread = ts } = message;
  const isFirst = await bot.claim(messageDelivery(bot.workspace, channel, ts));
  // Another process may have taken the message just now.
  const runs = isFirst ? [] : await runsOf({ channel, ts, thread }, bot);
  if (runs.length === 0) await judge(message, bot);
  else await judgeAgain(message, called, runs, bot);
}

async function judgeAgain(
  message: PostedMessage,
  called: Heard | undefined,
  runs: readonly Run[],
  bot: Bot,
): Promise<void> {
  const [last] = runs;
  if (last === undefined || last.requester !== message.user) return;
  const byShortcut = runs.some(({ data }) => data.source === 'shortcut');
  const heard = called ?? hearEdited(message, byShortcut, bot);
  if (heard === undefined) return;
  const act = (): Promise<void> => runEdited(message, last, heard, bot);
  if (heard.isAddressed) await answering(message, bot, act);
  else await silently(act);
}

/** Answers are edited all the time: nothing is looked up for them. */
function isOfBot({ user, botIds }: PostedMessage, { userId }: Bot): boolean {
  return user === userId || botIds.length > 0;
}

async function runEdited(message: PostedMessage, last: Run, heard: Heard, bot: Bot): Promise<void> {
  const request = await heard.read();
  if (request?.kind === 'command')
    throw new UserError(
      'badCommand',
      'An edit runs code, never a command. Send the command as a new message.',
    );
  if (request?.kind !== 'snippet' || (await isKnownEdit(message, last, bot))) return;
  const { snippet } = request;
  if (await isSameCode(snippet, last, bot)) return;
  if (isTooLate(message, bot)) refuseLate(bot);
  const person = await findAuthor(message, bot);
  must('run', person, message.channel, bot.policy);
  const editedTs = message.editedTs ?? '';
  if (await bot.replaceWaiting(last, { snippet, editedTs })) {
    await bot.claim(deliveryOf(message, bot));
    return;
  }
  const admitted = await admit(
    {
      requestKey: deliveryOf(message, bot),
      source: 'edit',
      channel: last.channel,
      thread: last.thread,
      snippet,
      message: messageDelivery(bot.workspace, message.channel, message.ts),
      editedTs,
      follows: last,
    },
    person,
    bot,
  );
  if (admitted.kind === 'accepted' && isUnfinished(last))
    await bot.say(
      last,
      `The message was edited: run ${last.data.edition + 1} with the new code waits behind this one.`,
    );
}

/** Runs that came from this message, the newest first. */
async function runsOf(
  { channel, ts, thread }: { channel: string; ts: string; thread: string },
  bot: Bot,
): Promise<Run[]> {
  const key = messageDelivery(bot.workspace, channel, ts);
  return (await bot.threadRuns(channel, thread)).filter((run) => run.data.message === key);
}

/** Slack may bring an edit twice, and edits in any order: an older one has been overtaken. */
async function isKnownEdit(message: PostedMessage, last: Run, bot: Bot): Promise<boolean> {
  const isOvertaken = Number(last.data.editedTs ?? 0) >= Number(message.editedTs ?? 0);
  return isOvertaken || (await bot.isKnown(deliveryOf(message, bot)));
}

function isSameTyped(before: PostedMessage, after: PostedMessage, { userId }: Bot): boolean {
  const typed = (posted: PostedMessage): string => JSON.stringify(readMessage(posted, userId).parts);
  return typed(before) === typed(after);
}

/** The same code in a language that is not named, or named by any word for the one that ran: nothing new. */
async function isSameCode({ language, blocks }: Snippet, last: Run, bot: Bot): Promise<boolean> {
  const { codeSha256, blockCount } = describeCode(blocks);
  if (codeSha256 !== last.data.codeSha256 || blockCount !== last.data.blockCount) return false;
  return (
    language === undefined || meansSame(language, last.data.kernelspec, await bot.languages(last.channel))
  );
}

function meansSame(language: string, kernelspec: string, context: LanguageContext): boolean {
  try {
    return resolveLanguage(language, context).kernelspec === kernelspec;
  } catch (error) {
    // Refused with the reason when it is admitted.
    if (error instanceof UserError) return false;
    throw error;
  }
}

/** Slack's ts are seconds since the epoch. */
function isTooLate({ ts, editedTs }: PostedMessage, { editWindowMs }: Bot): boolean {
  return (Number(editedTs ?? ts) - Number(ts)) * 1000 > editWindowMs;
}

function refuseLate({ editWindowMs }: Bot): never {
  const seconds = editWindowMs / 1000;
  const span = seconds % 60 === 0 ? `${seconds / 60} min` : `${seconds} s`;
  throw new UserError(
    'notAllowed',
    `The edit came too late to run (EDIT_WINDOW is ${span}). Send the code as a new message.`,
  );
}
