import type { Handler } from 'htmlparser2';
import { giveTurn } from '../../gateway/event-loop.ts';
import { inPieces } from '../terminal/terminal-reader.ts';
import { isLine, readHtml } from './html-text.ts';

/** A table of texts as the kernel sent it, possibly without some rows and columns, which are replaced by dots. */
export interface Table {
  columns: readonly string[];
  rows: readonly (readonly string[])[];
  /** Total number of rows, as far as the kernel says. */
  totalRows: number;
  /** Total number of columns without an index; undefined if that cannot be told apart. */
  totalColumns: number | undefined;
  /** A note about what is missing. */
  note: string | undefined;
  /** There are more rows, of unknown number. */
  isBeginning?: boolean | undefined;
  /** A file with the rows is wanted, however few they are. */
  wantsCsv?: boolean | undefined;
  /** The name under which the kernel can show more rows. */
  frame?: string | undefined;
}

interface Cell {
  text: string;
  isHeader: boolean;
  columns: number;
  rows: number;
}

/** A wider cell is meant to be as wide as its table. */
const MAX_COLSPAN = 200;
/** Tables that become larger than this by spans or uneven rows are a mistake or an attack. */
const MAX_CELLS = 500_000;
const MAX_CHARS = 10_000_000;
/** Nobody reads a table with more columns. */
const MAX_COLUMNS = 5_000;
/** How much of the text around a table is read at each end. */
const BESIDE_CHARS = 2_000;

/**
 * The table in an HTML text with exactly one (pandas, Spark, R); otherwise undefined. Several header rows become one,
 * and spanning cells are repeated. The text around the table gives its true size.
 */
export async function readHtmlTable(html: string): Promise<Table | undefined> {
  if (!/<table/i.test(html)) return undefined;
  const head: Cell[][] = [];
  const body: Cell[][] = [];
  let beside = '';
  let tables = 0;
  let depth = 0;
  let inHead = false;
  let inCaption = false;
  let row: Cell[] | undefined;
  let cell: Cell | undefined;
  let muted = 0;
  const endRow = () => {
    if (row !== undefined && row.length > 0) (inHead ? head : body).push(row);
    row = undefined;
    cell = undefined;
  };
  const handler: Partial<Handler> = {
    onopentag(name, attributes) {
      beside += ' ';
      if (name === 'table') {
        tables += 1;
        depth += 1;
      } else if (name === 'style' || name === 'script') muted += 1;
      else if (name === 'thead') inHead = true;
      else if (name === 'caption') inCaption = true;
      else if (name === 'tr') {
        endRow();
        row = [];
      } else if ((name === 'td' || name === 'th') && row !== undefined) {
        cell = {
          text: '',
          isHeader: name === 'th',
          columns: span(attributes['colspan'], MAX_COLSPAN),
          rows: span(attributes['rowspan']),
        };
        row.push(cell);
      } else if (isLine(name) && cell !== undefined) cell.text += '\n';
    },
    ontext(text) {
      if (muted > 0) return;
      if (cell !== undefined) cell.text += text;
      else if (depth === 0 || inCaption) beside += text;
    },
    onclosetag(name) {
      if (name === 'table') depth -= 1;
      else if (name === 'style' || name === 'script') muted -= 1;
      else if (name === 'tr') endRow();
      else if (name === 'td' || name === 'th') cell = undefined;
      else if (isLine(name) && cell !== undefined) cell.text += '\n';
      if (name === 'thead') inHead = false;
      if (name === 'caption') inCaption = false;
    },
  };
  const isRead = await readHtml(html, handler, () => tables > 1);
  if (!isRead || tables !== 1) return undefined;
  if (head.length === 0) {
    const first = body[0];
    if (first?.every((each) => each.isHeader) === true) head.push(...body.splice(0, 1));
  }
  const index = body[0]?.findIndex((each) => !each.isHeader) ?? 0;
  const [names, rows] = [await spread(head), await spread(body)];
  const said =
    beside.length > 2 * BESIDE_CHARS
      ? `${beside.slice(0, BESIDE_CHARS)} ${beside.slice(-BESIDE_CHARS)}`
      : beside;
  return names && rows && (await assemble(names, rows, Math.max(0, index), said));
}

