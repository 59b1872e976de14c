/** The rich_text block (docs.slack.dev/reference/block-kit/blocks/rich-text-block), as apps send it and clients write it. */
import { z } from 'zod';
import { address, blockId, text } from './block-elements.ts';

const style = z
  .strictObject({
    bold: z.boolean().optional(),
    italic: z.boolean().optional(),
    strike: z.boolean().optional(),
    code: z.boolean().optional(),
    underline: z.boolean().optional(),
    highlight: z.boolean().optional(),
    client_highlight: z.boolean().optional(),
    unlink: z.boolean().optional(),
  })
  .optional();

const words = z.strictObject({ type: z.literal('text'), text: text(Number.MAX_SAFE_INTEGER), style });

const link = z.strictObject({
  type: z.literal('link'),
  url: address,
  text: z.string().optional(),
  unsafe: z.boolean().optional(),
  style,
});

const inline = z.discriminatedUnion('type', [
  words,
  link,
  z.strictObject({ type: z.literal('user'), user_id: text(50), style }),
  z.strictObject({ type: z.literal('usergroup'), usergroup_id: text(50), style }),
  z.strictObject({ type: z.literal('channel'), channel_id: text(50), style }),
  z.strictObject({ type: z.literal('team'), team_id: text(50), style }),
  z.strictObject({ type: z.literal('broadcast'), range: z.enum(['here', 'channel', 'everyone']), style }),
  z.strictObject({ type: z.literal('color'), value: text(50), style }),
  z.strictObject({
    type: z.literal('emoji'),
    name: text(100),
    unicode: z.string().optional(),
    url: z.string().optional(),
    skin_tone: z.int().optional(),
    style,
  }),
  z.strictObject({
    type: z.literal('date'),
    timestamp: z.int(),
    format: text(500),
    url: z.string().optional(),
    fallback: z.string().optional(),
    style,
  }),
]);

const border = z.union([z.literal(0), z.literal(1)]).optional();
const some = <T extends z.ZodType>(element: T) => z.array(element).min(1, 'must have at least 1 element');

const section = z.strictObject({ type: z.literal('rich_text_section'), elements: some(inline) });

const part = z.discriminatedUnion('type', [
  section,
  z.strictObject({
    type: z.literal('rich_text_preformatted'),
    elements: some(z.discriminatedUnion('type', [words, link])),
    border,
    language: z.string().optional(),
  }),
  z.strictObject({ type: z.literal('rich_text_quote'), elements: some(inline), border }),
  z.strictObject({
    type: z.literal('rich_text_list'),
    elements: some(section),
    style: z.enum(['bullet', 'ordered']),
    indent: z.int().min(0).max(8).optional(),
    offset: z.int().min(0).optional(),
    border,
  }),
]);

export const richText = z.strictObject({
  type: z.literal('rich_text'),
  block_id: blockId,
  elements: some(part),
});

export type RichText = z.infer<typeof richText>;
export type RichTextPart = z.infer<typeof part>;
export type RichTextInline = z.infer<typeof inline>;

/** Neighbours in code style share one pair of backticks, like `a.py`, which a link splits. */
export function joinInline(
  elements: readonly RichTextInline[],
  textOf: (element: RichTextInline) => string,
): string {
  let joined = '';
  let inCode = false;
  for (const element of elements) {
    const isCode = element.style?.code === true;
    if (isCode !== inCode) joined += '`';
    inCode = isCode;
    joined += textOf(element);
  }
  return inCode ? `${joined}\`` : joined;
}
