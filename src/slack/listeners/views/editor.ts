import type { SlackViewMiddlewareArgs, ViewSubmitAction } from '@slack/bolt';
import { z } from 'zod';
import { UserError } from '../../../errors.ts';
import { listLanguages } from '../../../runs/languages/languages.ts';
import type { Run } from '../../../runs/run.ts';
import type { Snippet } from '../../../runs/admission/snippet.ts';
import type { Bot } from '../../context.ts';
import { must, type Person } from '../../auth/policy.ts';
import { brokenText, refusalText } from '../../blocks/error-text.ts';
import {
  channelBlock,
  codeBlock,
  type EditorPurpose,
  languageBlock,
  maxCodeChars,
  maxCodeFields,
  readPurpose,
  renderEditor,
} from '../../blocks/modals/editor.ts';
import { admit } from '../submit-run.ts';
import { viewDelivery } from '../request-keys.ts';
import { undoPhoneTyping } from '../../parsing/message/smart-punctuation.ts';

export interface EditorCall {
  user: string;
  trigger: string;
  /** Undefined from the global shortcut: then it is picked in the modal. */
  channel: string | undefined;
}

/** An empty editor. Throws `UserError` and `GatewayError` for what is refused before it opens. */
export async function openEditor({ user, trigger, channel }: EditorCall, bot: Bot): Promise<void> {
  await bot.surfaces.openModal(trigger, async () => {
    const [person, context] = await Promise.all([
      bot.people.find(user),
      // Without a channel: what words mean everywhere.
      bot.languages(channel ?? ''),
      channel === undefined ? undefined : bot.channels.mustBeMember(channel),
    ]);
    must('run', person, channel, bot.policy);
    const purpose = channel === undefined ? {} : { channel };
    return renderEditor(purpose, { languages: listLanguages(context), blocks: [''] });
  });
}

/** "Edit and run": the editor with a run's code; it is posted into the same thread. */
export async function openEditorWith(run: Run, trigger: string, bot: Bot): Promise<void> {
  const { channel, thread } = run;
  const { kernelspec } = run.data;
  await bot.surfaces.openModal(trigger, async () => {
    const blocks = await bot.code(run);
    const long = blocks.find((block) => block.length > maxCodeChars);
    if (long !== undefined || blocks.length > maxCodeFields)
      throw new UserError(
        'snippetTooLong',
        `This code is longer than a box in Slack holds (${maxCodeChars} characters). Edit it on your side and send it as a .py, .scala, .r or .txt file with a mention of the bot.`,
      );
    const isVerbatim = blocks.some((block) => undoPhoneTyping(block) !== block);
    const languages = listLanguages(await bot.languages(channel));
    return renderEditor({ channel, thread, isVerbatim }, { languages, kernelspec, blocks });
  });
}

/** A submitted editor: into the ledger, or back with what was typed and a sentence at the field that is wrong. */
export async function onEditorSubmitted(
  { ack, body, view }: SlackViewMiddlewareArgs<ViewSubmitAction>,
  bot: Bot,
): Promise<void> {
  const purpose = readPurpose(view.private_metadata);
  const typed = readTyped(view.state.values);
  try {
    const { channel = typed.channel, thread = '' } = purpose;
    if (channel === undefined) throw new UserError('unknownChannel', 'Choose a channel.');
    const draft = purpose.draft === undefined ? undefined : await findDraft(purpose.draft, bot);
    const [person] = await Promise.all([bot.people.find(body.user.id), bot.channels.mustBeMember(channel)]);
    if (purpose.channel === undefined) await mustBeIn(channel, person, bot);
    const snippet =
      draft === undefined ? readSnippet(typed, purpose) : { language: typed.language, blocks: draft.blocks };
    const delivery = viewDelivery(bot.workspace, view.id);
    const message = draft?.message === undefined ? {} : { message: draft.message };
    const source = draft === undefined ? 'editor' : 'shortcut';
    await admit({ requestKey: delivery, source, channel, thread, snippet, ...message }, person, bot);
    await ack();
  } catch (error) {
    const text = refusalText(error);
    if (text === undefined) bot.log.error({ err: error }, 'an editor broke');
    const field = fieldOf(error, view.blocks);
    await ack({ response_action: 'errors', errors: { [field]: text ?? brokenText } });
  }
}

/** Slack's menu offers public channels that the person is not in, too; whose kernel it is may use it. */
async function mustBeIn(channel: string, { id }: Person, bot: Bot): Promise<void> {
  if (!(await bot.channels.isMember(channel, id)))
    throw new UserError(
      'unknownChannel',
      'You are not in this channel, as far as Slack says, so nothing ran. Join it first.',
    );
}

async function findDraft(id: string, bot: Bot): Promise<{ blocks: string[]; message?: string | undefined }> {
  const draft = await bot.drafts.find(id);
  if (draft === undefined)
    throw new UserError(
      'emptySnippet',
      'This took too long: the code is not kept any more. Choose “Run this code” again.',
    );
  return draft;
}

interface Typed {
  channel: string | undefined;
  language: string | undefined;
  blocks: readonly string[];
}

const fieldSchema = z.object({
  value: z.string().nullish(),
  selected_option: z.object({ value: z.string() }).nullish(),
  selected_conversation: z.string().nullish(),
});
const valuesSchema = z.record(z.string(), z.record(z.string(), fieldSchema));

function readTyped(state: unknown): Typed {
  const values = valuesSchema.parse(state);
  const field = (name: string) => values[name]?.[name];
  const blocks: string[] = [];
  for (let index = 0; field(codeBlock(index)) !== undefined; index += 1)
    blocks.push(field(codeBlock(index))?.value ?? '');
  return {
    channel: field(channelBlock)?.selected_conversation ?? undefined,
    language: field(languageBlock)?.selected_option?.value,
    blocks,
  };
}

/** A phone bends quotes in a modal too; where they stood before, they are meant. */
function readSnippet({ language, blocks }: Typed, { isVerbatim }: EditorPurpose): Snippet {
  if (blocks.every((block) => block.trim() === ''))
    throw new UserError('emptySnippet', 'There is no code to run yet.');
  return { language, blocks: isVerbatim === true ? blocks : blocks.map(undoPhoneTyping) };
}

/** The field that an error stands at; every one of them names an input of this very modal. */
function fieldOf(error: unknown, blocks: readonly { block_id?: string }[]): string {
  const there = blocks.map(({ block_id: id }) => id ?? '');
  const wanted =
    error instanceof UserError && (error.code === 'unknownLanguage' || error.code === 'ambiguousLanguage')
      ? languageBlock
      : error instanceof UserError && (error.code === 'botNotInChannel' || error.code === 'unknownChannel')
        ? channelBlock
        : codeBlock(0);
  return [wanted, codeBlock(0), languageBlock].find((name) => there.includes(name)) ?? '';
}
