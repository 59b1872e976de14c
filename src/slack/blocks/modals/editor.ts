import type { InputBlock, ModalView, PlainTextOption } from '@slack/types';
import { z } from 'zod';
import type { Language } from '../../../runs/languages/languages.ts';
import { truncate } from '../truncate.ts';

/** The modal with language and code. Its parts are known by these names, in submissions and in errors. */
export const editorCallback = 'editor';
export const languageBlock = 'language';
export const channelBlock = 'channel';
/** A text field of a modal holds no more (slack.md §2). */
export const maxCodeChars = 3_000;
/** One field for each block of code. A modal holds 100 blocks; so many fields nobody would read. */
export const maxCodeFields = 20;

export function codeBlock(index: number): string {
  return `code${index}`;
}

/** What a modal remembers between opening and submission; never code, which has no room there. */
const purposeSchema = z.object({
  /** Absent: the channel is picked in the modal. */
  channel: z.string().optional(),
  /** The thread for the answer; absent: a message of its own. */
  thread: z.string().optional(),
  /** Curly quotes stood in the code before: they are the author's own. */
  isVerbatim: z.boolean().optional(),
  /** The key of code that waits for its language. */
  draft: z.string().optional(),
});
export type EditorPurpose = z.infer<typeof purposeSchema>;

export function readPurpose(metadata: string): EditorPurpose {
  return purposeSchema.parse(JSON.parse(metadata));
}

export interface EditorContent {
  languages: readonly Language[];
  /** The kernelspec to begin with; by default the channel's. */
  kernelspec?: string | undefined;
  /** What is in the fields to begin with. */
  blocks: readonly string[];
}

export function renderEditor(purpose: EditorPurpose, content: EditorContent): ModalView {
  return {
    type: 'modal',
    callback_id: editorCallback,
    title: { type: 'plain_text', text: 'Run code' },
    submit: { type: 'plain_text', text: 'Run' },
    close: { type: 'plain_text', text: 'Cancel' },
    private_metadata: JSON.stringify(purpose),
    blocks: [
      ...(purpose.channel === undefined ? [channelField()] : []),
      ...languageField(content),
      ...(purpose.draft === undefined ? content.blocks.map(codeField) : []),
    ],
  };
}

function channelField(): InputBlock {
  return {
    type: 'input',
    block_id: channelBlock,
    label: { type: 'plain_text', text: 'Channel' },
    element: {
      type: 'conversations_select',
      action_id: channelBlock,
      default_to_current_conversation: true,
    },
  };
}

function languageField({ languages, kernelspec }: EditorContent): InputBlock[] {
  // Slack refuses a longer value, and a cut one would name no kernelspec.
  const options = languages
    .filter(({ kernelspec: name }) => name.length <= 150)
    .slice(0, 100)
    .map(languageOption);
  if (options.length === 0) return [];
  const usual = languages.find(({ isDefault }) => isDefault)?.kernelspec;
  const initial = options.find(({ value }) => value === (kernelspec ?? usual));
  return [
    {
      type: 'input',
      block_id: languageBlock,
      label: { type: 'plain_text', text: 'Language' },
      element: {
        type: 'static_select',
        action_id: languageBlock,
        options,
        ...(initial === undefined ? {} : { initial_option: initial }),
      },
    },
  ];
}

function languageOption({ kernelspec, displayName }: Language): PlainTextOption {
  const name =
    displayName === '' || displayName === kernelspec ? kernelspec : `${displayName} (${kernelspec})`;
  return {
    text: { type: 'plain_text', text: truncate(name, 75), emoji: false },
    value: kernelspec,
  };
}

function codeField(code: string, index: number, all: readonly string[]): InputBlock {
  return {
    type: 'input',
    block_id: codeBlock(index),
    label: { type: 'plain_text', text: all.length === 1 ? 'Code' : `Code, block ${index + 1}` },
    ...(index + 1 < all.length
      ? {}
      : {
          hint: {
            type: 'plain_text',
            text: 'Up to 3,000 characters. Send longer code as a .py, .scala, .r, .sql or .txt file with a mention of the bot.',
          },
        }),
    element: {
      type: 'plain_text_input',
      action_id: codeBlock(index),
      multiline: true,
      max_length: maxCodeChars,
      ...(code === '' ? {} : { initial_value: code }),
      ...(index === 0 ? { focus_on_load: true } : {}),
    },
  };
}
