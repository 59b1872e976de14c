import { z } from 'zod';
import { giveTurn, hasTime, inOwnTurn, isCostly } from '../../gateway/event-loop.ts';
import { countOf, parseJson } from '../../text.ts';
import { type Table, TOP_ROWS } from './html-table.ts';

export { SPARK_TABLE_MIME } from '../../spark/sql/python.ts';

/** Spark's tables: those that Spark prints as text, and those that our own code in a kernel sends (src/spark/sql). */

export type TextPiece = { kind: 'text'; text: string } | { kind: 'table'; table: Table; text: string };

/** How many tables of a run are shown as tables: each is a message of its own, and Slack accepts one per second. */
export const TABLES_SHOWN = 10;

const BORDER = /^\+(?:-+\+)+$/;
/** How much of a text is split into lines in one turn. */
const PIECE_CHARS = 200_000;
/** Nobody reads wider tables. */
const BORDER_CHARS = 100_000;

/**
 * Splits a text at the first `most` tables that Spark's `show()` and `%%sql` print (`+---+` borders). Other text is
 * unchanged. Works in turns of the event loop.
 */
export async function splitTextTables(text: string, most = TABLES_SHOWN): Promise<TextPiece[]> {
  if (!text.includes('-+\n|')) return [{ kind: 'text', text }];
  const lines = await linesOf(text);
  const pieces: TextPiece[] = [];
  let plainFrom = 0;
  let tables = 0;
  for (let at = 0; at < lines.length && tables < most; at += 1) {
    if (!hasTime()) await giveTurn();
    const mayBegin = lines[at]?.startsWith('+-') === true && lines[at + 1]?.startsWith('|') === true;
    const found = mayBegin ? await readTableAt(lines, at) : undefined;
    if (found === undefined) continue;
    if (found.table === undefined) {
      at = found.end - 1;
      continue;
    }
    pieces.push(...textPiece(lines.slice(plainFrom, at)));
    pieces.push({ kind: 'table', table: found.table, text: lines.slice(at, found.end).join('\n') });
    tables += 1;
    at = found.end - 1;
    plainFrom = found.end;
  }
  if (pieces.length === 0) return [{ kind: 'text', text }];
  return [...pieces, ...textPiece(lines.slice(plainFrom))];
}

async function linesOf(text: string): Promise<string[]> {
  const lines: string[] = [];
  for (let at = 0; at <= text.length;) {
    await giveTurn();
    const end = text.indexOf('\n', at + PIECE_CHARS);
    const to = end === -1 ? text.length : end;
    for (const line of text.slice(at, to).split('\n')) lines.push(line);
    at = to + 1;
  }
  return lines;
}

/** The text between tables, without the blank lines around them. */
function textPiece(lines: readonly string[]): TextPiece[] {
  const first = lines.findIndex((line) => line !== '');
  const text = lines.slice(first, lines.findLastIndex((line) => line !== '') + 1).join('\n');
  return first === -1 || text.trim() === '' ? [] : [{ kind: 'text', text }];
}

/**
 * Reads border, header, border, rows (some print borders between them), border, and perhaps `only showing top 20 rows`.
 * If `table` is undefined, the lines up to `end` begin a table that breaks off there, and contain no other.
 */
async function readTableAt(
  lines: readonly string[],
  at: number,
): Promise<{ table: Table | undefined; end: number } | undefined> {
  const line = lines[at] ?? '';
  if (line.length > BORDER_CHARS || !BORDER.test(line) || lines[at + 2] !== line) return undefined;
  const stops = Array.from(line, (mark, index) => (mark === '+' ? index : -1)).filter((index) => index >= 0);
  const columns = readRow(lines[at + 1] ?? '', stops);
  if (columns === undefined) return undefined;
  const rows: string[][] = [];
  let close = at + 3;
  for (; lines[close] !== line || isRow(lines[close + 1], stops); close += 1) {
    if (lines[close] === line) continue;
    if (!hasTime()) await giveTurn();
    const row = readRow(lines[close] ?? '', stops);
    if (row === undefined) return { table: undefined, end: close };
    rows.push(row);
  }
  const below = lines[close + 1] ?? '';
  const isBeginning = TOP_ROWS.exec(below)?.[0] === below;
  const size = { totalRows: rows.length, totalColumns: columns.length };
  return {
    table: { columns, rows, ...size, note: undefined, isBeginning },
    end: close + (isBeginning ? 2 : 1),
  };
}

