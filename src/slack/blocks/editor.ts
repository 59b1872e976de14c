import type { InputBlock, ModalView, PlainTextOption } from '@slack/types';
import { z } from 'zod';
import type { Language } from '../../runs/languages/languages.ts';
import type { SavedSnippet } from '../../saved/saved-snippets.ts';
import { option, renderField, renderModal } from './elements.ts';
import { renderSavedSelect } from './saved/saved-blocks.ts';
import { startOf } from './truncate.ts';

/** The modal with language and code. Its parts are known by these names, in submissions and in errors. */
export const EDITOR_CALLBACK = 'editor';
export const CHANNEL_BLOCK = 'channel';
export const FILE_BLOCK = 'file';
/** A text field of a modal holds no more (slack.md §2). */
export const MAX_CODE_CHARS = 3_000;
/** A view may have 250 KB as JSON, the rest of the editor included (slack.md §2). */
const MAX_CODE_BYTES = 200_000;
/** One field for each block of code. A modal holds 100 blocks; so many fields nobody would read. */
const MAX_CODE_FIELDS = 20;

/** `loads`: the press by which code was loaded into the modal, as Slack times it; 0: none. */
export function codeBlock(index: number, loads = 0): string {
  return loaded(`code${index}`, loads);
}

export function languageBlock(loads = 0): string {
  return loaded('language', loads);
}

function loaded(name: string, loads: number): string {
  return loads === 0 ? name : `${name}/${loads}`;
}

/** What a modal remembers between opening and submission; never code, which has no room there. */
export const purposeSchema = z.object({
  /** Absent: the channel is picked in the modal. */
  channel: z.string().optional(),
  /** The thread for the answer; absent: a message of its own. */
  thread: z.string().optional(),
  /** Curly quotes stood in the code before: they are the author's own. */
  isVerbatim: z.boolean().optional(),
  /** The key of code that waits for its language. */
  draft: z.string().optional(),
  /** The press by which saved code took the place of what is in the fields: then they have new names. */
  loads: z.number().optional(),
  /** How each field but the first goes on with the one before; absent: each field is a block of its own. */
  joins: z.array(z.enum(['block', 'line', 'word'])).optional(),
});
type Join = NonNullable<z.infer<typeof purposeSchema>['joins']>[number];
export type EditorPurpose = z.infer<typeof purposeSchema>;

/** Room for what is typed into a part of long code. */
const PART_CHARS = MAX_CODE_CHARS - 400;

/** Code over fields that Slack takes, cut between lines; undefined where it needs more fields than a modal has. */
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

/** A part ends before a line that begins at the margin, where the first half has room for it; else before any line. */
function cutPart(code: string): { head: string; tail: string; next: Join } {
  const last = code.lastIndexOf('\n', PART_CHARS);
  let at = last;
  while (at > PART_CHARS / 2 && /\s/.test(code.charAt(at + 1))) at = code.lastIndexOf('\n', at - 1);
  if (at <= PART_CHARS / 2) at = last;
  if (at > 0) return { head: code.slice(0, at), tail: code.slice(at + 1), next: 'line' };
  const head = startOf(code, PART_CHARS);
  return { head, tail: code.slice(head.length), next: 'word' };
}

/** The blocks that fields hold. */
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
  /** The kernelspec to begin with; by default the channel's. */
  kernelspec?: string | undefined;
  /** What is in the fields to begin with. */
  blocks: readonly string[];
  /** What can be loaded. */
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

/** Code of any length comes in a file. */
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
  // Slack refuses a longer value, and a cut one would name no kernelspec.
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
    // All of one part may go, and a file may stand for what is typed.
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
