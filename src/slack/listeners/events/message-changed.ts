import { UserError } from '../../../errors.ts';
import { auditEdited } from '../../../runs/audit.ts';
import { findLanguage } from '../../../runs/languages/languages.ts';
import { hasCode, isUnfinished, type Run, type Snippet, withoutDeleted } from '../../../runs/run.ts';
import { renderElapsed } from '../../../text.ts';
import { auditRun } from '../../auth/audit.ts';
import type { Bot } from '../../context.ts';
import {
  isOwnChange,
  type MessageChange,
  type PostedMessage,
  readChange,
} from '../../parsing/message-event.ts';
import type { EventTicket } from '../../transport/acked-after-accept-app.ts';
import { withBoundary } from '../boundary.ts';
import { deletionRequest, messageRequest, mustRun, replyRequest, requestOf, submitRun } from '../requests.ts';
import {
  type Classified,
  classifyEdited,
  classifyMessage,
  codeOf,
  findAuthor,
  hasRuns,
  isPlainTalk,
  isLate,
  nothingAsked,
  refuseLate,
} from './classify.ts';
import { handleMessage, withMessageBoundary } from './message.ts';

type Edit = MessageChange & { kind: 'edited' };
type Deletion = MessageChange & { kind: 'deleted' };

/** `message_changed` and `message_deleted`: an edited message runs anew, and the runs of a deleted one are erased. */
export async function onMessageChanged(event: unknown, ticket: EventTicket, bot: Bot): Promise<void> {
  if (isOwnChange(event, bot.userId)) return;
  const change = readChange(event, bot.userId);
  if (change === undefined) return;
  const changed = change.kind === 'edited' ? change.message : change;
  await bot.memory.mutex.run(messageRequest(changed, bot), async () => {
    if (change.kind === 'edited') await handleEdit(change, ticket, bot);
    else await withBoundary({ what: 'a deletion', ticket }, bot, async () => await eraseRuns(change, bot));
  });
}

/**
 * Handles a late message, as it is now, because its author has pressed Run now. Rejects with any refusal, also if it
 * has become talk.
 */
export async function takeAnew(message: PostedMessage, bot: Bot): Promise<void> {
  const { channel, ts, thread = ts, user, editedTs } = message;
  const isForBot = (await classifyMessage(message, bot)) !== undefined;
  if (!isForBot && (await runsOf({ channel, ts, thread }, bot)).length === 0) throw nothingAsked();
  await bot.memory.mutex.run(messageRequest(message, bot), async () => {
    if (editedTs === undefined) await handleMessage(message, undefined, bot);
    else await handleEdit({ kind: 'edited', message, before: undefined, by: user }, undefined, bot);
  });
}

/** Erases the runs of a deleted message, and records it as seen, so that it makes no run if it arrives later. */
async function eraseRuns(deleted: Deletion, bot: Bot): Promise<void> {
  const { channel, ts, before } = deleted;
  if (before !== undefined && isPlainTalk(before) && !(await hasRuns(channel, bot))) return;
  const key = messageRequest(deleted, bot);
  await bot.markSeen(key);
  await bot.markSeen(deletionRequest(key));
  const first = await bot.runOf(key);
  // Slack does not always tell the thread.
  const thread = first?.thread ?? deleted.thread;
  const runs = await runsOf({ channel, ts, thread }, bot);
  // In a long thread the first run may be further back than is read.
  if (first !== undefined && !runs.some(({ id }) => id === first.id)) runs.push(first);
  for (const run of runs) {
    auditRun('delete', run, undefined, bot);
    await bot.runs.erase(run);
  }
}

async function handleEdit(
  { message, before, by }: Edit,
  ticket: EventTicket | undefined,
  bot: Bot,
): Promise<void> {
  // Only edits by the author count, and only changes of what was typed, not an added preview.
  if (by !== message.user || (before !== undefined && isSameTyped(before, message))) return;
  let isNew = false;
  await withMessageBoundary(message, ticket, bot, async (onAddressed) => {
    const classified = await classifyMessage(message, bot);
    if (classified === undefined && (message.botIds.length > 0 || !(await hasRuns(message.channel, bot))))
      return;
    // Slack repeats undelivered events, so an edit may come after the deletion.
    const { channel, ts, thread = ts } = message;
    const key = messageRequest(message, bot);
    if (await bot.isKnown(deletionRequest(key))) return;
    // It was given to the kernel as input, which cannot be undone.
    if (await bot.isKnown(replyRequest(key))) return;
    let runs = await runsOf({ channel, ts, thread }, bot);
    if (runs.length === 0 && classified !== undefined) {
      if (classified.isAddressed) onAddressed();
      if (isOutsideWindow(message, bot)) refuseEdit(bot);
      // It was refused before, or was no code. Its first version counts as handled from now on.
      isNew = await bot.markSeen(key);
      // Another process may just have handled the message.
      if (!isNew) runs = await runsOf({ channel, ts, thread }, bot);
      isNew = runs.length === 0;
    }
    const [last, ...earlier] = runs;
    if (last === undefined || last.requester !== message.user) return;
    const isAddressed = classified?.isAddressed === true;
    if (isAddressed) onAddressed();
    // The code that ran counts further, also with words beside it.
    const edited = isAddressed ? classified : classifyEdited(message, runs, bot);
    const isCodeGone = edited === undefined || !(await runEdited(message, [last, ...earlier], edited, bot));
    // The answer would be below a text that it does not belong to.
    if (isCodeGone && !(await isKnownEdit(message, last, bot)))
      for (const run of runs) await bot.runs.erase(run);
  });
  if (isNew) await handleMessage(message, ticket, bot);
}

