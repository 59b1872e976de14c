import { sqlInPython } from './python.ts';
import { literalInR, sqlInR } from './r.ts';
import { sqlInScala } from './scala.ts';
import { splitStatements } from './split-statements.ts';

/** Turns SQL into code for a kernel; `rows`: the most rows of a result. */
type Wrap = (sql: string, rows: number, implementation: string) => string;

/** By the kernelspec's language in lower case. */
const WRAPS: Readonly<Record<string, Wrap>> = { python: sqlInPython, scala: sqlInScala, r: sqlInR };

/** Whether SQL runs in kernels of this language, which is written as in a kernelspec (`python`, `R`). */
export function takesSql(language: string): boolean {
  return Object.hasOwn(WRAPS, plainLanguage(language));
}

export interface SqlKernel {
  /** As its kernelspec writes it. */
  language: string;
  /** `ipython`, `Apache Toree`: see `KernelInfo`. */
  implementation: string;
}

/** The code that runs a SQL text in this kernel. The text is embedded as a literal, never spliced in. */
export function sqlForKernel(sql: string, { language, implementation }: SqlKernel, rows: number): string {
  const wrap = WRAPS[plainLanguage(language)];
  if (wrap === undefined) throw new Error(`SQL cannot run in a kernel of ${language}`);
  return wrap(sql, rows, implementation);
}

/**
 * The code for SQL in an exported notebook, where nothing of the bot is available: the same statements, with the rows
 * of the last one shown.
 */
export function sqlInNotebook(sql: string, language: string): string {
  const isR = plainLanguage(language) === 'r';
  const calls = splitStatements(sql).map(({ text }) =>
    isR ? `SparkR::sql(${literalInR(text)})` : `spark.sql(${readableLiteral(text)})`,
  );
  const last = calls.pop() ?? '';
  return [...calls, isR ? `SparkR::showDF(${last})` : `${last}.show()`].join('\n');
}

/** A literal of Python and Scala; over several lines if both read it alike. */
function readableLiteral(text: string): string {
  const isPlain = text.includes('\n') && !/\\|"""|"$/.test(text);
  return isPlain ? `"""\n${text}\n"""` : JSON.stringify(text);
}

/** `python` for `Python3`: kernels write their language with a version or a capital. */
export function plainLanguage(language: string): string {
  return language.toLowerCase().replace(/[\d.]+$/, '');
}
