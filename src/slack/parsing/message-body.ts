import { z } from 'zod';
import { toLineFeeds } from '../../text.ts';
import { readLabels, readMrkdwn, splitFences, trimFence } from './mrkdwn.ts';
import { type Message, type Part, append, emojiName, readEmoji } from './typed-text.ts';

/** The fields of a Slack message that contain what was typed. */
export interface MessageSource {
  text?: string | undefined;
  blocks?: unknown;
  /** Messages that it forwards. */
  forwarded?: readonly MessageSource[];
}

/**
 * Reads what was typed from a message's rich text, or from its `text` if it has none. Of forwarded messages only the
 * code counts: nobody said the rest to the bot.
 */
export function readMessage(source: MessageSource, botUserId: string): Message {
  const parts = readTyped(source, botUserId);
  for (const each of source.forwarded ?? [])
    for (const part of readTyped(each, botUserId))
      if (part.kind === 'fence' || part.kind === 'inline') append(parts, part);
  return { parts };
}

function readTyped({ text: typed = '', blocks }: MessageSource, botUserId: string): Part[] {
  const text = toLineFeeds(typed);
  const rich = readRichText(blocks, { botUserId, labels: readLabels(text) });
  return rich === undefined ? readMrkdwn(text, botUserId) : rich.reduce(withTypedFences, []);
}

/** A composer without formatting leaves the backticks of a fence in the text. */
function withTypedFences(parts: Part[], part: Part): Part[] {
  if (part.kind !== 'bare') append(parts, part);
  else
    for (const piece of splitFences(part.text))
      append(
        parts,
        piece.kind === 'fence'
          ? { kind: 'fence', code: trimFence(piece.text) }
          : { kind: 'bare', text: piece.text },
      );
  return parts;
}

/** Slack leaves empty fields out or sends null. */
function withoutNulls(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).filter(([, field]) => field !== null));
}

/** The rich text elements that contain what was typed; unknown ones are read as empty. */
const wordSchema = z.preprocess(
  withoutNulls,
  z.object({
    type: z.string(),
    text: z.string().optional(),
    url: z.string().optional(),
    user_id: z.string().optional(),
    usergroup_id: z.string().optional(),
    channel_id: z.string().optional(),
    team_id: z.string().optional(),
    range: z.string().optional(),
    name: z.string().optional(),
    unicode: z.string().optional(),
    skin_tone: z.number().optional(),
    fallback: z.string().optional(),
    value: z.string().optional(),
    style: z
      .object({
        bold: z.boolean().optional(),
        italic: z.boolean().optional(),
        strike: z.boolean().optional(),
        code: z.boolean().optional(),
      })
      .optional(),
  }),
);
type Word = z.infer<typeof wordSchema>;

/** Slack's own limit. */
const MAX_INDENT = 8;

const sectionSchema = z.preprocess(
  withoutNulls,
  z.object({
    type: z.enum(['rich_text_section', 'rich_text_preformatted', 'rich_text_quote', 'rich_text_list']),
    elements: z.array(z.unknown()),
    language: z.string().optional(),
    style: z.string().optional(),
    indent: z.number().min(0).max(MAX_INDENT).optional().catch(undefined),
    offset: z.number().optional(),
  }),
);
type Section = z.infer<typeof sectionSchema>;

const blockSchema = z.object({ type: z.literal('rich_text'), elements: z.array(sectionSchema) });
const blocksSchema = z.array(blockSchema).nonempty();
const richTextSchema = z.object({ type: z.literal('rich_text') });

export interface RichTextContext {
  botUserId: string;
  /** Names by id, from the message's `text`. */
  labels: ReadonlyMap<string, string>;
}

/**
 * Reads the `rich_text` blocks of Slack's composer: code as it is, links and mentions as they were typed, as far as
 * Slack tells. Undefined if there is no rich text.
 */
