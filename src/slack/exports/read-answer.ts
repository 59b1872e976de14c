import { z } from 'zod';
import type { ExportedOutput } from '../../notebooks/export.ts';
import { htmlTable } from '../../output/mime/html-table.ts';

/** Reads the outputs back from the blocks of an answer, which blocks/run/ makes. */

const textSchema = z.object({
  type: z.string(),
  text: z.string().optional(),
  style: z.object({ italic: z.boolean().optional() }).optional(),
});
const elementSchema = z.object({ type: z.string(), elements: z.array(textSchema).default([]) });
const richTextSchema = z.object({ type: z.literal('rich_text'), elements: z.array(elementSchema) });
const tableSchema = z.object({ type: z.enum(['table', 'data_table']), rows: z.array(z.array(z.unknown())) });

/** One part of an answer. */
export type AnswerPart =
  | { kind: 'text'; name: 'stdout' | 'stderr'; text: string }
  /** `Image below`, or `3 images below`. */
  | { kind: 'images'; count: number }
  | { kind: 'table' }
  /** Lines that the message does not show. */
  | { kind: 'hidden'; words: string };

/** `hasOrigin`: the answer begins with who ran it and the code. */
export function readAnswerParts(blocks: unknown, hasOrigin: boolean): AnswerPart[] {
  const elements = elementsOf(blocks);
  const parts: AnswerPart[] = [];
  let label: 'stdout' | 'stderr' = 'stdout';
  for (const element of hasOrigin ? withoutOrigin(elements) : elements) {
    const text = element.elements.map((each) => each.text ?? '').join('');
    if (element.type === 'rich_text_preformatted') {
      parts.push({ kind: 'text', name: nameBehindHidden(parts) ?? label, text });
      label = 'stdout';
      continue;
    }
    // The bot's notes between outputs are in italics; other sentences are not about output.
    if (!element.elements.some(({ style }) => style?.italic === true)) continue;
    if (text === 'stderr') label = 'stderr';
    const part = partOf(text);
    if (part !== undefined) parts.push(part);
  }
  return parts;
}

/** How the text of an error may begin: a headline with the author's own line below it; else the error's name. */
const ERROR_BEGINS = [
  /^[^\n]*\n(?:In (?:\[\d+\]|an earlier snippet), )?line \d+(?:: |, in )/,
  /^[\w.$]+: /,
  /^/,
];

/**
 * Separates the error that ended the run from the other parts: all text from its headline on, because only stderr from
 * just before it can come after it.
 */
export function splitError(parts: readonly AnswerPart[]): {
  others: AnswerPart[];
  error: string | undefined;
} {
  const begins = ERROR_BEGINS.map((pattern) =>
    parts.findLastIndex((part) => part.kind === 'text' && part.name === 'stdout' && pattern.test(part.text)),
  );
  const at = begins.find((index) => index !== -1) ?? parts.length;
  const others = parts.slice(0, at);
  const said: string[] = [];
  for (const part of parts.slice(at)) {
    if (part.kind === 'hidden') said.push(part.words);
    else if (part.kind === 'text' && part.name === 'stdout') said.push(part.text);
    else others.push(part);
  }
  return { others, error: said.length === 0 ? undefined : said.join('\n') };
}

/** The text after hidden lines, but not after hidden outputs, is of the same stream as the text before them. */
function nameBehindHidden(parts: readonly AnswerPart[]): 'stdout' | 'stderr' | undefined {
  const [before, gap] = parts.slice(-2);
  if (gap?.kind !== 'hidden' || / outputs? hidden/.test(gap.words)) return undefined;
  return before?.kind === 'text' ? before.name : undefined;
}

function partOf(words: string): AnswerPart | undefined {
  const [isImages, count] = /^(?:Image|(\d+) images) below$/.exec(words) ?? [];
  if (isImages !== undefined) return { kind: 'images', count: Number(count ?? 1) };
  if (words.startsWith('Table below')) return { kind: 'table' };
  return words.startsWith('…') ? { kind: 'hidden', words } : undefined;
}

function elementsOf(blocks: unknown): Element[] {
  const given = z.array(z.unknown()).safeParse(blocks).data ?? [];
  return given.flatMap((block) => richTextSchema.safeParse(block).data?.elements ?? []);
}

type Element = z.infer<typeof elementSchema>;

/** Removes who ran it, and the code if there was room for it. */
function withoutOrigin(elements: readonly Element[]): readonly Element[] {
  const [first, second] = elements;
  if (first?.elements.some(({ type }) => type === 'user') !== true) return elements;
  return elements.slice(second?.type === 'rich_text_preformatted' ? 2 : 1);
}

/** The table of a reply as HTML and as plain text; undefined if there is none. */
export async function readTable(blocks: unknown): Promise<ExportedOutput | undefined> {
  const table = z
    .array(z.unknown())
    .safeParse(blocks)
    .data?.map((block) => tableSchema.safeParse(block).data)
    .find((found) => found !== undefined);
  if (table === undefined) return undefined;
  const rows = table.rows.map((row) => row.map(cellText));
  return { kind: 'display', data: { 'text/html': await htmlTable(rows), 'text/plain': plainTable(rows) } };
}

function cellText(cell: unknown): string {
  if (typeof cell !== 'object' || cell === null) return '';
  if ('text' in cell && typeof cell.text === 'string') return cell.text.replaceAll('\u00a0', ' ').trim();
  return 'elements' in cell && Array.isArray(cell.elements) ? cell.elements.map(cellText).join('') : '';
}

function plainTable(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => (row[column] ?? '').length)),
  );
  return rows
    .map((row) => row.map((cell, column) => cell.padStart(widths[column] ?? 0)).join('  '))
    .join('\n');
}
