import { UserError } from '../../../errors.ts';
import type { Bot } from '../../context.ts';
import { withAudit } from '../../auth/audit.ts';
import { must } from '../../auth/policy.ts';
import { readBangCommand } from '../../parsing/command.ts';
import { readMessage } from '../../parsing/message-body.ts';
import type { PostedMessage } from '../../parsing/message-event.ts';
import { readReply } from '../../parsing/snippet.ts';
import { messageRequest, requestOf, runOnce } from '../requests.ts';
import { overText } from '../views/input.ts';
import { findAuthor } from './classify.ts';

const PASSWORD_TEXT =
  'The code asks for a password, and everybody here can read a reply, so yours was not sent to it. Press Answer, and delete your reply if it was the password.';
const LINES_TEXT =
  'The code asks for one line, and your reply has several, so it was not sent. Reply with one line.';

/** Where it is known that a message, named by its request, answered a question. */
export function replyRequest(message: string): string {
  return `${message}/reply`;
}

/**
 * Gives the code of the author's run in this thread the line that it waits for. False for a message that answers
 * nothing: then nothing was done. `onAddressed` is called where it does: from then on refusals are said.
 */
export async function takeInputReply(
  posted: PostedMessage,
  bot: Bot,
  onAddressed: () => void,
): Promise<boolean> {
  const { channel, ts, thread, user, files } = posted;
  if (thread === undefined || files.length > 0 || posted.isMention) return false;
  const run = bot.control.awaitingInput(bot.workspace, channel, thread, user);
  const asked = run?.data.inputRequest;
  if (run === undefined || asked === undefined) return false;
  const line = readReply(readMessage(posted, bot.userId));
  if (line === undefined || readBangCommand(line) !== undefined) return false;
  onAddressed();
  // By the message's own request: in a direct message it would else run as code when Slack brings it again.
  await runOnce(requestOf(posted, bot), bot, async () => {
    must('answerOwn', await findAuthor(posted, bot), channel, bot.policy);
    if (asked.password) throw new UserError('notTaken', PASSWORD_TEXT);
    if (line.includes('\n')) throw new UserError('notTaken', LINES_TEXT);
    await withAudit({ audit: 'message', act: 'inputReply', user, channel, run: run.id }, bot, async () => {
      if (!(await bot.control.answerInput(run, asked.id, line))) throw new UserError('badCommand', overText);
    });
    await bot.markSeen(replyRequest(messageRequest(bot.workspace, channel, ts)));
  });
  return true;
}