/** `index`: the number of columns that name the rows. */
async function assemble(
  head: readonly (string | undefined)[][],
  body: readonly (string | undefined)[][],
  index: number,
  beside: string,
): Promise<Table | undefined> {
  const width = [...head, ...body].reduce((widest, row) => Math.max(widest, row.length), 0);
  if (width === 0 || body.length === 0 || width * body.length > MAX_CELLS) return undefined;
  const columns = Array.from({ length: width }, (_, column) => {
    const words = head
      .map((row) => row[column] ?? '')
      .filter((word, at, all) => word !== '' && word !== all[at - 1]);
    return words.join(' / ');
  });
  const rows: string[][] = [];
  let sent = 0;
  for (const row of body) {
    await giveTurn();
    const whole = Array.from({ length: width }, (_, column) => row[column] ?? '');
    rows.push(whole);
    if (!isGap(whole)) sent += 1;
  }
  const stated = statedSize(beside);
  return {
    columns,
    rows,
    totalRows: Math.max(sent, stated?.rows ?? 0),
    totalColumns: stated?.columns ?? (index > 0 ? width - index : undefined),
    note: undefined,
    isBeginning: TOP_ROWS.test(beside),
  };
}

/** Whether it is the row of dots in place of rows that the kernel left out. */
export function isGap(row: readonly string[]): boolean {
  return row.every((cell) => ['...', '…', '⋮'].includes(cell));
}

/** Spark's line below a table that it printed only in part. */
export const TOP_ROWS = /\bonly showing top \d{1,20} rows?\b/;

/** Repeats cells that span columns or rows; this may leave holes. Undefined if there are too many cells. */
async function spread(rows: readonly Cell[][]): Promise<(string | undefined)[][] | undefined> {
  const grid: (string | undefined)[][] = rows.map(() => []);
  let cells = 0;
  let chars = 0;
  for (const [at, row] of rows.entries()) {
    let column = 0;
    for (const cell of row) {
      while (grid[at]?.[column] !== undefined) column += 1;
      const text = await oneSpaced(cell.text);
      const targets = grid.slice(at, at + cell.rows);
      cells += targets.length * cell.columns;
      chars += targets.length * cell.columns * text.length;
      if (cells > MAX_CELLS || chars > MAX_CHARS || column > MAX_COLUMNS) return undefined;
      for (const target of targets)
        for (let right = 0; right < cell.columns; right += 1) target[column + right] = text;
      column += cell.columns;
    }
  }
  return grid;
}

/**
 * Reduces runs of blanks and of line ends to one, in turns. The text is joined from pieces: replacing a million places
 * would leave as many fragments until it is read.
 */
async function oneSpaced(text: string): Promise<string> {
  const pieces: string[] = [];
  await inPieces(
    text,
    (piece) =>
      void pieces.push(
        piece
          .split(/[^\S\n]+/)
          .join(' ')
          .split(/ ?\n[ \n]*/)
          .join('\n'),
      ),
  );
  return pieces.join('').trim();
}

/** `100%` is no count. */
function span(value = '1', most = Infinity): number {
  const count = value.endsWith('%') ? 1 : Number.parseInt(value, 10);
  return count >= 1 && count <= most ? count : 1;
}

/** Whether a line says only how large the table is. */
export function isAboutSize(line: string): boolean {
  if (line.length > BESIDE_CHARS) return false;
  const isOfSeries = /^shape: \([\d_]+,\)$/.test(line);
  return isOfSeries || statedSize(line)?.words === line || TOP_ROWS.exec(line)?.[0] === line;
}

/**
 * pandas: `500 rows × 2 columns`; Polars: `shape: (1_000, 2)`; R: `A data.frame: 32 × 11`, or `32 x 11` without UTF-8.
 */
function statedSize(text: string): { rows: number; columns: number; words: string } | undefined {
  const found =
    /([\d,]{1,30}) rows × ([\d,]{1,30}) columns/.exec(text) ??
    /shape: \(([\d_,]{1,30}), ([\d_]{1,30})\)/.exec(text) ??
    /\bAn? [\w.]{1,60}: (\d{1,30}) [×x] (\d{1,30})( of type \w+)?/.exec(text);
  const [rows, columns] = (found ?? []).slice(1, 3).map((count) => Number(count.replaceAll(/[,_]/g, '')));
  if (found === null || rows === undefined || columns === undefined) return undefined;
  return { rows, columns, words: found[0] };
}

/** Rows as HTML, written in turns; the first one is the head. */
export async function htmlTable(rows: readonly (readonly string[])[]): Promise<string> {
  const pieces = ['<table>'];
  for (const [index, row] of rows.entries()) {
    const tag = index === 0 ? 'th' : 'td';
    pieces.push('\n<tr>');
    for (const cell of row) {
      pieces.push(`<${tag}>`);
      await inPieces(cell, (piece) => void pieces.push(escapeHtml(piece)));
      pieces.push(`</${tag}>`);
    }
    pieces.push('</tr>');
  }
  return `${pieces.join('')}\n</table>`;
}

function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
