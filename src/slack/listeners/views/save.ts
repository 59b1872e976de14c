import type { SlackViewMiddlewareArgs, ViewResponseAction, ViewSubmitAction } from '@slack/bolt';
import { z } from 'zod';
import { UserError } from '../../../errors.ts';
import type { Run } from '../../../runs/run.ts';
import { NAME_FORM, readName } from '../../../saved/saved-snippets.ts';
import { withAudit } from '../../auth/audit.ts';
import { renderSentence } from '../../blocks/modals/modal.ts';
import { nameBlock, readSavePurpose, renderReplace, renderSave } from '../../blocks/saved/saved-modals.ts';
import { replaceQuestion, savedAnswer, unchangedAnswer } from '../../blocks/saved/saved-blocks.ts';
import type { Bot } from '../../context.ts';
import { saveRun, scheduledWords } from '../commands/saved.ts';
import { Acknowledgement, inTime, withBoundary } from '../boundary.ts';

/** Save in the menu of an answer: the box for a name. */
export async function openSave(run: Run, trigger: string, bot: Bot): Promise<void> {
  await bot.views.openModal(trigger, async () => renderSave(run.id));
}

const valuesSchema = z.object({
  [nameBlock]: z.object({ [nameBlock]: z.object({ value: z.string().nullish() }) }).optional(),
});

export async function onSaveSubmitted(
  { ack, body, view }: SlackViewMiddlewareArgs<ViewSubmitAction>,
  bot: Bot,
): Promise<void> {
  const reply = new Acknowledgement<ViewResponseAction>(ack, bot.log);
  const purpose = readSavePurpose(view.private_metadata);
  const notify = async (text: string): Promise<void> =>
    await reply.send(
      purpose.name === undefined
        ? { response_action: 'errors', errors: { [nameBlock]: text } }
        : { response_action: 'update', view: renderSentence(text) },
    );
  const asked = { audit: 'press', act: 'save', user: body.user.id };
  await withBoundary({ what: 'a box to save', format: 'plain', notify, asked }, bot, async () => {
    const { runId, replaces } = purpose;
    const typed = valuesSchema.parse(view.state.values)[nameBlock]?.[nameBlock].value ?? '';
    const name = purpose.name ?? readName(typed);
    if (name === undefined) throw new UserError('badCommand', `${NAME_FORM} Nothing was saved.`);
    const [run, person] = await inTime(
      Promise.all([bot.findRun(runId), bot.users.find(body.user.id)]),
      reply.signal,
    );
    if (run === undefined)
      throw new UserError('badCommand', 'That run is no longer kept, so nothing was saved.');
    const { kind, saved } = await withAudit({ ...asked, channel: run.channel, run: run.id }, bot, () =>
      inTime(saveRun(run, { name, replaces }, person, bot), reply.signal),
    );
    const next =
      kind === 'taken'
        ? renderReplace(run.id, saved, replaceQuestion(saved, scheduledWords(saved, bot)))
        : renderSentence(kind === 'saved' ? savedAnswer(saved) : unchangedAnswer(saved), 'mrkdwn');
    await reply.send({ response_action: 'update', view: next });
  });
}
