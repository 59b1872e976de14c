import { sqlInPython } from './python.ts';

/** What SQL becomes on its way into a kernel; `rows`: the most of a result. */
type Wrap = (sql: string, rows: number) => string;

/** By a kernelspec's language, in lower case. */
const WRAPS: Readonly<Record<string, Wrap>> = { python: sqlInPython };

/** Whether SQL runs in kernels of this language; as their kernelspec says it (`python`, `R`). */
export function takesSql(language: string): boolean {
  return Object.hasOwn(WRAPS, plainName(language));
}

/** The code that runs a SQL text in a kernel of this language. It stands there as a literal and is never spliced. */
export function sqlForKernel(sql: string, language: string, rows: number): string {
  const wrap = WRAPS[plainName(language)];
  if (wrap === undefined) throw new Error(`SQL cannot run in a kernel of ${language}`);
  return wrap(sql, rows);
}

/** Kernels write their language with a version or a capital. */
function plainName(language: string): string {
  return language.toLowerCase().replace(/[\d.]+$/, '');
}
