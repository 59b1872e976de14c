import type { AckFn } from '@slack/bolt';
import type { ModalView } from '@slack/types';
import { UserError } from '../../../errors.ts';
import { withSources } from '../../../notebooks/model.ts';
import type { Admitted } from '../../../runs/admission/admission.ts';
import { listChoices } from '../../../runs/languages/languages.ts';
import type { Run, Snippet } from '../../../runs/run.ts';
import { toLineFeeds } from '../../../text.ts';
import type { Draft } from '../../api/views.ts';
import { must } from '../../auth/policy.ts';
import {
  CHANNEL_BLOCK,
  codeBlock,
  type EditorContent,
  type EditorPurpose,
  languageBlock,
  FILE_BLOCK,
  joinFields,
  purposeSchema,
  renderEditor,
  splitCode,
} from '../../blocks/editor.ts';
import { escapeMrkdwn, type Fields, renderSentence } from '../../blocks/elements.ts';
import type { Bot } from '../../context.ts';
import { blocksOf, noCodeFile, type PostedFile, readPostedFiles } from '../../parsing/files.ts';
import { undoPhoneTyping } from '../../parsing/typed-text.ts';
import { Acknowledgement, inTime, withBoundary } from '../boundary.ts';
import { onSubmission } from '../interactions.ts';
import { refuseDuplicate, repeated, submitRun, viewRequest } from '../requests.ts';

/** Opens the editor. Without a `channel` it is chosen in the modal. */
export async function openEditor(
  { user, trigger, channel }: { user: string; trigger: string; channel: string | undefined },
  bot: Bot,
): Promise<void> {
  await bot.views.openModal(trigger, async () => {
    const [person, context] = await Promise.all([
      bot.users.find(user),
      // Without a channel: the languages of no particular channel.
      bot.languages(channel ?? ''),
      channel === undefined ? undefined : bot.channels.mustBePostable(channel),
    ]);
    must('run', person, channel, bot.policy);
    const purpose = channel === undefined ? {} : { channel };
    const saved = channel === undefined ? [] : bot.saved.list(channel);
    return renderEditor(purpose, { languages: listChoices(context), blocks: [''], saved });
  });
}

/**
 * The global shortcut, and Run code on the home tab: opens the editor, where the channel is chosen. A refusal is shown
 * in a modal instead, where the person looks.
 */
export async function onEditorCalled(
  { ack, body }: { ack: AckFn<void>; body: { user: { id: string }; trigger_id: string } },
  bot: Bot,
): Promise<void> {
  const user = body.user.id;
  const trigger = body.trigger_id;
  await new Acknowledgement(ack, bot.log).send();
  const notify = async (text: string): Promise<void> =>
    await bot.views
      .openModal(trigger, async () => renderSentence(text))
      .catch(async () => await bot.notify.person({ user }, escapeMrkdwn(text)));
  const asked = { audit: 'shortcut', user };
  await withBoundary({ what: 'a shortcut', format: 'plain', notify, asked }, bot, async () => {
    await openEditor({ user, trigger, channel: undefined }, bot);
  });
}

/** Edit and run: opens the editor with a run's code; the answer goes into the same thread. */
export async function openEditorWith(run: Run, trigger: string, bot: Bot): Promise<void> {
  const { channel, thread } = run;
  const kernelspec = run.data.dialect ?? run.data.kernelspec;
  const purpose = { channel, thread, notebookOf: run.data.notebook && run.id };
  await bot.views.openModal(trigger, async () => {
    const blocks = await bot.runs.code(run);
    const languages = listChoices(await bot.languages(channel));
    return renderFilled(purpose, { languages, kernelspec, blocks });
  });
}

/** The editor, filled with code. */
export function renderFilled(purpose: EditorPurpose, content: EditorContent): ModalView {
  const { fields, joins } = splitCode(content.blocks) ?? { fields: [], joins: [] };
  const isVerbatim = content.blocks.some((block) => undoPhoneTyping(block) !== block);
  const parts = joins.some((join) => join !== 'block') ? joins : undefined;
  return renderEditor({ ...purpose, isVerbatim, joins: parts }, { ...content, blocks: fields });
}

