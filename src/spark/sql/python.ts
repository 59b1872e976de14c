import { readFileSync } from 'node:fs';

const TABLES = readFileSync(new URL('./tables.py', import.meta.url), 'utf8');
const MAKE_TABLES = `eval(compile(${literal(TABLES)}, "<sparkthread>", "exec", 0, 1), module)`;

/**
 * Code for a Python kernel with IPython that runs SQL: one expression on one line, so that it binds no name and has no
 * result of its own.
 */
export function sqlInPython(sql: string, rows: number): string {
  const call = `module["run_sql"](globals(), ${literal(sql)}, ${rows})`;
  return `(lambda module: (${MAKE_TABLES}, ${call})[1])({"__name__": "sparkthread_tables"})`;
}

/**
 * Code for IPython that gives the kernel a `%%sql`, where it has none of its own: Spark SQL, at most so many rows of it.
 * The places in its errors are places in what is typed, `%%sql` and a blank before the line included.
 */
export function putInSqlMagic(rows: number): string {
  const sql = `u"${' '.repeat('%%sql '.length)}" + line + u"\\n" + cell`;
  const magic = `lambda line, cell: module["run_sql"](shell.user_ns, ${sql}, ${rows})`;
  const put = `shell.register_magic_function((${MAKE_TABLES}, ${magic})[1], "cell", "sql")`;
  const given = `get_ipython(), {"__name__": "sparkthread_tables"}`;
  return `(lambda shell, module: shell.find_cell_magic("sql") or ${put})(${given})`;
}

/** What JSON writes is a literal of Python too; `u` is for Python 2. */
function literal(text: string): string {
  return `u${JSON.stringify(text)}`;
}
