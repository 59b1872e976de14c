import type { DataTableBlock, KnownBlock, RawNumberElement, RawTextElement, TableBlock } from '@slack/types';
import type { OutputPart } from '../../../../output/output-view.ts';
import { countOf, joinWords } from '../../../../text.ts';
import { contextLine, fallbackText } from '../../elements.ts';
import { isVisible, preformatted } from '../../rich-text.ts';
import { cutText, truncate } from '../../truncate.ts';

type TablePart = OutputPart & { kind: 'table' };

/** The forms of a table, each tried if Slack refuses the one before. */
export const TABLE_FORMS = ['data_table', 'table', 'text'] as const;
export type TableForm = (typeof TABLE_FORMS)[number];

/** A little under Slack's limits (slack.md §2). */
const LIMITS: Readonly<Record<TableForm, { rows: number; chars: number }>> = {
  data_table: { rows: 200, chars: 18_000 },
  table: { rows: 99, chars: 9_000 },
  text: { rows: 99, chars: 9_000 },
};
const MAX_COLUMNS = 20;
const MAX_CELL_CHARS = 200;
/** Rows on a page of a data table. */
const PAGE_ROWS = 20;

/** The names of a column that stands for columns left out by the kernel. */
const GAPS: ReadonlySet<string> = new Set(['...', '…', '⋯']);

export interface RenderedTable {
  text: string;
  blocks: KnownBlock[];
}

/** A data frame as a message, which is edited only if late output changes it. */
export function renderTable(part: TablePart, form: TableForm): RenderedTable {
  const shown = fitTable(part, form);
  const text = cutText(part.text, 2_500, 0.7);
  const words = joinWords('\n', [text.head, text.hiddenChars > 0 ? '…' : '', text.tail]);
  const plain = isVisible(words) ? words : sizeWords(part);
  return {
    text: fallbackText([plain]),
    blocks: [blockOf(part, shown, form, plain), contextLine(tableWords(part, shown))],
  };
}

function blockOf(part: TablePart, shown: FittedTable, form: TableForm, plain: string): KnownBlock {
  // Slack refuses a data table without rows.
  if (form === 'data_table' && shown.rows.length > 0) return dataTable(part, shown);
  if (form === 'text') return { type: 'rich_text', elements: [preformatted(plain)] };
  return tableBlock(part, shown);
}

/** Whether the table in Slack may lack anything that the kernel sent. */
export function isTableCut(part: TablePart, form: TableForm): boolean {
  return form === 'text' || isCut(part, fitTable(part, form));
}

function isCut(part: TablePart, { rows, columns, hasCutCells }: FittedTable): boolean {
  return rows.length < part.sentRows || columns < part.columns.length || hasCutCells;
}

/** `3 rows × 2 columns`, without a data frame's index, which mostly has no name. */
export function sizeWords(part: TablePart): string {
  const named = part.columns.filter(isVisible).length;
  const columns = part.totalColumns ?? (named === 0 ? part.columns.length : named);
  const first = part.isBeginning === true ? 'first ' : '';
  const size = `${first}${countOf(part.totalRows, 'row')} × ${countOf(columns, 'column')}`;
  return part.note === undefined ? size : `${size}, ${part.note}`;
}

interface FittedTable {
  rows: string[][];
  columns: number;
  hasCutCells: boolean;
}

function fitTable(part: TablePart, form: TableForm): FittedTable {
  const columns = Math.min(part.columns.length, MAX_COLUMNS);
  const limits = LIMITS[form];
  let room =
    limits.chars - part.columns.slice(0, columns).reduce((sum, name) => sum + cellText(name).length, 0);
  const rows: string[][] = [];
  let hasCutCells = false;
  for (const row of part.rows.slice(0, limits.rows)) {
    const cells = row.slice(0, columns).map(cellText);
    room -= cells.reduce((sum, cell) => sum + cell.length, 0);
    if (room < 0) break;
    hasCutCells ||= row.some((cell, index) => index < columns && cell.length > MAX_CELL_CHARS);
    rows.push(cells);
  }
  return { rows, columns, hasCutCells };
}

/** A table that can be sorted; columns of numbers only are sorted as numbers. */
function dataTable(part: TablePart, shown: FittedTable): DataTableBlock {
  const isNumber = Array.from({ length: shown.columns }, (_, column) =>
    shown.rows.every((row) => NUMBER.test(row[column] ?? '')),
  );
  return {
    type: 'data_table',
    caption: sizeWords(part),
    page_size: PAGE_ROWS,
    rows: [
      cellsOf(part.columns.slice(0, shown.columns).map(cellText)),
      ...shown.rows.map((row) =>
        row.map((text, column): RawTextElement | RawNumberElement =>
          isNumber[column] === true
            ? { type: 'raw_number', value: Number(text), text }
            : { type: 'raw_text', text },
        ),
      ),
    ],
  };
}

const NUMBER = /^-?\d{1,15}(?:\.\d{1,20})?(?:e[-+]?\d{1,2})?$/i;

function tableBlock(part: TablePart, shown: FittedTable): TableBlock {
  const isNumeric = (column: number) =>
    shown.rows.length > 0 &&
    shown.rows.every((row) => /^(-?[\d.,]+(e[-+]?\d+)?%?|NaN|null|None|inf|\s*)$/i.test(row[column] ?? ''));
  return {
    type: 'table',
    rows: [cellsOf(part.columns.slice(0, shown.columns).map(cellText)), ...shown.rows.map(cellsOf)],
    column_settings: Array.from({ length: shown.columns }, (_, column) => ({
      align: isNumeric(column) ? 'right' : 'left',
    })),
  };
}

function cellsOf(row: readonly string[]): RawTextElement[] {
  return row.map((text) => ({ type: 'raw_text', text }));
}

/** Slack refuses empty cells. */
function cellText(text: string): string {
  if (!isVisible(text)) return '\u00a0';
  return truncate(text.toWellFormed(), MAX_CELL_CHARS);
}

function tableWords(part: TablePart, shown: FittedTable): string {
  const size = sizeWords(part);
  const leftOut = part.columns.some((name) => GAPS.has(name)) ? ', some columns left out by the kernel' : '';
  if (isCut(part, shown)) {
    const columns = shown.columns < part.columns.length ? `, the first ${shown.columns} columns` : '';
    const whole = part.csvPath === undefined ? '' : '; all that the kernel sent is in table.csv';
    const of = part.isBeginning === true ? 'of the' : 'of';
    const rows = shown.rows.length < part.sentRows ? `The first ${shown.rows.length} ${of} ` : '';
    // The kernel's note may say so already.
    const cells = shown.hasCutCells && part.note === undefined ? ', long cells cut' : '';
    return `${rows}${size}${columns}${leftOut}${cells}${whole}`;
  }
  const isShort = part.sentRows < part.totalRows;
  return isShort
    ? `${endsWords(part)} of ${size}; the kernel left out the others${leftOut}`
    : `${size}${leftOut}`;
}

/** `First 5 and last 5` if a row of dots stands for the rows between, as in pandas. */
function endsWords({ rows, sentRows }: TablePart): string {
  const gap = rows.findIndex((row) => row.length > 1 && row.slice(1).every((cell) => GAPS.has(cell.trim())));
  return gap > 0 ? `First ${gap} and last ${rows.length - gap - 1}` : `${sentRows}`;
}
