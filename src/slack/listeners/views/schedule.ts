import type { SlackViewMiddlewareArgs, ViewResponseAction, ViewSubmitAction } from '@slack/bolt';
import { z } from 'zod';
import { UserError } from '../../../errors.ts';
import { readParameters } from '../../../saved/parameters/values.ts';
import { readTiming, TIMING_FORM } from '../../../saved/schedules/timing.ts';
import { withAudit } from '../../auth/audit.ts';
import { must } from '../../auth/policy.ts';
import { renderSentence } from '../../blocks/modals/modal.ts';
import {
  noticeBlock,
  onlyOnFailure,
  renderScheduleForm,
  snippetBlock,
  timingBlock,
  valuesBlock,
} from '../../blocks/saved/saved-modals.ts';
import type { Bot } from '../../context.ts';
import { undoPhoneTyping } from '../../parsing/smart-punctuation.ts';
import { makeSchedule } from '../commands/schedules.ts';
import { Acknowledgement, inTime, withBoundary } from '../boundary.ts';

/** `schedule` alone: the form. Throws `UserError` where nothing is saved that could be scheduled. */
export async function openScheduleForm(
  { user, trigger, channel }: { user: string; trigger: string; channel: string },
  bot: Bot,
): Promise<void> {
  await bot.views.openModal(trigger, async () => {
    must('run', await bot.users.find(user), channel, bot.policy);
    const saved = bot.saved.list({ workspace: bot.workspace, channel });
    if (saved.length === 0)
      throw new UserError(
        'badCommand',
        'Nothing is saved in this channel. Run something, then keep it with save daily-report.',
      );
    return renderScheduleForm(channel, saved);
  });
}

const metadataSchema = z.object({ channel: z.string() });
const fieldSchema = z.object({
  value: z.string().nullish(),
  selected_option: z.object({ value: z.string() }).nullish(),
  selected_options: z.array(z.object({ value: z.string() })).nullish(),
});
const valuesSchema = z.record(z.string(), z.record(z.string(), fieldSchema));

export async function onScheduleSubmitted(
  { ack, body, view }: SlackViewMiddlewareArgs<ViewSubmitAction>,
  bot: Bot,
): Promise<void> {
  const reply = new Acknowledgement<ViewResponseAction>(ack, bot.log);
  let field: string = snippetBlock;
  const notify = async (text: string): Promise<void> =>
    await reply.send({ response_action: 'errors', errors: { [field]: text } });
  const submitted = { audit: 'press', act: 'schedule', user: body.user.id };
  await withBoundary(
    { what: 'a form of a schedule', format: 'plain', notify, asked: submitted },
    bot,
    async () => {
      const { channel } = metadataSchema.parse(JSON.parse(view.private_metadata));
      const values = valuesSchema.parse(view.state.values);
      const read = (name: string) => values[name]?.[name];
      const typed = (name: string): string => undoPhoneTyping(read(name)?.value ?? '');
      field = timingBlock;
      const when = readTiming(typed(timingBlock));
      if (when === undefined || when.rest.trim() !== '') throw new UserError('badCommand', TIMING_FORM);
      field = valuesBlock;
      const parameters = readParameters(typed(valuesBlock));
      field = snippetBlock;
      const asked = {
        name: read(snippetBlock)?.selected_option?.value ?? '',
        timing: when.timing,
        parameters,
        onlyOnFailure:
          read(noticeBlock)?.selected_options?.some(({ value }) => value === onlyOnFailure) === true,
      };
      const person = await inTime(bot.users.find(body.user.id), reply.signal);
      const said = await withAudit({ ...submitted, channel }, bot, () =>
        inTime(makeSchedule(asked, person, channel, bot), reply.signal),
      );
      await reply.send({ response_action: 'update', view: renderSentence(said, 'mrkdwn') });
    },
  );
}
