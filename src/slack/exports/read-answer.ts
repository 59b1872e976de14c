import { z } from 'zod';
import type { ExportedOutput } from '../../notebooks/export.ts';
import { escapeMrkdwn } from '../blocks/elements.ts';

/** Reads back from Slack what an answer shows: its blocks as this bot makes them (blocks/run/), nothing else of it. */

const textSchema = z.object({
  type: z.string(),
  text: z.string().optional(),
  style: z.object({ italic: z.boolean().optional() }).optional(),
});
const elementSchema = z.object({ type: z.string(), elements: z.array(textSchema).default([]) });
const richTextSchema = z.object({ type: z.literal('rich_text'), elements: z.array(elementSchema) });
const tableSchema = z.object({ type: z.enum(['table', 'data_table']), rows: z.array(z.array(z.unknown())) });

/** One thing that an answer shows, in its order. */
export type AnswerPart =
  | { kind: 'text'; name: 'stdout' | 'stderr'; text: string }
  /** `Image below`: as many of the run's pictures as it says. */
  | { kind: 'images'; count: number }
  | { kind: 'table' }
  /** Lines that the message does not show. */
  | { kind: 'hidden'; words: string };

/** `hasOrigin`: it begins with who ran it and the code. */
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
    // Its own words beside output are in italics; all other sentences are no output.
    if (!element.elements.some(({ style }) => style?.italic === true)) continue;
    if (text === 'stderr') label = 'stderr';
    const part = partOf(text);
    if (part !== undefined) parts.push(part);
  }
  return parts;
}

/** How an error begins: the user's own line is below its headline; else its name. */
const ERROR_BEGINS = [/^[^\n]*\nline \d/, /^[\w.$]+: /, /^/];

/**
 * What an answer shows, without the error that ended its run, and that error: all text from its headline on, because nothing
 * comes after it but what was on stderr right before.
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

/** What comes behind hidden lines is of the stream that came before them. */
function nameBehindHidden(parts: readonly AnswerPart[]): 'stdout' | 'stderr' | undefined {
  if (parts.at(-1)?.kind !== 'hidden') return undefined;
  const before = parts.at(-2);
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

/** Who, then the code, where there was room for it. */
function withoutOrigin(elements: readonly Element[]): readonly Element[] {
  const [first, second] = elements;
  if (first?.elements.some(({ type }) => type === 'user') !== true) return elements;
  return elements.slice(second?.type === 'rich_text_preformatted' ? 2 : 1);
}

/** The table of a reply, as a browser and as a terminal show it; undefined where there is none. */
export function readTable(blocks: unknown): ExportedOutput | undefined {
  const table = z
    .array(z.unknown())
    .safeParse(blocks)
    .data?.map((block) => tableSchema.safeParse(block).data)
    .find((found) => found !== undefined);
  if (table === undefined) return undefined;
  const rows = table.rows.map((row) => row.map(cellText));
  const html = rows.map((row, index) => htmlRow(row, index === 0 ? 'th' : 'td')).join('\n');
  return {
    kind: 'display',
    data: { 'text/html': `<table>\n${html}\n</table>`, 'text/plain': plainTable(rows) },
  };
}

function cellText(cell: unknown): string {
  if (typeof cell !== 'object' || cell === null) return '';
  if ('text' in cell && typeof cell.text === 'string') return cell.text.replaceAll('\u00a0', ' ').trim();
  return 'elements' in cell && Array.isArray(cell.elements) ? cell.elements.map(cellText).join('') : '';
}

function htmlRow(row: readonly string[], tag: 'th' | 'td'): string {
  // What is no markup in Slack is none in HTML.
  return `<tr>${row.map((cell) => `<${tag}>${escapeMrkdwn(cell)}</${tag}>`).join('')}</tr>`;
}

function plainTable(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => (row[column] ?? '').length)),
  );
  return rows
    .map((row) => row.map((cell, column) => cell.padStart(widths[column] ?? 0)).join('  '))
    .join('\n');
}
