import { sqlInPython } from './python.ts';
import { sqlInR } from './r.ts';
import { sqlInScala } from './scala.ts';
import { splitStatements } from './split-statements.ts';

/** What SQL becomes on its way into a kernel; `rows`: the most of a result. */
type Wrap = (sql: string, rows: number, implementation: string) => string;

/** By a kernelspec's language, in lower case. */
const WRAPS: Readonly<Record<string, Wrap>> = { python: sqlInPython, scala: sqlInScala, r: sqlInR };

/** Whether SQL runs in kernels of this language; as their kernelspec says it (`python`, `R`). */
export function takesSql(language: string): boolean {
  return Object.hasOwn(WRAPS, plainLanguage(language));
}

export interface SqlKernel {
  /** As its kernelspec says it. */
  language: string;
  /** `ipython`, `Apache Toree`: see `KernelInfo`. */
  implementation: string;
}

/** The code that runs a SQL text in this kernel. The text stands there as a literal and is never spliced. */
export function sqlForKernel(sql: string, { language, implementation }: SqlKernel, rows: number): string {
  const wrap = WRAPS[plainLanguage(language)];
  if (wrap === undefined) throw new Error(`SQL cannot run in a kernel of ${language}`);
  return wrap(sql, rows, implementation);
}

/** What SQL is in a notebook, where nothing of the bot is: the same statements, and the last one shows its rows. */
export function sqlInNotebook(sql: string, language: string): string {
  const isR = plainLanguage(language) === 'r';
  const calls = splitStatements(sql).map(({ text }) =>
    isR ? `SparkR::sql(${JSON.stringify(text)})` : `spark.sql(${readableLiteral(text)})`,
  );
  const last = calls.pop() ?? '';
  return [...calls, isR ? `SparkR::showDF(${last})` : `${last}.show()`].join('\n');
}

/** Of Python and Scala: over several lines where these say the same. */
function readableLiteral(text: string): string {
  const isPlain = text.includes('\n') && !/\\|"""|"$/.test(text);
  return isPlain ? `"""\n${text}\n"""` : JSON.stringify(text);
}

/** `python` of `Python3`: kernels write their language with a version or a capital. */
export function plainLanguage(language: string): string {
  return language.toLowerCase().replace(/[\d.]+$/, '');
}