/**
 * Runs the new code of a message that has made runs, the newest first: it replaces a run that still waits, else it is
 * queued. False if the message asks for nothing any more.
 */
async function runEdited(
  message: PostedMessage,
  runs: readonly [Run, ...Run[]],
  classified: Classified,
  bot: Bot,
): Promise<boolean> {
  const request = await classified.read();
  if (request === undefined || request.kind === 'nothing') return false;
  const [last] = runs;
  if (request.kind === 'command')
    throw new UserError(
      'badCommand',
      'An edit runs code, never a command. Send the command as a new message.',
    );
  if (await isKnownEdit(message, last, bot)) return true;
  if (await isSameCode(request.snippet, last, bot)) return true;
  if (isOutsideWindow(message, bot)) refuseEdit(bot);
  const person = await findAuthor(message, bot);
  if (isLate(message)) refuseLate(message, 'run', person, bot);
  await mustRun(person, message.channel, bot);
  const edited = { ...codeOf(request, message), editedTs: message.editedTs ?? '' };
  if (await bot.admission.replaceWaiting(last, edited)) {
    bot.audit.record(auditEdited((await bot.runs.find(last.id)) ?? last, request.snippet.blocks));
    await bot.markSeen(requestOf(message, bot));
    return true;
  }
  const follows = runs.find((run) => !isLeftOut(run)) ?? last;
  const admitted = await submitRun(
    {
      requestKey: requestOf(message, bot),
      source: 'edit',
      channel: last.channel,
      thread: last.thread,
      ...edited,
      message: messageRequest(message, bot),
      follows,
    },
    person,
    bot,
  );
  if (admitted.kind !== 'accepted') return true;
  if (isUnfinished(follows))
    bot.runs.say(
      follows,
      `The message was edited: run ${follows.data.edition + 1} with the new code waits behind this one.`,
    );
  for (const run of runs.slice(0, runs.indexOf(follows))) await bot.runs.erase(run);
  return true;
}

/** The run of an edit that was cancelled while the run before it went on, and so has an answer of its own. */
function isLeftOut({ data: { edition, follows, outcome } }: Run): boolean {
  return edition > 1 && follows === undefined && outcome?.kind === 'cancelled';
}

/** Runs that came from this message, the newest first. */
async function runsOf(message: { channel: string; ts: string; thread: string }, bot: Bot): Promise<Run[]> {
  const key = messageRequest(message, bot);
  const runs = withoutDeleted(await bot.runs.newest('thread', [message.channel, message.thread]));
  return runs.filter(({ data }) => data.message === key);
}

/** Slack may bring edits twice and in any order: an edit older than that of the last run is ignored. */
async function isKnownEdit(message: PostedMessage, last: Run, bot: Bot): Promise<boolean> {
  const isOvertaken = Number(last.data.editedTs ?? 0) >= Number(message.editedTs ?? 0);
  return isOvertaken || (await bot.isKnown(requestOf(message, bot)));
}

function isSameTyped(before: PostedMessage, after: PostedMessage): boolean {
  return JSON.stringify(before.typed) === JSON.stringify(after.typed);
}

/** Whether code and language are those of the last run, whatever word names the language. SQL is the same on any kernel. */
async function isSameCode({ language, blocks }: Snippet, last: Run, bot: Bot): Promise<boolean> {
  if (!hasCode(last, blocks)) return false;
  if (language === undefined) return true;
  const { kernelspec, dialect } = findLanguage({ language }, await bot.languages(last.channel)) ?? {};
  return dialect === last.data.dialect && (dialect !== undefined || kernelspec === last.data.kernelspec);
}

/** Slack's ts are seconds since the epoch. */
function isOutsideWindow({ ts, editedTs }: PostedMessage, { editWindowMs }: Bot): boolean {
  return (Number(editedTs ?? ts) - Number(ts)) * 1000 > editWindowMs;
}

function refuseEdit({ editWindowMs }: Bot): never {
  throw new UserError(
    'notAllowed',
    `The edit came too late to run: edits count for ${renderElapsed(editWindowMs)}. Send the code as a new message.`,
  );
}
