import { UserError } from '../../../errors.ts';
import type { Run } from '../../../runs/run.ts';
import { withAudit } from '../../auth/audit.ts';
import { must } from '../../auth/policy.ts';
import { lineBlock, questionKeySchema, renderQuestionModal } from '../../blocks/question.ts';
import type { Bot } from '../../context.ts';
import { inTime } from '../boundary.ts';
import { onSubmission } from './submission.ts';

/** For a line that came too late. */
export const overText = 'This question is over: it was answered, or the run has ended.';

/** The box for the line that the run's kernel waits for. */
export async function openQuestion(run: Run, trigger: string, bot: Bot): Promise<void> {
  const asked = run.data.inputRequest;
  if (asked === undefined || run.state === 'ended' || run.state === 'posted')
    throw new UserError('badCommand', overText);
  const key = { runId: run.id, questionId: asked.id };
  await bot.views.openModal(trigger, async () => renderQuestionModal(key, asked));
}

/** What was typed goes to the kernel, and into no log and no message. */
export const onQuestionSubmitted = onSubmission(
  {
    what: 'an input reply',
    asked: { audit: 'press', act: 'inputReply' },
    purpose: questionKeySchema,
    fieldOf: () => lineBlock,
  },
  async ({ user, purpose: { runId, questionId }, fields, signal, asked }, bot) => {
    const line = fields(lineBlock)?.value ?? '';
    const [run, person] = await inTime(Promise.all([bot.findRun(runId), bot.users.find(user)]), signal);
    if (run === undefined) throw new UserError('badCommand', overText);
    must(run.requester === person.id ? 'answerOwn' : 'answerOthers', person, run.channel, bot.policy);
    await withAudit({ ...asked, channel: run.channel, run: run.id }, bot, async () => {
      if (!(await bot.control.answerInput(run, questionId, line)))
        throw new UserError('badCommand', overText);
    });
    return undefined;
  },
);