function isRow(line: string | undefined, stops: readonly number[]): boolean {
  return line !== undefined && readRow(line, stops) !== undefined;
}

/**
 * Splits a row at the columns of the border; if wide characters shifted them, at the bars, provided that their number
 * fits.
 */
function readRow(row: string, stops: readonly number[]): string[] | undefined {
  if (!row.startsWith('|') || !row.endsWith('|')) return undefined;
  if (row.length - 1 === stops.at(-1) && stops.every((stop) => row[stop] === '|')) {
    return stops.slice(1).map((stop, index) => row.slice((stops[index] ?? 0) + 1, stop).trim());
  }
  const cells = row.slice(1, -1).split('|');
  return cells.length === stops.length - 1 ? cells.map((cell) => cell.trim()) : undefined;
}

/** Our own code sends less. */
const MAX_CHARS = 4_000_000;
/** Rows, cell width and columns of the text version. */
const TEXT_ROWS = 60;
const TEXT_CELL_CHARS = 40;
const TEXT_COLUMNS = 50;

function isRowOfTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.length > 0 && value.every((cell) => typeof cell === 'string');
}

const schema = z.object({
  columns: z.custom<string[]>(isRowOfTexts),
  rows: z.custom<string[][]>((value) => Array.isArray(value) && value.every(isRowOfTexts)),
  /** There are more rows. */
  cut: z.boolean(),
  /** Some cells are cut. */
  cutCells: z.boolean(),
  /** A file with the rows is wanted, however few they are. */
  csv: z.boolean().optional(),
  /** The name under which the kernel can show more rows. */
  frame: z
    .string()
    .regex(/^[\da-f]{8}$/)
    .optional(),
});

/**
 * What our own code sends; undefined for anything else. A single cell of several lines (`EXPLAIN`, `SHOW CREATE TABLE`)
 * is a text, because a table would fold its lines.
 */
export async function readSparkTable(sent: unknown): Promise<TextPiece | undefined> {
  if (typeof sent !== 'string' || sent.length > MAX_CHARS) return undefined;
  if (await inOwnTurn(() => isCostly(Buffer.from(sent)))) return undefined;
  const given = await inOwnTurn(() => parseJson(sent));
  const { columns, rows, cut, cutCells, csv, frame } = schema.safeParse(given).data ?? {};
  if (columns === undefined || rows === undefined) return undefined;
  if (rows.some((row) => row.length !== columns.length)) return undefined;
  const [[text = ''] = []] = rows;
  const isAlone = columns.length === 1 && rows.length === 1 && cut === false && cutCells === false;
  if (isAlone && text.trim().includes('\n')) return { kind: 'text', text: text.trimEnd() };
  const table = {
    columns,
    rows,
    totalRows: rows.length,
    totalColumns: columns.length,
    note: cutCells === true ? 'long cells cut' : undefined,
    isBeginning: cut === true,
    wantsCsv: csv === true,
    frame,
  };
  return { kind: 'table', table, text: tableAsText(table) };
}

/** The first rows and columns as text. */
function tableAsText({ columns, rows }: Table): string {
  const lines = [columns, ...rows.slice(0, TEXT_ROWS)].map((row) =>
    row.slice(0, TEXT_COLUMNS).map(shortCell),
  );
  const widths = columns
    .slice(0, TEXT_COLUMNS)
    .map((_, column) => Math.max(...lines.map((row) => row[column]?.length ?? 0)));
  const hidden = rows.length - TEXT_ROWS;
  return [
    ...lines.map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    ),
    ...(columns.length > TEXT_COLUMNS
      ? [`… ${countOf(columns.length - TEXT_COLUMNS, 'more column')} …`]
      : []),
    ...(hidden > 0 ? [`… ${countOf(hidden, 'more row')} …`] : []),
  ].join('\n');
}

function shortCell(cell: string): string {
  const line = cell.slice(0, TEXT_CELL_CHARS + 1).replaceAll(/\s+/g, ' ');
  return line.length > TEXT_CELL_CHARS ? `${line.slice(0, TEXT_CELL_CHARS - 1)}…` : line;
}
