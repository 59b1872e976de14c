import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

const readPart = (name: string): string => readFileSync(new URL(name, import.meta.url), 'utf8');
const TABLES = readPart('tables.py');
const FRAMES = `${TABLES}\n\n${readPart('frames.py')}`;

/**
 * Code for a Python kernel with IPython that runs SQL: one expression on one line, so that it binds no name and has no
 * result of its own.
 */
export function sqlInPython(sql: string, rows: number): string {
  return inModule(TABLES, `module["run_sql"](globals(), ${literal(sql)}, ${rows})`);
}

export interface FrameRows {
  /** The most that `display(df)` shows. */
  asked: number;
  /** The most of a DataFrame that is a cell's result; 0: it is shown as IPython does, which starts no job. */
  result: number;
}

/** Code that has IPython show DataFrames as tables from now on; where it does so already, nothing happens. */
export function showFrames({ asked, result }: FrameRows): string {
  const settings = `${asked}, ${result}`;
  const version = literal(createHash('sha256').update(FRAMES).update(settings).digest('hex'));
  const isThere = `getattr(get_ipython().display_formatter.format, "version", None) == ${version}`;
  return `(${isThere} or ${inModule(FRAMES, `module["install"](get_ipython(), ${settings}, ${version})`)})`;
}

/** Code that shows the rows of a DataFrame whose table named it, as many as `display(df)` does, all of them as a file. */
export function allRowsOf(frame: string): string {
  return `get_ipython().display_formatter.format.all_rows(${JSON.stringify(frame)})`;
}

/** A call in which `module` holds what this source defines; an expression, so that it binds no name. */
function inModule(source: string, call: string): string {
  const made = `eval(compile(${literal(source)}, "<sparkthread>", "exec", 0, 1), module)`;
  return `(lambda module: (${made}, ${call})[1])({"__name__": "sparkthread_tables"})`;
}

/**
 * Code for IPython that gives the kernel a `%%sql`, where it has none of its own: Spark SQL, at most so many rows of it.
 * The places in its errors are places in what is typed, `%%sql` and a blank before the line included.
 */
export function putInSqlMagic(rows: number): string {
  const sql = `u"${' '.repeat('%%sql '.length)}" + line + u"\\n" + cell`;
  const magic = `lambda line, cell: module["run_sql"](shell.user_ns, ${sql}, ${rows})`;
  const put = inModule(TABLES, `shell.register_magic_function(${magic}, "cell", "sql")`);
  return `(lambda shell: shell.find_cell_magic("sql") or ${put})(get_ipython())`;
}

/** What JSON writes is a literal of Python too; `u` is for Python 2. */
function literal(text: string): string {
  return `u${JSON.stringify(text)}`;
}
