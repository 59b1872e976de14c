import type { InputBlock, ModalView, PlainTextOption } from '@slack/types';
import { z } from 'zod';
import type { Language } from '../../runs/languages/languages.ts';
import type { SavedSnippet } from '../../saved/saved-snippets.ts';
import { option, renderField, renderModal } from './elements.ts';
import { renderSavedSelect } from './saved/saved-blocks.ts';
import { startOf } from './truncate.ts';

/** The modal with language and code. Submissions and errors name its parts by these ids. */
export const EDITOR_CALLBACK = 'editor';
export const CHANNEL_BLOCK = 'channel';
export const FILE_BLOCK = 'file';
/** Slack's limit of a text field (slack.md §2). */
export const MAX_CODE_CHARS = 3_000;
/** Slack takes views of up to 250 KB of JSON (slack.md §2); this leaves room for the rest of the editor. */
const MAX_CODE_BYTES = 200_000;
/** Each block of code has a field. A modal could hold 100, but nobody would read so many. */
const MAX_CODE_FIELDS = 20;

/** `loads`: when saved code was loaded into the modal, as Slack's time of the press; 0: never. */
export function codeBlock(index: number, loads = 0): string {
  return loaded(`code${index}`, loads);
}

export function languageBlock(loads = 0): string {
  return loaded('language', loads);
}

function loaded(name: string, loads: number): string {
  return loads === 0 ? name : `${name}/${loads}`;
}

/** What a modal remembers between opening and submission; code does not fit. */
export const purposeSchema = z.object({
  /** Absent: the channel is picked in the modal. */
  channel: z.string().optional(),
  /** The thread of the answer; absent: the bot posts a root message. */
  thread: z.string().optional(),
  /** The run of a notebook whose cells the fields are. */
  notebookOf: z.string().optional(),
  /** The code had curly quotes before it was loaded, so they are the author's own. */
  isVerbatim: z.boolean().optional(),
  /** The id of a draft, whose language is asked for. */
  draft: z.string().optional(),
  /** When saved code replaced the content of the fields, which then have new ids. */
  loads: z.number().optional(),
  /** How each field but the first continues the previous one; absent: each field is a block of its own. */
  joins: z.array(z.enum(['block', 'line', 'word'])).optional(),
});
type Join = NonNullable<z.infer<typeof purposeSchema>['joins']>[number];
export type EditorPurpose = z.infer<typeof purposeSchema>;

/** Leaves room to type in a part of long code. */
const PART_CHARS = MAX_CODE_CHARS - 400;

/** Splits code into fields, between lines if possible; undefined if it is too long for the modal. */
export function splitCode(blocks: readonly string[]): { fields: string[]; joins: Join[] } | undefined {
  const fields: string[] = [];
  const joins: Join[] = [];
  for (const block of blocks) {
    let rest = block;
    let join: Join = 'block';
    do {
      if (fields.length === MAX_CODE_FIELDS) return undefined;
      if (fields.length > 0) joins.push(join);
      const part = rest.length <= MAX_CODE_CHARS ? undefined : cutPart(rest);
      fields.push(part?.head ?? rest);
      rest = part?.tail ?? '';
      join = part?.next ?? 'block';
    } while (join !== 'block');
  }
  return Buffer.byteLength(JSON.stringify(fields)) > MAX_CODE_BYTES ? undefined : { fields, joins };
}

/** Ends a part before a line that begins at the margin, if there is one in its second half; else before any line. */
function cutPart(code: string): { head: string; tail: string; next: Join } {
  const last = code.lastIndexOf('\n', PART_CHARS);
  let at = last;
  while (at > PART_CHARS / 2 && /\s/.test(code.charAt(at + 1))) at = code.lastIndexOf('\n', at - 1);
  if (at <= PART_CHARS / 2) at = last;
  if (at > 0) return { head: code.slice(0, at), tail: code.slice(at + 1), next: 'line' };
  const head = startOf(code, PART_CHARS);
  return { head, tail: code.slice(head.length), next: 'word' };
}

