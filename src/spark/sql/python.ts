import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

const readPart = (name: string): string => readFileSync(new URL(name, import.meta.url), 'utf8');
const TABLES = readPart('tables.py');
const FRAMES = `${TABLES}\n\n${readPart('frames.py')}`;

/**
 * Code for an IPython kernel that runs SQL: one expression on one line, so that it binds no name and has no result of
 * its own.
 */
export function sqlInPython(sql: string, rows: number): string {
  return inModule(TABLES, `module["run_sql"](globals(), ${literal(sql)}, ${rows})`);
}

export interface FrameRows {
  /** The most that `display(df)` and `%%sql` show. */
  asked: number;
  /** The most rows of a DataFrame that is a cell's result; 0 leaves it to IPython, which starts no job. */
  result: number;
}

/** Code that makes IPython show DataFrames as tables and know `%%sql`; does nothing if it is done already. */
export function showFrames({ asked, result }: FrameRows): string {
  const settings = `${asked}, ${result}`;
  const version = literal(createHash('sha256').update(FRAMES).update(settings).digest('hex'));
  const isThere = `getattr(get_ipython().display_formatter.format, "version", None) == ${version}`;
  return `(${isThere} or ${inModule(FRAMES, `module["install"](get_ipython(), ${settings}, ${version})`)})`;
}

/** The same, followed by a `%%sql` cell, for a kernel that could not be set up before; undefined for other cells. */
export function showFramesAndRun(cell: string, rows: FrameRows): string | undefined {
  const [, line, body = ''] = /^%%sql(?![^ \t\n])([^\n]*)(?:\n([^]*))?$/.exec(cell) ?? [];
  if (line === undefined) return undefined;
  return `(${showFrames(rows)}, get_ipython().run_cell_magic("sql", ${literal(line.trim())}, ${literal(body)}))[1]`;
}

/**
 * Code that shows more rows of the DataFrame that a table named: as many as `display(df)`, all of them also as a file.
 */
export function allRowsOf(frame: string): string {
  return `get_ipython().display_formatter.format.all_rows(${JSON.stringify(frame)})`;
}

/** Calls `call` with the definitions of `source` in `module`; an expression, so that it binds no name. */
function inModule(source: string, call: string): string {
  const made = `eval(compile(${literal(source)}, "<sparkthread>", "exec", 0, 1), module)`;
  return `(lambda module: (${made}, ${call})[1])({"__name__": "sparkthread_tables"})`;
}

/** JSON strings are valid Python literals; `u` is for Python 2. */
function literal(text: string): string {
  return `u${JSON.stringify(text)}`;
}

/**
 * The mime type for tables from our own code in a kernel: JSON as a string. tables.py has it as well, and `output/`
 * reads it.
 */
export const SPARK_TABLE_MIME = 'application/vnd.sparkthread.table+json';
