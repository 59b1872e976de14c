import type { SlackViewMiddlewareArgs, ViewSubmitAction } from '@slack/bolt';
import { z } from 'zod';
import { UserError } from '../../../errors.ts';
import type { Run } from '../../../runs/run.ts';
import type { Bot } from '../../context.ts';
import { must } from '../../auth/policy.ts';
import { brokenText, refusalText } from '../../blocks/error-text.ts';
import { lineBlock, readQuestionKey, renderQuestion } from '../../blocks/modals/input.ts';

const overText = 'This question is over: it was answered, or the run has ended.';

/** The box for the line that the run's kernel waits for. */
export async function openQuestion(run: Run, trigger: string, bot: Bot): Promise<void> {
  const asked = run.data.inputRequest;
  if (asked === undefined || run.state === 'ended' || run.state === 'posted')
    throw new UserError('badCommand', overText);
  const key = { runId: run.id, questionId: asked.id };
  await bot.surfaces.openModal(trigger, async () => renderQuestion(key, asked));
}

const valuesSchema = z.object({
  [lineBlock]: z.object({ [lineBlock]: z.object({ value: z.string().nullish() }) }),
});

/** What was typed goes to the kernel, and into no log and no message. */
export async function onQuestionSubmitted(
  { ack, body, view }: SlackViewMiddlewareArgs<ViewSubmitAction>,
  bot: Bot,
): Promise<void> {
  try {
    const { runId, questionId } = readQuestionKey(view.private_metadata);
    const line = valuesSchema.parse(view.state.values)[lineBlock][lineBlock].value ?? '';
    const [run, person] = await Promise.all([bot.findRun(runId), bot.people.find(body.user.id)]);
    if (run === undefined) throw new UserError('badCommand', overText);
    must(run.requester === person.id ? 'answerOwn' : 'answerOthers', person, run.channel, bot.policy);
    if (!(await bot.control.answerInput(run, questionId, line))) throw new UserError('badCommand', overText);
    await ack();
  } catch (error) {
    const text = refusalText(error);
    if (text === undefined) bot.log.error({ err: error }, 'an answer to a question broke');
    await ack({ response_action: 'errors', errors: { [lineBlock]: text ?? brokenText } });
  }
}
