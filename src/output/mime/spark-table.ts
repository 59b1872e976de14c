import { z } from 'zod';
import type { Table } from './html-table.ts';

/** More than our own code sends. */
const MAX_CHARS = 4_000_000;
/** Lines of the text for where no table can be shown, and the width of its columns. */
const TEXT_ROWS = 60;
const TEXT_CELL_CHARS = 40;

const schema = z.object({
  columns: z.array(z.string()).min(1),
  rows: z.array(z.array(z.string())),
  /** There are more rows than these. */
  cut: z.boolean(),
  /** Of some cells only the beginning is here. */
  cutCells: z.boolean(),
  /** Its rows are wanted as a file, however few. */
  csv: z.boolean().optional(),
  /** The name by which the kernel shows more of its rows. */
  frame: z
    .string()
    .regex(/^[\da-f]{8}$/)
    .optional(),
});

/** Undefined for what our own code has not made. */
export function readSparkTable(sent: unknown): Table | undefined {
  const { columns, rows, cut, cutCells, csv, frame } = schema.safeParse(parsed(sent)).data ?? {};
  if (columns === undefined || rows === undefined || rows.some((row) => row.length !== columns.length))
    return undefined;
  return {
    columns,
    rows,
    totalRows: rows.length,
    totalColumns: columns.length,
    note: cutCells === true ? 'long cells cut' : undefined,
    isBeginning: cut === true,
    wantsCsv: csv === true,
    frame,
  };
}

function parsed(sent: unknown): unknown {
  if (typeof sent !== 'string' || sent.length > MAX_CHARS) return undefined;
  try {
    return JSON.parse(sent);
  } catch {
    return undefined;
  }
}

/** The first rows as a text. */
export function tableAsText({ columns, rows }: Table): string {
  const lines = [columns, ...rows.slice(0, TEXT_ROWS)].map((row) => row.map(shortCell));
  const widths = columns.map((_, column) => Math.max(...lines.map((row) => row[column]?.length ?? 0)));
  const hidden = rows.length - TEXT_ROWS;
  return [
    ...lines.map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    ),
    ...(hidden > 0 ? [`… ${hidden.toLocaleString('en-US')} more rows …`] : []),
  ].join('\n');
}

function shortCell(cell: string): string {
  const line = cell.slice(0, TEXT_CELL_CHARS + 1).replaceAll(/\s+/g, ' ');
  return line.length > TEXT_CELL_CHARS ? `${line.slice(0, TEXT_CELL_CHARS - 1)}…` : line;
}
