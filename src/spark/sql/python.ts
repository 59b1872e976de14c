import { readFileSync } from 'node:fs';

const TABLES = readFileSync(new URL('./tables.py', import.meta.url), 'utf8');

/**
 * Code for a Python kernel with IPython that runs SQL: one expression on one line, so that it binds no name and has no
 * result of its own.
 */
export function sqlInPython(sql: string, rows: number): string {
  const source = `eval(compile(${literal(TABLES)}, "<sparkthread>", "exec", 0, 1), module)`;
  const call = `module["run_sql"](globals(), ${literal(sql)}, ${rows})`;
  return `(lambda module: (${source}, ${call})[1])({"__name__": "sparkthread_tables"})`;
}

/**
 * Code for IPython that does what `%%sql` asks: by the kernel's own magic of that name, in the way in which IPython would
 * call it; where it has none, as Spark SQL. Undefined for all other code.
 */
export function sqlMagic(typed: string, rows: number): string | undefined {
  const [first, line = ''] = /^%%sql(?:[ \t]+([^\n]*))?(?:\n|$)/.exec(typed) ?? [];
  if (first === undefined) return undefined;
  // IPython ends code with a line's end before it looks at it.
  const body = typed.slice(first.length).replace(/([^\n])$/, '$1\n');
  const own = `get_ipython().run_cell_magic("sql", ${literal(line)}, ${literal(body)})`;
  // As many signs before it as were typed, so that places in it are places in what was typed.
  const sql = `${' '.repeat('%%sql '.length)}${line}\n${body}`;
  return `${own} if get_ipython().find_cell_magic("sql") else ${sqlInPython(sql, rows)}`;
}

/** What JSON writes is a literal of Python too; `u` is for Python 2. */
function literal(text: string): string {
  return `u${JSON.stringify(text)}`;
}
