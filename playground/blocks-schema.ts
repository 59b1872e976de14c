/** Block Kit's blocks with the limits of slack.md §2, and the check of a list of blocks. */
import { z } from 'zod';
import {
  accessory,
  actionsElement,
  anyText,
  blockId,
  button,
  hasOneImageSource,
  image,
  imageSource,
  inputElement,
  plainText,
  text,
} from './block-elements.ts';
import { richText } from './rich-text.ts';

const section = z
  .strictObject({
    type: z.literal('section'),
    block_id: blockId,
    text: anyText(3000).optional(),
    fields: z.array(anyText(2000)).min(1).max(10, 'no more than 10 items allowed').optional(),
    accessory: accessory.optional(),
    expand: z.boolean().optional(),
  })
  .refine((block) => block.text !== undefined || block.fields !== undefined, 'must have text or fields');

const header = z.strictObject({
  type: z.literal('header'),
  block_id: blockId,
  text: plainText(150),
  level: z.int().min(1).max(4).optional(),
});

const divider = z.strictObject({ type: z.literal('divider'), block_id: blockId });

const context = z.strictObject({
  type: z.literal('context'),
  block_id: blockId,
  elements: z
    .array(z.union([anyText(3000), image]))
    .min(1)
    .max(10, 'no more than 10 items allowed'),
});

const actions = z.strictObject({
  type: z.literal('actions'),
  block_id: blockId,
  elements: z.array(actionsElement).min(1).max(25, 'no more than 25 items allowed'),
});

const imageBlock = z
  .strictObject({
    type: z.literal('image'),
    block_id: blockId,
    alt_text: text(2000),
    title: plainText(2000).optional(),
    ...imageSource,
  })
  .refine(hasOneImageSource, 'must have exactly one of image_url and slack_file');

const input = z.strictObject({
  type: z.literal('input'),
  block_id: blockId,
  label: plainText(2000),
  element: inputElement,
  hint: plainText(2000).optional(),
  optional: z.boolean().optional(),
  dispatch_action: z.boolean().optional(),
});

const markdown = z.strictObject({ type: z.literal('markdown'), block_id: blockId, text: text(12_000) });

const cell = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('raw_text'), text: text(10_000) }),
  z.strictObject({ type: z.literal('raw_number'), value: z.number(), text: z.string().optional() }),
  richText,
]);

const rows = (max: number) =>
  z
    .array(z.array(cell).min(1).max(20, 'no more than 20 items allowed'))
    .min(1)
    .max(max, `no more than ${max} items allowed`)
    .refine(
      (all) => all.every((row) => row.length === all[0]?.length),
      'all rows must have the same number of cells',
    );

const table = z.strictObject({
  type: z.literal('table'),
  block_id: blockId,
  rows: rows(100),
  column_settings: z
    .array(
      z
        .strictObject({
          align: z.enum(['left', 'center', 'right']).optional(),
          is_wrapped: z.boolean().optional(),
        })
        .nullable(),
    )
    .max(20, 'no more than 20 items allowed')
    .optional(),
});

const dataTable = z.strictObject({
  type: z.literal('data_table'),
  block_id: blockId,
  caption: text(2000),
  rows: rows(201)
    .min(2)
    .refine((all) => all[0]?.every(({ type }) => type !== 'rich_text'), 'a header may not be rich_text'),
  page_size: z.int().min(1).max(100).optional(),
  row_header_column_index: z.int().min(0).optional(),
});

const alert = z.strictObject({
  type: z.literal('alert'),
  block_id: blockId,
  text: anyText(200),
  level: z.enum(['default', 'info', 'warning', 'error', 'success']).optional(),
});

const contextActions = z.strictObject({
  type: z.literal('context_actions'),
  block_id: blockId,
  elements: z.array(button).min(1).max(5),
});

const everywhere = [section, header, divider, context, actions, imageBlock, input, richText] as const;

const messageBlock = z.discriminatedUnion('type', [
  ...everywhere,
  markdown,
  table,
  dataTable,
  contextActions,
]);
const modalBlock = z.discriminatedUnion('type', [...everywhere, alert]);
const homeBlock = z.discriminatedUnion('type', [...everywhere]);
const anyBlock = z.discriminatedUnion('type', [
  ...everywhere,
  markdown,
  table,
  dataTable,
  contextActions,
  alert,
]);

export type Block = z.infer<typeof anyBlock>;
export type TableCell = z.infer<typeof cell>;
export type BlockSurface = 'message' | 'modal' | 'home';

const surfaces = {
  message: z.array(messageBlock).max(50, 'no more than 50 items allowed'),
  modal: z.array(modalBlock).max(100, 'no more than 100 items allowed'),
  home: z.array(homeBlock).max(100, 'no more than 100 items allowed'),
};

/**
 * Characters of all blocks of a message together; undocumented, seen at about this number (bolt-js#2509). For rich text
 * the characters of its JSON count, which is the stricter reading.
 */
const maxCharactersOfMessage = 13_200;
const maxCharactersOfTable = 10_000;
const maxCharactersOfDataTable = 20_000;
const maxCharactersOfMarkdown = 12_000;

