import type { KernelOutput } from '../../gateway/outputs.ts';
import { countOf, joinWords } from '../../text.ts';
import {
  type KernelError,
  type LanguageError,
  lineNumberOf,
  onlyLine,
  quotedCode,
  shortHeadline,
} from './kernel-error.ts';

/** After an error, Toree shows this above what the next code has defined: it forgets that error. */
export const TOREES_WORD = 'lastException = null';

/**
 * Recognises, in the outputs of one block, the result `null` that Toree adds to code without a value behind
 * `TOREES_WORD`: it is the value of that assignment (measured on 0.5).
 */
export class ToreesNull {
  #isNext = false;

  /** To be asked about each output in order. True for the added result. */
  is(output: KernelOutput): boolean {
    if (output.kind !== 'result' && output.kind !== 'display') return false;
    // The data may be anything; whoever reads it finds that out.
    const plain: unknown = Reflect.get(Object(output.data), 'text/plain');
    if (output.kind === 'display') this.#isNext ||= plain === `${TOREES_WORD}\n`;
    return output.kind === 'result' && this.#isNext && plain === 'null';
  }
}

const SHORT_STACK_LINES = 8;

/**
 * Reads errors of Toree: of the compiler (`Unknown Error`, with everything in the value) and of running code (a class
 * and a stack).
 */
export function readJvmError(error: KernelError): LanguageError {
  const compiler = readCompilerError(error);
  if (compiler !== undefined) return compiler;
  const name = error.name.replace(/^org\.apache\.spark\.(\w+\.)*(?:Extended(?=Analysis))?/, '');
  const message = joinWords(': ', [name, withoutPlan(error.value)]);
  const headline = shortHeadline(sparkCause(error.value) ?? message);
  const stack = stackLines(error.traceback);
  // A recursion repeats the same line a thousand times.
  const own = [...new Set(stack.filter((line) => line.includes('<console>')))].slice(0, SHORT_STACK_LINES);
  const isSaid = headline === message || error.value.includes('\n\tat ');
  const rest = joinWords('\n', [isSaid ? '' : withoutPlan(error.value), quotedSql(error.value)]);
  if (stack.length <= SHORT_STACK_LINES) {
    const isNews = stack.some((line) => !line.endsWith(' elided'));
    return {
      headline,
      userLine: onlyLine(error.code),
      traceback: joinWords('\n', [rest, isNews ? stack.join('\n') : '']),
      isFolded: false,
    };
  }
  const hidden = stack.length - own.length;
  const folded = `… ${countOf(hidden, 'line')} of JVM stack …`;
  return {
    headline,
    userLine: onlyLine(error.code),
    traceback: joinWords('\n', [rest, ...own, folded]),
    isFolded: true,
  };
}

/**
 * Reads `<console>:26: error: not found: value totl`, the line, and the mark below it. The console's line number is not
 * the user's.
 */
function readCompilerError(error: KernelError): LanguageError | undefined {
  const found = /^<console>:\d+: (error: [^]*?)\n {7}([^\n]*)\n *\^/.exec(error.value);
  const [, reason, line] = found ?? [];
  if (reason === undefined || line === undefined) return undefined;
  const number = lineNumberOf(line, error.code);
  const several = error.value.match(/^<console>:\d+: error: /gm) ?? [];
  return {
    headline: shortHeadline(reason),
    userLine: number === undefined ? quotedCode(line) : `line ${number}: ${quotedCode(line)}`,
    traceback: several.length > 1 ? error.value.trim() : '',
    isFolded: false,
  };
}

function stackLines(traceback: string): string[] {
  return traceback
    .split('\n')
    .filter((line) => /^\s+(at |\.\.\. )|^Caused by: /.test(line))
    .map((line) => line.trim());
}

const ABORTED = 'Job aborted due to stage failure: ';
const TASK = /^Job aborted due to stage failure: [^\n]{0,500}?\(TID \d{1,20}\) \([^)\n]{0,200}\): ([^\n]+)/;
/** A user-defined function failed for a row; the name of the class with which Spark calls it means nothing. */
const UDF =
  /^org\.apache\.spark\.SparkException: (?:\[FAILED_EXECUTE_UDF\]|Failed to execute user defined function)/;
/** How much of it is read. */
const TASK_CHARS = 3_000;
/** How much of the end is read: a worker's traceback is the last one. */
const WORKER_CHARS = 10_000;

/**
 * The cause that Spark has wrapped: the exception of the Python worker or of the JVM task, or the last `Caused by`;
 * undefined if there is none.
 */
export function sparkCause(value: string): string | undefined {
  if (value.startsWith('Traceback')) return undefined;
  const tracebacks = value
    .slice(-WORKER_CHARS)
    .matchAll(/Traceback \(most recent call last\):\n(?:[ \t].*\n|\n)+(\w\S*.*)/g);
  const worker = [...tracebacks].at(-1)?.[1]?.replace(/^([a-z_]\w*\.)+(?=[A-Z])/, '');
  if (worker !== undefined) return `${worker} (in a Spark task)`;
  const task = TASK.exec(value.slice(Math.max(0, value.indexOf(ABORTED))).slice(0, TASK_CHARS))?.[1];
  const root = [...value.matchAll(/^Caused by: ([^\n]+)/gm)].at(-1)?.[1];
  if (task !== undefined) return `${(UDF.test(task) ? root : undefined) ?? task} (in a Spark task)`;
  const called = /^An error occurred while calling [^\n]*\n: ([^\n]+)/.exec(value)?.[1];
  return called === undefined ? undefined : (root ?? called);
}

/** Removes Spark's query plan, quotation of the SQL and SQLSTATE from a message. */
export function withoutPlan(value: string): string {
  const lines = value.trim().split('\n');
  const plan = lines.findIndex((line) => /^('|\+- |== |JVM stacktrace:|!?[A-Z]\w+ \[)/.test(line));
  const shown = plan > 0 ? lines.slice(0, plan) : lines;
  const words = shown.join('\n').trim().replace(/;$/, '');
  return words.replace(/\.? {1,9}SQLSTATE: \w{5}/, '.');
}

/** The position in the SQL, as Spark marks it below its message; may be empty. */
export function quotedSql(value: string): string {
  return /^== SQL[^]*?(?=^(?:'|\+- |\tat |JVM stacktrace:)|(?![^]))/m.exec(value)?.[0].trim() ?? '';
}

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

/** Spark's sentence without plan, quotation and position. */
function sentenceOf(said: string): string {
  const [sentence = ''] = withoutPlan(said).split(/\n== SQL/);
  return sentence
    .replace(PLACES[0]?.[0] ?? '', '')
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
