import type { SlackViewMiddlewareArgs, ViewResponseAction, ViewSubmitAction } from '@slack/bolt';
import { z } from 'zod';
import { UserError } from '../../../errors.ts';
import type { Run } from '../../../runs/run.ts';
import type { Bot } from '../../context.ts';
import { withAudit } from '../../auth/audit.ts';
import { must } from '../../auth/policy.ts';
import { lineBlock, readQuestionKey, renderQuestion } from '../../blocks/modals/input.ts';
import { Acknowledgement, inTime, withBoundary } from '../boundary.ts';

/** For a line that came too late. */
export const overText = 'This question is over: it was answered, or the run has ended.';

/** The box for the line that the run's kernel waits for. */
export async function openQuestion(run: Run, trigger: string, bot: Bot): Promise<void> {
  const asked = run.data.inputRequest;
  if (asked === undefined || run.state === 'ended' || run.state === 'posted')
    throw new UserError('badCommand', overText);
  const key = { runId: run.id, questionId: asked.id };
  await bot.views.openModal(trigger, async () => renderQuestion(key, asked));
}

const valuesSchema = z.object({
  [lineBlock]: z.object({ [lineBlock]: z.object({ value: z.string().nullish() }) }),
});

/** What was typed goes to the kernel, and into no log and no message. */
export async function onQuestionSubmitted(
  { ack, body, view }: SlackViewMiddlewareArgs<ViewSubmitAction>,
  bot: Bot,
): Promise<void> {
  const reply = new Acknowledgement<ViewResponseAction>(ack, bot.log);
  const notify = async (text: string): Promise<void> =>
    await reply.send({ response_action: 'errors', errors: { [lineBlock]: text } });
  const user = body.user.id;
  const asked = { audit: 'press', act: 'inputReply', user };
  await withBoundary({ what: 'an input reply', format: 'plain', notify, asked }, bot, async () => {
    const { runId, questionId } = readQuestionKey(view.private_metadata);
    const line = valuesSchema.parse(view.state.values)[lineBlock][lineBlock].value ?? '';
    const [run, person] = await inTime(Promise.all([bot.findRun(runId), bot.users.find(user)]), reply.signal);
    if (run === undefined) throw new UserError('badCommand', overText);
    must(run.requester === person.id ? 'answerOwn' : 'answerOthers', person, run.channel, bot.policy);
    await withAudit({ ...asked, channel: run.channel, run: run.id }, bot, async () => {
      if (!(await bot.control.answerInput(run, questionId, line)))
        throw new UserError('badCommand', overText);
    });
    await reply.send();
  });
}
