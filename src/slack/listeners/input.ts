import { UserError } from '../../errors.ts';
import { isUnfinished, type Run } from '../../runs/run.ts';
import { type Asked, withAudit } from '../auth/audit.ts';
import { must } from '../auth/policy.ts';
import { inputKeySchema, LINE_BLOCK, renderInputBox } from '../blocks/input-request.ts';
import type { Bot } from '../context.ts';
import { readBangCommand } from '../parsing/command.ts';
import type { PostedMessage } from '../parsing/message-event.ts';
import { readReply } from '../parsing/snippet.ts';
import { inTime } from './boundary.ts';
import { findAuthor } from './events/classify.ts';
import { onSubmission } from './interactions.ts';
import { messageRequest, replyRequest, requestOf, runOnce } from './requests.ts';

/** The line that code waits for: a reply in the run's thread, or text in the modal that Answer opens. */

const OVER_TEXT = 'This question is over: it was answered, or the run has ended.';
const PASSWORD_TEXT =
  'The code asks for a password, and everybody here can read a reply, so yours was not sent to it. Press Answer, and delete your reply if it was the password.';
const LINES_TEXT =
  'The code asks for one line, and your reply has several, so it was not sent. Reply with one line.';

/**
 * Gives a reply to the author's run in this thread that waits for a line. False, and nothing is done, if there is none
 * or the message is no reply. Else `onAddressed` is called first: from then on refusals are told.
 */
export async function takeInputReply(
  posted: PostedMessage,
  bot: Bot,
  onAddressed: () => void,
): Promise<boolean> {
  const { channel, thread, user, typed, files } = posted;
  if (thread === undefined || files.length > 0 || posted.isMention) return false;
  const run = bot.control.awaitingInput(bot.workspace, channel, thread, user);
  const asked = run?.data.inputRequest;
  if (run === undefined || asked === undefined) return false;
  const line = readReply(typed);
  if (line === undefined || readBangCommand(line) !== undefined) return false;
  onAddressed();
  // Under the request of the message, because in a direct message it would run as code if Slack brought it again.
  await runOnce(requestOf(posted, bot), bot, async () => {
    must('answerOwn', await findAuthor(posted, bot), channel, bot.policy);
    if (asked.password) throw new UserError('notTaken', PASSWORD_TEXT);
    if (line.includes('\n')) throw new UserError('notTaken', LINES_TEXT);
    await answerInput({ audit: 'message', act: 'inputReply', user }, run, asked.id, line, bot);
    await bot.markSeen(replyRequest(messageRequest(posted, bot)));
  });
  return true;
}

/** Opens the modal for the line. */
export async function openInputBox(run: Run, trigger: string, bot: Bot): Promise<void> {
  const asked = run.data.inputRequest;
  if (asked === undefined || !isUnfinished(run)) throw new UserError('badCommand', OVER_TEXT);
  const key = { runId: run.id, requestId: asked.id };
  await bot.views.openModal(trigger, async () => renderInputBox(key, asked));
}

export const onInputSubmitted = onSubmission(
  {
    what: 'an input reply',
    asked: { audit: 'press', act: 'inputReply' },
    purpose: inputKeySchema,
    fieldOf: () => LINE_BLOCK,
  },
  async ({ user, purpose: { runId, requestId }, fields, signal, asked }, bot) => {
    const line = fields(LINE_BLOCK)?.value ?? '';
    const [run, person] = await inTime(Promise.all([bot.runs.find(runId), bot.users.find(user)]), signal);
    if (run === undefined) throw new UserError('badCommand', OVER_TEXT);
    must(run.requester === person.id ? 'answerOwn' : 'answerOthers', person, run.channel, bot.policy);
    await answerInput(asked, run, requestId, line, bot);
    return undefined;
  },
);

/** Sends the line to the kernel; it goes into no log and no message. Throws `UserError` if it comes too late. */
async function answerInput(asked: Asked, run: Run, requestId: string, line: string, bot: Bot): Promise<void> {
  await withAudit({ ...asked, channel: run.channel, run: run.id }, bot, async () => {
    if (!(await bot.control.answerInput(run, requestId, line))) throw new UserError('badCommand', OVER_TEXT);
  });
}
