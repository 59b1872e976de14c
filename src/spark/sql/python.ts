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

/** What JSON writes is a literal of Python too; `u` is for Python 2. */
function literal(text: string): string {
  return `u${JSON.stringify(text)}`;
}
