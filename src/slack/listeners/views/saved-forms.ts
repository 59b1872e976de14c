import { UserError } from '../../../errors.ts';
import { readParameters } from '../../../saved/parameters/values.ts';
import { NAME_FORM, readName } from '../../../saved/saved-snippets.ts';
import { readTiming, TIMING_FORM } from '../../../saved/schedules/timing.ts';
import { withAudit } from '../../auth/audit.ts';
import { must } from '../../auth/policy.ts';
import { renderSentence } from '../../blocks/elements.ts';
import {
  NAME_BLOCK,
  renderReplace,
  replaceQuestion,
  savedAnswer,
  savePurposeSchema,
} from '../../blocks/saved/saved-blocks.ts';
import {
  NOTICE_BLOCK,
  ONLY_ON_FAILURE,
  renderScheduleForm,
  schedulePlaceSchema,
  SNIPPET_BLOCK,
  TIMING_BLOCK,
  VALUES_BLOCK,
} from '../../blocks/saved/schedule-blocks.ts';
import type { Bot } from '../../context.ts';
import { undoPhoneTyping } from '../../parsing/typed-text.ts';
import { inTime } from '../boundary.ts';
import { saveRun, scheduledWords } from '../commands/saved.ts';
import { onSubmission } from '../interactions.ts';
import { findRunFor } from '../requests.ts';
import { makeSchedule } from '../schedules.ts';

/** The modal for a name, and the question whether to replace the snippet that has it. */
export const onSaveSubmitted = onSubmission(
  {
    what: 'a box to save',
    asked: { audit: 'press', act: 'save' },
    purpose: savePurposeSchema,
    fieldOf: (_, { name }) => (name === undefined ? NAME_BLOCK : undefined),
  },
  async ({ user, purpose, fields, signal, asked }, bot) => {
    const { runId, replaces } = purpose;
    const name = purpose.name ?? readName(fields(NAME_BLOCK)?.value ?? '');
    if (name === undefined) throw new UserError('badCommand', `${NAME_FORM} Nothing was saved.`);
    const [run, person] = await findRunFor(runId, user, 'nothing was saved', bot, signal);
    const { kind, saved } = await withAudit({ ...asked, channel: run.channel, run: run.id }, bot, () =>
      inTime(saveRun(run, { name, replaces }, person, bot), signal),
    );
    const view =
      kind === 'taken'
        ? renderReplace(run.id, saved, replaceQuestion(saved, scheduledWords(saved, bot)))
        : renderSentence(savedAnswer(saved, kind === 'saved'), 'mrkdwn');
    return { response_action: 'update', view };
  },
);

/** `schedule` alone: opens the form. Throws `UserError` if nothing is saved that could be scheduled. */
export async function openScheduleForm(
  { user, trigger, channel }: { user: string; trigger: string; channel: string },
  bot: Bot,
): Promise<void> {
  await bot.views.openModal(trigger, async () => {
    must('run', await bot.users.find(user), channel, bot.policy);
    const saved = bot.saved.list(channel);
    if (saved.length === 0)
      throw new UserError(
        'badCommand',
        'Nothing is saved in this channel. Run something, then keep it with save daily-report.',
      );
    return renderScheduleForm(channel, saved);
  });
}

/** An error in one field of a form. */
class FieldError extends UserError {
  readonly field: string;
  constructor(field: string, { code, message }: UserError) {
    super(code, message);
    this.field = field;
  }
}

/** Turns a `UserError` of `read` into an error of the field. */
function inField<Value>(field: string, read: () => Value): Value {
  try {
    return read();
  } catch (error) {
    throw error instanceof UserError ? new FieldError(field, error) : error;
  }
}

export const onScheduleSubmitted = onSubmission(
  {
    what: 'a form of a schedule',
    asked: { audit: 'press', act: 'schedule' },
    purpose: schedulePlaceSchema,
    fieldOf: (error) => (error instanceof FieldError ? error.field : SNIPPET_BLOCK),
  },
  async ({ user, purpose: { channel }, fields, signal, asked }, bot) => {
    const typed = (name: string): string => undoPhoneTyping(fields(name)?.value ?? '');
    const timing = inField(TIMING_BLOCK, () => {
      const when = readTiming(typed(TIMING_BLOCK));
      if (when === undefined || when.rest.trim() !== '') throw new UserError('badCommand', TIMING_FORM);
      return when.timing;
    });
    const schedule = {
      name: fields(SNIPPET_BLOCK)?.selected_option?.value ?? '',
      timing,
      parameters: inField(VALUES_BLOCK, () => readParameters(typed(VALUES_BLOCK))),
      onlyOnFailure:
        fields(NOTICE_BLOCK)?.selected_options?.some(({ value }) => value === ONLY_ON_FAILURE) === true,
    };
    const person = await inTime(bot.users.find(user), signal);
    const said = await withAudit({ ...asked, channel }, bot, () =>
      inTime(makeSchedule(schedule, person, channel, bot, signal), signal),
    );
    return { response_action: 'update', view: renderSentence(said, 'mrkdwn') };
  },
);