export type BlocksVerdict =
  | { readonly ok: true; readonly blocks: Block[] }
  | {
      readonly ok: false;
      readonly error: 'invalid_blocks' | 'msg_blocks_too_long';
      readonly messages: string[];
    };

/** Checks `value` as Slack does; missing block_ids and action_ids are filled in with `nextId()`. */
export function readBlocks(value: unknown, surface: BlockSurface, nextId: () => string): BlocksVerdict {
  const read = surfaces[surface].safeParse(value);
  if (!read.success) {
    return {
      ok: false,
      error: 'invalid_blocks',
      messages: read.error.issues.map((issue) => worded(issue, value)),
    };
  }
  const blocks = read.data.map((block) => named(block, nextId));
  const messages = [...duplicates(blocks), ...overfull(blocks)];
  if (messages.length > 0) return { ok: false, error: 'invalid_blocks', messages };
  if (surface === 'message' && sum(read.data.map(weightOf)) > maxCharactersOfMessage) {
    return { ok: false, error: 'msg_blocks_too_long', messages: [] };
  }
  return { ok: true, blocks };
}

/** An entry of `response_metadata.messages` in Slack's words, with a JSON pointer. */
function worded(issue: z.core.$ZodIssue, value: unknown): string {
  const at = `[json-pointer:/blocks${issue.path.map((step) => `/${String(step)}`).join('')}]`;
  if (issue.code === 'unrecognized_keys')
    return `[ERROR] invalid additional property: ${issue.keys.join(', ')} ${at}`;
  if (issue.code === 'invalid_union' && issue.path.at(-1) === 'type') {
    return `[ERROR] unsupported type: ${String(at === '' ? value : valueAt(value, issue.path))} ${at}`;
  }
  if (issue.code === 'invalid_type' && valueAt(value, issue.path) === undefined) {
    return `[ERROR] missing required field: ${String(issue.path.at(-1))} ${at}`;
  }
  return `[ERROR] ${issue.message} ${at}`;
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  let here = value;
  for (const step of path) {
    if (typeof here !== 'object' || here === null) return undefined;
    here = Reflect.get(here, step);
  }
  return here;
}

function named(block: Block, nextId: () => string): Block {
  const withId = { ...block, block_id: block.block_id ?? nextId() };
  if (withId.type === 'actions') {
    return { ...withId, elements: withId.elements.map((element) => pressable(element, nextId)) };
  }
  if (withId.type === 'context_actions') {
    return { ...withId, elements: withId.elements.map((element) => pressable(element, nextId)) };
  }
  if (withId.type === 'section' && withId.accessory !== undefined && withId.accessory.type !== 'image') {
    return { ...withId, accessory: pressable(withId.accessory, nextId) };
  }
  if (withId.type === 'input') return { ...withId, element: pressable(withId.element, nextId) };
  return withId;
}

function pressable<T extends { action_id?: string | undefined }>(element: T, nextId: () => string): T {
  return { ...element, action_id: element.action_id ?? nextId() };
}

function duplicates(blocks: readonly Block[]): string[] {
  const messages: string[] = [];
  const blockIds = new Set<string>();
  for (const [index, block] of blocks.entries()) {
    const id = block.block_id ?? '';
    if (blockIds.has(id))
      messages.push(`[ERROR] block_id already exists: ${id} [json-pointer:/blocks/${index}/block_id]`);
    blockIds.add(id);
    if (block.type !== 'actions') continue;
    const actionIds = block.elements.map((element) => element.action_id);
    if (new Set(actionIds).size < actionIds.length) {
      messages.push(`[ERROR] action_id already exists [json-pointer:/blocks/${index}/elements]`);
    }
  }
  return messages;
}

function overfull(blocks: readonly Block[]): string[] {
  const messages: string[] = [];
  const tables = blocks.filter((block) => block.type === 'table' || block.type === 'data_table');
  if (tables.length > 1) messages.push('[ERROR] only_one_table_allowed [json-pointer:/blocks]');
  for (const block of tables) {
    const most = block.type === 'table' ? maxCharactersOfTable : maxCharactersOfDataTable;
    if (charactersOf(block) > most) {
      messages.push(`[ERROR] table exceeds ${most} characters [json-pointer:/blocks]`);
    }
  }
  const markdownCharacters = sum(blocks.filter((block) => block.type === 'markdown').map(charactersOf));
  if (markdownCharacters > maxCharactersOfMarkdown) {
    messages.push(
      `[ERROR] markdown text exceeds ${maxCharactersOfMarkdown} characters [json-pointer:/blocks]`,
    );
  }
  return messages;
}

function weightOf(block: Block): number {
  return block.type === 'rich_text' ? JSON.stringify(block).length : charactersOf(block);
}

const shown = new Set(['text', 'alt_text', 'fallback', 'caption']);

/** The number of visible characters (UTF-16 units) of any block. */
function charactersOf(part: unknown): number {
  if (Array.isArray(part)) return sum(part.map(charactersOf));
  if (typeof part !== 'object' || part === null) return 0;
  return sum(
    Object.entries(part).map(([key, value]) =>
      typeof value === 'string' ? (shown.has(key) ? value.length : 0) : charactersOf(value),
    ),
  );
}

function sum(numbers: readonly number[]): number {
  let total = 0;
  for (const number of numbers) total += number;
  return total;
}
