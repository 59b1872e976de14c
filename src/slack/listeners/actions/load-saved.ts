import type { BlockAction, SlackActionMiddlewareArgs } from '@slack/bolt';
import { UserError } from '../../../errors.ts';
import { listChoices } from '../../../runs/languages/languages.ts';
import { auditRefused } from '../../auth/audit.ts';
import { must } from '../../auth/policy.ts';
import { readPurpose, renderEditor, splitCode } from '../../blocks/modals/editor.ts';
import type { Bot } from '../../context.ts';
import { undoPhoneTyping } from '../../parsing/smart-punctuation.ts';
import { Acknowledgement } from '../deadline.ts';
import { notifyPerson, withBoundary } from '../error-boundary.ts';

/** The menu of saved snippets in the editor: the chosen one's code and language take the place of what is in it. */
export async function onLoadSaved(
  { ack, body, action }: SlackActionMiddlewareArgs<BlockAction>,
  bot: Bot,
): Promise<void> {
  await new Acknowledgement(ack, bot.log).send();
  const { view, user } = body;
  const id = action.type === 'static_select' ? action.selected_option?.value : undefined;
  if (view === undefined || id === undefined) return;
  const purpose = readPurpose(view.private_metadata);
  const { channel = '' } = purpose;
  const notify = notifyPerson(bot.notify, { channel, user: user.id });
  const asked = { audit: 'press', act: 'load', user: user.id, channel };
  const onRefused = (error: unknown): void => auditRefused(asked, error, bot);
  await withBoundary({ log: bot.log, what: 'a menu of the editor', notify, onRefused }, async () => {
    const place = { workspace: bot.workspace, channel };
    const saved = bot.saved.byId(place, id);
    const [person, blocks, context] = await Promise.all([
      bot.users.find(user.id),
      saved === undefined ? undefined : bot.saved.code(saved),
      bot.languages(channel),
    ]);
    must('run', person, channel, bot.policy);
    if (saved === undefined || blocks === undefined)
      throw new UserError('badCommand', 'That snippet is no longer saved.');
    const { fields, joins } = splitCode(blocks) ?? { fields: [], joins: [] };
    const isVerbatim = blocks.some((block) => undoPhoneTyping(block) !== block);
    // Slack keeps what was typed into fields of the same name.
    const loads = (purpose.loads ?? 0) + 1;
    const next = renderEditor(
      { ...purpose, isVerbatim, loads, ...(joins.some((join) => join !== 'block') ? { joins } : {}) },
      {
        languages: listChoices(context),
        kernelspec: saved.dialect ?? saved.kernelspec,
        blocks: fields,
        saved: bot.saved.list(place),
      },
    );
    await bot.views.updateModal(view.id, next);
  });
}
