import type { KnownBlock, RawTextElement, TableBlock } from '@slack/types';
import type { OutputPart } from '../../../../output/output-view.ts';
import { escapeMrkdwn } from '../../mrkdwn.ts';
import { isVisible, preformatted } from '../../rich-text.ts';
import { cutText, truncate, truncateMrkdwn } from '../../truncate.ts';

type TablePart = OutputPart & { kind: 'table' };

/** Slack's limits of a table block (slack.md §2), with some room. */
const MAX_ROWS = 99;
const MAX_COLUMNS = 20;
const MAX_CHARS = 9_000;
const MAX_CELL_CHARS = 200;

/** Names of the column that stands for those that the kernel left out. */
const GAPS: ReadonlySet<string> = new Set(['...', '…', '⋯']);

export interface RenderedTable {
  text: string;
  blocks: KnownBlock[];
}

/** A data frame as a message of its own, which is never edited. `asText` is the form for when Slack refuses the table. */
export function renderTable(part: TablePart, asText: boolean): RenderedTable {
  const shown = fitTable(part);
  const text = cutText(part.text, 2_500, 0.7);
  const words = [text.head, text.hiddenChars > 0 ? '…' : '', text.tail]
    .filter((line) => line !== '')
    .join('\n');
  const plain = isVisible(words) ? words : sizeWords(part);
  const body: KnownBlock = asText
    ? { type: 'rich_text', elements: [preformatted(plain)] }
    : tableBlock(part, shown);
  return {
    text: truncateMrkdwn(escapeMrkdwn(plain.toWellFormed()), 3_900),
    blocks: [
      body,
      { type: 'context', elements: [{ type: 'plain_text', text: tableWords(part, shown), emoji: false }] },
    ],
  };
}

/** Whether the table as Slack shows it lacks anything that the kernel sent. */
export function isTableCut(part: TablePart): boolean {
  const { rows, columns, hasCutCells } = fitTable(part);
  return rows.length < part.sentRows || columns < part.columns.length || hasCutCells;
}

/** `3 rows × 2 columns`; a data frame's index is no column, and mostly has no name. */
export function sizeWords(part: TablePart): string {
  const named = part.columns.filter(isVisible).length;
  const columns = part.totalColumns ?? (named === 0 ? part.columns.length : named);
  const size = `${count(part.totalRows, 'row')} × ${count(columns, 'column')}`;
  return part.note === undefined ? size : `${size}, ${part.note}`;
}

function count(number: number, unit: string): string {
  return `${number.toLocaleString('en-US')} ${unit}${number === 1 ? '' : 's'}`;
}

interface FittedTable {
  rows: string[][];
  columns: number;
  hasCutCells: boolean;
}

function fitTable(part: TablePart): FittedTable {
  const columns = Math.min(part.columns.length, MAX_COLUMNS);
  let room = MAX_CHARS - part.columns.slice(0, columns).reduce((sum, name) => sum + cellText(name).length, 0);
  const rows: string[][] = [];
  let hasCutCells = false;
  for (const row of part.rows.slice(0, MAX_ROWS)) {
    const cells = row.slice(0, columns).map(cellText);
    room -= cells.reduce((sum, cell) => sum + cell.length, 0);
    if (room < 0) break;
    hasCutCells ||= row.some((cell, index) => index < columns && cell.length > MAX_CELL_CHARS);
    rows.push(cells);
  }
  return { rows, columns, hasCutCells };
}

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
  if (isTableCut(part)) {
    const columns = shown.columns < part.columns.length ? `, the first ${shown.columns} columns` : '';
    const whole = part.csvPath === undefined ? '' : '; all that the kernel sent is in table.csv';
    const rows = shown.rows.length < part.sentRows ? `The first ${shown.rows.length} of ` : '';
    const cells = shown.hasCutCells ? ', long cells cut' : '';
    return `${rows}${size}${columns}${leftOut}${cells}${whole}`;
  }
  const isShort = part.sentRows < part.totalRows;
  return isShort ? `${part.sentRows} of ${size}, as the kernel sent them${leftOut}` : `${size}${leftOut}`;
}
