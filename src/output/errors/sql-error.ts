import { sparkCause, withoutPlan } from './jvm-error.ts';
import { shortHeadline, type KernelError, type LanguageError } from './kernel-error.ts';

/** The beginning of an error from our own code in a kernel (src/spark/sql). */
const HEAD = /In the SQL statement at line (\d{1,7}), column (\d{1,7}):\n/;

/** How Spark gives the position: from analysis, from parsing, and while a query runs (where columns count from 1). */
const PLACES: readonly [pattern: RegExp, firstColumn: number][] = [
  [/;? ?\(?line (\d{1,7}),? pos (\d{1,7})\)?;?/, 0],
  [/== SQL ?\(line (\d{1,7}), position (\d{1,7})\) ==/, 1],
];

/** How much of a line is shown before and after the position, so that the mark fits on a narrow screen. */
const BEFORE_CHARS = 50;
const AFTER_CHARS = 40;

/**
 * Reads an error of a SQL statement: Spark's sentence, and the line as it was typed with a mark below the position.
 * Undefined for other errors.
 */
export function readSqlError(error: KernelError): LanguageError | undefined {
  const head = HEAD.exec(error.value);
  if (head === null) return undefined;
  const said = error.value.slice(head.index + head[0].length);
  const start = { line: Number(head[1]), column: Number(head[2]) };
  const [, className, words] = /^(?:[a-z]\w*\.)+([\w$]+): ([^]*)$/.exec(said) ?? [];
  // Spark 3.5 has a class of its own for analysis errors with a plan.
  const name = className?.replace(/^Extended(?=Analysis)/, '') ?? error.name;
  const message = sentenceOf(words ?? said);
  const [first = '', ...more] = message.split('\n');
  const cause = sparkCause(words ?? said);
  const whole = cause ?? `${name}: ${first}`;
  const headline = shortHeadline(whole);
  return {
    headline,
    userLine: placeIn(error.code ?? '', start, said),
    traceback: cause === undefined ? [headline === whole ? '' : first, ...more].join('\n').trim() : '',
    isFolded: message !== said.trim(),
  };
}

/** Spark's sentence without plan, quotation, position and SQLSTATE. */
function sentenceOf(said: string): string {
  const [sentence = ''] = withoutPlan(said).split(/\n== SQL/);
  return sentence
    .replace(PLACES[0]?.[0] ?? '', '')
    .replace(/\.? {1,9}SQLSTATE: \w{5}/, '.')
    .replace(/;\s*$/, '')
    .trim();
}

/** `line 3: from nope` with the mark below; without a mark if Spark gives no position. */
function placeIn(code: string, start: { line: number; column: number }, said: string): string | undefined {
  const lines = code.split('\n');
  for (const [pattern, firstColumn] of PLACES) {
    const [, line, column] = pattern.exec(said) ?? [];
    if (line === undefined || column === undefined) continue;
    const number = start.line + Number(line) - 1;
    const at = Number(column) - firstColumn + (line === '1' ? start.column - 1 : 0);
    return markedLine(lines[number - 1], number, at) ?? quotedLine(lines, start.line);
  }
  return quotedLine(lines, start.line);
}

function quotedLine(lines: readonly string[], number: number): string | undefined {
  const line = lines[number - 1]?.trim();
  if (line === undefined || line === '') return undefined;
  const room = BEFORE_CHARS + AFTER_CHARS;
  return `line ${number}: ${line.length > room ? `${line.slice(0, room)} …` : line}`;
}

function markedLine(line: string | undefined, number: number, at: number): string | undefined {
  if (line === undefined || at > line.length) return undefined;
  const indent = line.length - line.trimStart().length;
  const from = at - indent > BEFORE_CHARS ? at - BEFORE_CHARS : Math.min(indent, at);
  const to = Math.min(line.length, at + AFTER_CHARS);
  const before = `line ${number}: ${from > indent ? '… ' : ''}`;
  const shown = line.slice(from, to).replaceAll('\t', ' ').trimEnd();
  return `${before}${shown}${to < line.trimEnd().length ? ' …' : ''}\n${' '.repeat(before.length + at - from)}^`;
}