/** Joins fields into blocks again. */
export function joinFields(fields: readonly string[], joins: readonly Join[] | undefined): string[] {
  const blocks: string[] = [];
  for (const [index, field] of fields.entries()) {
    const join = joins?.[index - 1] ?? 'block';
    if (index === 0 || join === 'block') blocks.push(field);
    else blocks.push(`${blocks.pop() ?? ''}${join === 'line' ? '\n' : ''}${field}`);
  }
  return blocks;
}

export interface EditorContent {
  languages: readonly Language[];
  /** The kernelspec that is selected; by default the channel's. */
  kernelspec?: string | undefined;
  /** The content of the fields. */
  blocks: readonly string[];
  /** The snippets that can be loaded. */
  saved?: readonly SavedSnippet[];
}

export function renderEditor(purpose: EditorPurpose, content: EditorContent): ModalView {
  return renderModal({ callback: EDITOR_CALLBACK, title: 'Run code', submit: 'Run', metadata: purpose }, [
    ...(purpose.channel === undefined ? [channelField()] : []),
    ...renderSavedSelect(content.saved ?? []),
    ...languageField(content, purpose.loads),
    ...(purpose.draft === undefined
      ? content.blocks.map((code, index, all) => codeField(code, index, all, purpose))
      : []),
    ...(purpose.draft === undefined ? [fileField(content.blocks.length === 0)] : []),
  ]);
}

/** Takes code of any length. */
function fileField(isAlone: boolean): InputBlock {
  return renderField(
    FILE_BLOCK,
    isAlone ? 'Code as a file' : 'Or a file with the code',
    { type: 'file_input', max_files: 1 },
    {
      optional: !isAlone,
      hint: isAlone
        ? 'This code is too long for the fields of this window. Take it from the file beside its answer, change it, and give it back here as a file.'
        : 'For code over 3,000 characters: a .py, .scala, .r, .sql or .txt file.',
    },
  );
}

function channelField(): InputBlock {
  return renderField(CHANNEL_BLOCK, 'Channel', {
    type: 'conversations_select',
    default_to_current_conversation: true,
  });
}

function languageField({ languages, kernelspec }: EditorContent, loads: number | undefined): InputBlock[] {
  // Slack refuses longer values, and a shortened one would name no kernelspec.
  const options = languages
    .filter(({ kernelspec: name }) => name.length <= 150)
    .slice(0, 100)
    .map(languageOption);
  if (options.length === 0) return [];
  const usual = languages.find(({ isDefault }) => isDefault)?.kernelspec;
  const initial = options.find(({ value }) => value === (kernelspec ?? usual));
  return [
    renderField(languageBlock(loads), 'Language', {
      type: 'static_select',
      options,
      ...(initial === undefined ? {} : { initial_option: initial }),
    }),
  ];
}

function languageOption({ kernelspec, displayName }: Language): PlainTextOption {
  const name =
    displayName === '' || displayName === kernelspec ? kernelspec : `${displayName} (${kernelspec})`;
  return option(name, kernelspec);
}

function codeField(
  code: string,
  index: number,
  all: readonly string[],
  { joins, loads }: EditorPurpose,
): InputBlock {
  const { label, isPart } = labelOf(index, all.length, joins);
  return renderField(
    codeBlock(index, loads),
    label,
    {
      type: 'plain_text_input',
      multiline: true,
      max_length: MAX_CODE_CHARS,
      ...(code === '' ? {} : { initial_value: code }),
      ...(index === 0 ? { focus_on_load: true } : {}),
    },
    // All of a part may be deleted, and the code may come as a file.
    { optional: isPart || code === '' },
  );
}

/** `Code`, `Code, block 2`, `Code, part 1 of 3`, `Code, block 2, part 1 of 3`. */
function labelOf(
  index: number,
  fields: number,
  joins: readonly Join[] | undefined,
): { label: string; isPart: boolean } {
  const starts = Array.from({ length: fields }, (_, at) => at).filter(
    (at) => at === 0 || (joins?.[at - 1] ?? 'block') === 'block',
  );
  const block = starts.findLastIndex((at) => at <= index);
  const from = starts[block] ?? 0;
  const parts = (starts[block + 1] ?? fields) - from;
  const isPart = parts > 1;
  const label = [
    'Code',
    ...(starts.length > 1 ? [`block ${block + 1}`] : []),
    ...(isPart ? [`part ${index - from + 1} of ${parts}`] : []),
  ].join(', ');
  return { label, isPart };
}