/** Accepts a submitted editor, or shows a sentence at the field that is wrong. */
export const onEditorSubmitted = onSubmission(
  {
    what: 'an editor',
    asked: { audit: 'editor' },
    purpose: purposeSchema,
    fieldOf: (error, purpose, { blocks }) => fieldOf(error, blocks, purpose),
  },
  async ({ user, viewId, purpose, fields, signal }, bot) => {
    const typed = readTyped(fields, purpose);
    const { channel = typed.channel, thread = '' } = purpose;
    if (channel === undefined) throw new UserError('unknownChannel', 'Choose a channel.');
    const [draft, person] = await inTime(
      Promise.all([
        purpose.draft === undefined ? undefined : findDraft(purpose.draft, bot),
        bot.users.find(user),
        bot.channels.mustHaveMember(channel, user),
        bot.channels.mustBePostable(channel),
      ]),
      signal,
    );
    const snippet =
      draft === undefined
        ? await inTime(readSnippet(typed, purpose, bot), signal)
        : { language: typed.language, blocks: draft.blocks, notebook: draft.notebook };
    const source = draft === undefined ? 'editor' : 'shortcut';
    // Its thread shows the code before the edit.
    const origin = draft === undefined && thread !== '' ? 'edited' : undefined;
    const request = { source, channel, thread, snippet, message: draft?.message, origin } as const;
    const submit = (requestKey: string) => submitRun({ requestKey, ...request }, person, bot, signal);
    await submitOnce(viewRequest(bot.workspace, viewId), submit, bot);
    return undefined;
  },
);

/**
 * Submits with a key of the modal. If a submission was withdrawn because the store's answer was lost, its key is known
 * but has no run, and the next submission gets another key. If it has a run, the person is told.
 */
async function submitOnce(key: string, submit: (key: string) => Promise<Admitted>, bot: Bot): Promise<void> {
  let attempt = key;
  for (let next = 2; (await submit(attempt)).kind === 'duplicate'; next += 1) {
    if ((await bot.runOf(attempt)) !== undefined) refuseDuplicate();
    attempt = `${key}/${next}`;
  }
}

async function findDraft(id: string, bot: Bot): Promise<Draft> {
  const draft = await bot.drafts.find(id);
  if (draft === undefined)
    throw new UserError(
      'emptySnippet',
      'This took too long: the code is no longer kept. Choose “Run this code” again.',
    );
  return draft;
}

interface Typed {
  channel: string | undefined;
  language: string | undefined;
  fields: readonly string[];
  files: readonly PostedFile[];
}

function readTyped(fields: Fields, { loads }: EditorPurpose): Typed {
  const code: string[] = [];
  for (let index = 0; fields(codeBlock(index, loads)) !== undefined; index += 1)
    code.push(toLineFeeds(fields(codeBlock(index, loads))?.value ?? ''));
  return {
    channel: fields(CHANNEL_BLOCK)?.selected_conversation ?? undefined,
    language: fields(languageBlock(loads))?.selected_option?.value,
    fields: code,
    files: readPostedFiles(fields(FILE_BLOCK)?.files ?? []),
  };
}

/**
 * The typed code, or that of the file. A phone makes quotes curly in a modal, too; if the code had curly quotes before,
 * they are kept.
 */
async function readSnippet(
  { language, fields, files }: Typed,
  { isVerbatim, joins, notebookOf }: EditorPurpose,
  bot: Bot,
): Promise<Snippet> {
  const joined = joinFields(fields, joins);
  const typed = isVerbatim === true ? joined : joined.map(undoPhoneTyping);
  const blocks = typed.filter((block) => block.trim() !== '');
  if (files.length > 0) {
    if (blocks.length > 0)
      throw new UserError('unreadableFile', 'There is both code in the box and a file. Remove one of them.');
    const fetched = await bot.readFiles(files);
    if (fetched.length === 0) throw noCodeFile(files);
    return { language, ...blocksOf(fetched) };
  }
  if (blocks.length === 0) throw new UserError('emptySnippet', 'There is no code to run yet.');
  const run = notebookOf === undefined ? undefined : await bot.runs.find(notebookOf);
  const posted = run === undefined ? undefined : (await repeated(run, bot)).notebook;
  if (posted === undefined) return { language, blocks };
  return { language, blocks, notebook: { ...posted, notebook: withSources(posted.notebook, typed) } };
}

/** The field that an error is shown at. It has to be an input of this modal, or Slack would drop the error. */
function fieldOf(
  error: unknown,
  blocks: readonly { block_id?: string; type?: string }[],
  { loads }: EditorPurpose,
): string {
  const code = error instanceof UserError ? error.code : undefined;
  const wanted =
    code === 'unknownLanguage' || code === 'ambiguousLanguage'
      ? languageBlock(loads)
      : code === 'botNotInChannel' || code === 'unknownChannel'
        ? CHANNEL_BLOCK
        : code === 'unreadableFile'
          ? FILE_BLOCK
          : codeBlock(0, loads);
  const there = blocks.flatMap(({ block_id: id, type }) =>
    id === undefined || type !== 'input' ? [] : [id],
  );
  return there.includes(wanted) ? wanted : (there[0] ?? wanted);
}
