import { Parser } from 'htmlparser2';
import { giveTurn } from '../../gateway/event-loop.ts';
import { inPieces } from '../terminal/terminal-reader.ts';
import { MAX_NESTING, PIECE_CHARS } from './html-text.ts';

/** A table of texts, as far as the kernel sent it: it may have left out rows and columns, with dots in their place. */
export interface Table {
  columns: readonly string[];
  rows: readonly (readonly string[])[];
  /** Rows that there are, as far as the kernel tells. */
  totalRows: number;
  /** Columns that there are, without an index; undefined where nothing tells them apart. */
  totalColumns: number | undefined;
  /** What of it is missing, in words of ours. */
  note: string | undefined;
  /** There are more rows than these, nobody knows how many. */
  isBeginning?: boolean | undefined;
  /** Its rows are wanted as a file, however few. */
  wantsCsv?: boolean | undefined;
  /** The name by which the kernel shows more of its rows. */
  frame?: string | undefined;
}

interface Cell {
  text: string;
  isHeader: boolean;
  columns: number;
  rows: number;
}

/** Spans beyond this are a mistake or an attack. */
const MAX_SPAN = 200;
/** So are tables that grow beyond this by their spans and by rows of different lengths. */
const MAX_CELLS = 500_000;
const MAX_CHARS = 10_000_000;
/** Nobody reads more, in a table. */
export const MAX_COLUMNS = 5_000;
/** So much of what is said beside a table is read at each end. */
const BESIDE_CHARS = 2_000;

/**
 * The table of an HTML text that holds exactly one (pandas, Spark, R); undefined when there is none, or several.
 * Headers of several rows become one; cells that span are repeated. What is said beside it gives the true size.
 */
export async function readHtmlTable(html: string): Promise<Table | undefined> {
  if (!/<table/i.test(html)) return undefined;
  const head: Cell[][] = [];
  const body: Cell[][] = [];
  let beside = '';
  let tables = 0;
  let depth = 0;
  let nesting = 0;
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
  const parser = new Parser({
    onopentag(name, attributes) {
      beside += ' ';
      nesting += 1;
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
          columns: span(attributes['colspan']),
          rows: span(attributes['rowspan']),
        };
        row.push(cell);
      } else if (name === 'br' && cell !== undefined) cell.text += '\n';
    },
    ontext(text) {
      if (muted > 0) return;
      if (cell !== undefined) cell.text += text;
      else if (depth === 0 || inCaption) beside += text;
    },
    onclosetag(name) {
      nesting -= 1;
      if (name === 'table') depth -= 1;
      else if (name === 'style' || name === 'script') muted -= 1;
      else if (name === 'tr') endRow();
      else if (name === 'td' || name === 'th') cell = undefined;
      if (name === 'thead') inHead = false;
      if (name === 'caption') inCaption = false;
    },
  });
  for (let at = 0; at < html.length; at += PIECE_CHARS) {
    await giveTurn();
    parser.write(html.slice(at, at + PIECE_CHARS));
    if (nesting > MAX_NESTING || tables > 1) return undefined;
  }
  parser.end();
  if (tables !== 1) return undefined;
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

/** `index`: how many columns only name the rows. */
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

/** The row of dots in the place of those that the kernel left out. */
export function isGap(row: readonly string[]): boolean {
  return row.every((cell) => ['...', '…', '⋮'].includes(cell));
}

/** What Spark says below a table of which it printed the beginning only. */
export const TOP_ROWS = /\bonly showing top \d{1,20} rows?\b/;

/** Cells that span columns or rows are repeated in each, which may leave holes; undefined when they become too many. */
async function spread(rows: readonly Cell[][]): Promise<(string | undefined)[][] | undefined> {
  const grid: (string | undefined)[][] = rows.map(() => []);
  let cells = 0;
  let chars = 0;
  for (const [at, row] of rows.entries()) {
    let column = 0;
    for (const cell of row) {
      while (grid[at]?.[column] !== undefined) column += 1;
      const text = await oneSpaced(cell.text);
      cells += cell.rows * cell.columns;
      chars += cell.rows * cell.columns * text.length;
      if (cells > MAX_CELLS || chars > MAX_CHARS || column > MAX_COLUMNS) return undefined;
      for (let down = 0; down < cell.rows; down += 1) {
        const target = grid[at + down];
        if (target === undefined) break;
        for (let right = 0; right < cell.columns; right += 1) target[column + right] = text;
      }
      column += cell.columns;
    }
  }
  return grid;
}

/** Blanks as one each, in turns. Joined: a text in which a million are replaced stays in as many pieces until it is read. */
async function oneSpaced(text: string): Promise<string> {
  const pieces: string[] = [];
  await inPieces(text, (piece) => void pieces.push(piece.split(/[^\S\n]+/).join(' ')));
  return pieces.join('').trim();
}

function span(value: string | undefined): number {
  const count = Number.parseInt(value ?? '1', 10);
  return count >= 1 && count <= MAX_SPAN ? count : 1;
}

/** Whether a line says nothing but how much of the table there is. */
export function isAboutSize(line: string): boolean {
  if (line.length > BESIDE_CHARS) return false;
  const isOfSeries = /^shape: \([\d_]+,\)$/.test(line);
  return isOfSeries || statedSize(line)?.words === line || TOP_ROWS.exec(line)?.[0] === line;
}

/** pandas: `500 rows × 2 columns`; Polars: `shape: (1_000, 2)`; R: `A data.frame: 32 × 11`, in a poor locale `32 x 11`. */
function statedSize(text: string): { rows: number; columns: number; words: string } | undefined {
  const found =
    /([\d,]{1,30}) rows × ([\d,]{1,30}) columns/.exec(text) ??
    /shape: \(([\d_,]{1,30}), ([\d_]{1,30})\)/.exec(text) ??
    /\bAn? [\w.]{1,60}: (\d{1,30}) [×x] (\d{1,30})( of type \w+)?/.exec(text);
  const [rows, columns] = (found ?? []).slice(1, 3).map((count) => Number(count.replaceAll(/[,_]/g, '')));
  if (found === null || rows === undefined || columns === undefined) return undefined;
  return { rows, columns, words: found[0] };
}