function readRichText(blocks: unknown, context: RichTextContext): Part[] | undefined {
  if (!Array.isArray(blocks)) return undefined;
  const found = blocks.filter((block) => richTextSchema.safeParse(block).success);
  const read = blocksSchema.safeParse(found);
  if (!read.success) return undefined;
  const parts: Part[] = [];
  for (const block of read.data) for (const section of block.elements) readSection(section, parts, context);
  return parts;
}

function readSection(section: Section, parts: Part[], context: RichTextContext): void {
  switch (section.type) {
    case 'rich_text_preformatted': {
      const code = readWords(section.elements)
        .map((word) => typedForm(word, context))
        .join('');
      const { language: syntax } = section;
      append(parts, { kind: 'fence', code, ...(syntax === undefined ? {} : { syntax }) });
      return;
    }
    case 'rich_text_list':
      for (const [index, element] of section.elements.entries()) {
        const item = sectionSchema.safeParse(element);
        if (!item.success) continue;
        startLine(parts);
        append(parts, { kind: 'bare', text: listMarker(section, index) });
        readLine(readWords(item.data.elements), parts, context);
      }
      return;
    case 'rich_text_section':
    case 'rich_text_quote':
      startLine(parts);
      readLine(readWords(section.elements), parts, context);
  }
}

/** Each section begins a line; a code block ends its line by itself. */
function startLine(parts: Part[]): void {
  const last = parts.at(-1);
  if (last === undefined || last.kind === 'fence' || (last.kind === 'bare' && last.text.endsWith('\n')))
    return;
  append(parts, { kind: 'bare', text: '\n' });
}

/** What was typed before a list item. */
function listMarker(list: Section, index: number): string {
  const marker = list.style === 'ordered' ? `${(list.offset ?? 0) + index + 1}. ` : '- ';
  return '    '.repeat(list.indent ?? 0) + marker;
}

function readWords(elements: readonly unknown[]): Word[] {
  return elements.flatMap((element) => {
    const word = wordSchema.safeParse(element);
    return word.success ? [word.data] : [];
  });
}

function readLine(words: readonly Word[], parts: Part[], context: RichTextContext): void {
  let open = '';
  const mark = (marks: string) => {
    if (marks === open) return;
    append(parts, { kind: 'bare', text: `${Array.from(open).toReversed().join('')}${marks}` });
    open = marks;
  };
  for (const word of words) {
    mark(typedMarks(word));
    const before = parts.at(-1);
    append(parts, readWord(word, context, before?.kind === 'bare' ? before.text : ''));
  }
  mark('');
}

/** `before`: the bare text right before the word. */
function readWord(word: Word, context: RichTextContext, before: string): Part {
  if (word.type === 'emoji' && word.style?.code !== true)
    return { kind: 'bare', text: readEmoji(word, before) };
  const typed = typedForm(word, context);
  if (word.style?.code === true) return { kind: 'inline', code: typed };
  if (word.type === 'user' && word.user_id === context.botUserId) return { kind: 'mention', text: typed };
  return { kind: 'bare', text: typed };
}

/** Slack reads `*b*` as bold and drops the stars, which code needs. */
function typedMarks({ type, style }: Word): string {
  if (style === undefined || style.code === true || type === 'user') return '';
  return `${style.bold === true ? '*' : ''}${style.italic === true ? '_' : ''}${style.strike === true ? '~' : ''}`;
}

function typedForm(word: Word, { labels }: RichTextContext): string {
  const named = (id = '') => labels.get(id) ?? id;
  switch (word.type) {
    case 'link':
      return word.text ?? word.url?.replace(/^(?:mailto|tel):/, '') ?? '';
    case 'user':
      return `@${named(word.user_id)}`;
    case 'usergroup':
      return `@${named(word.usergroup_id)}`;
    case 'team':
      return `@${named(word.team_id)}`;
    case 'channel':
      return `#${named(word.channel_id)}`;
    case 'broadcast':
      return `@${word.range ?? ''}`;
    case 'emoji':
      return emojiName(word);
    case 'color':
      return word.value ?? '';
    default:
      return toLineFeeds(word.text ?? word.fallback ?? '');
  }
}
