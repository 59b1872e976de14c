import { shortWithoutColours } from '../terminal/terminal-reader.ts';
import { hintFor, LOSS_HEADLINES, LOSS_HINTS, readSparkLoss } from './hints.ts';
import { CUT, type KernelError, type LanguageError, type ReadError, type SentError } from './kernel-error.ts';
import { readPythonError } from './python-error.ts';
import { readPrintedGroup } from './python-frames.ts';
import { readRError } from './r-error.ts';
import { readJvmError, readSqlError } from './spark-error.ts';

/** How much of a text is read at each end; regular expressions never get more. */
const NAME_CHARS = 300;
const VALUE_CHARS = 20_000;
const TRACEBACK_CHARS = 50_000;
const LINES = 2_500;
const LINE_CHARS = 1_000;
const HINT_CHARS = 2_000;
/** Longer code, which may have a million lines, is not searched. */
const CODE_CHARS = 200_000;
/** A traceback that contains this much of the message's end contains the message. */
const MESSAGE_CHARS = 1_000;

/** Reads an error of any kernel. `ran` is the code, in which lines are looked up; `printed` is the end of stderr. */
export function readError(sent: SentError, ran?: string, printed = ''): ReadError {
  const code = ran !== undefined && ran.length > CODE_CHARS ? undefined : ran;
  // a shell kernel sends no name, and its exit code as the message
  const name = shortWithoutColours(sent.name.slice(0, NAME_CHARS)).trim() || 'Error';
  const value = shortWithoutColours(bothEnds(sent.value, VALUE_CHARS));
  const all = sent.traceback.join('\n');
  const traceback = shortWithoutColours(bothEnds(all, TRACEBACK_CHARS));
  const hasNoTraceback = traceback.trim() === '';
  // Beside a group ipykernel may send the traceback of an earlier error.
  const isGroup = hasNoTraceback || name.endsWith('ExceptionGroup');
  const group = isGroup ? readPrintedGroup(printed) : undefined;
  const error = { name, value, traceback: group?.traceback ?? traceback, group, code };
  const loss = readSparkLoss({ name, value, traceback: [traceback] });
  const headline = loss === undefined ? undefined : LOSS_HEADLINES[loss];
  return {
    cause: undefined,
    ...readByLanguage(error),
    ...(headline === undefined ? {} : { headline, cause: undefined, traceback: '', isFolded: true }),
    whole: group?.whole ?? wholeOf(sent, all, value, traceback),
    printed: group?.whole ?? (hasNoTraceback ? endThatSays(`${name}: ${value.trim()}`, printed) : ''),
    hint:
      loss !== undefined
        ? LOSS_HINTS[loss]
        : hintFor({ name, value: value.slice(0, HINT_CHARS), code, printed }),
  };
}

/** IPython prints its own usage errors and also replies with them. */
function endThatSays(message: string, printed: string): string {
  const end = `${message}\n`;
  const isLine = printed === end || printed.endsWith(`\n${end}`);
  return isLine ? end : '';
}

/**
 * The complete error, for kernels that send no traceback or one without the message. `all` is the traceback as sent,
 * `value` and `traceback` are the parts that are read. It only concatenates, which copies nothing.
 */
function wholeOf(sent: SentError, all: string, value: string, traceback: string): string {
  const [said, listed] = [value.trim(), traceback.trim() === '' ? '' : all];
  if (listed !== '' && traceback.includes(said.slice(-MESSAGE_CHARS))) return listed;
  const [name, message] = [sent.name.trim(), said === '' ? '' : sent.value.trim()];
  const head = name + (name === '' || message === '' ? '' : ': ') + message;
  return head + (head === '' || listed === '' ? '' : '\n\n') + listed;
}

/** Cuts the middle out of a message of megabytes or thousands of lines. */
function bothEnds(text: string, chars: number): string {
  if (text.length <= LINES) return text;
  const [start, end] = [text.slice(0, chars), text.slice(-chars)];
  let [from, to] = [-1, end.length];
  for (let line = 0; line < LINES && from < start.length; line += 1) from = indexOrEnd(start, from + 1);
  for (let line = 0; line < LINES && to > 0; line += 1) to = end.lastIndexOf('\n', to - 1);
  // Cut between two lines, unless a very long one is there.
  const [lastEnd, firstEnd] = [start.lastIndexOf('\n'), end.indexOf('\n')];
  if (from >= start.length && lastEnd > start.length - LINE_CHARS) from = lastEnd;
  if (to < 0 && firstEnd < LINE_CHARS) to = firstEnd;
  to += text.length - end.length + 1;
  return from >= to ? text : `${text.slice(0, from)}\n${CUT}\n${text.slice(to)}`;
}

function indexOrEnd(text: string, from: number): number {
  const found = text.indexOf('\n', from);
  return found === -1 ? text.length : found;
}

/** The form of the error reveals the kernel's language: IRkernel sends ERROR, the JVM a class with its package. */
function readByLanguage(error: KernelError): LanguageError {
  const ofSql = readSqlError(error);
  if (ofSql !== undefined) return ofSql;
  if (error.name === 'ERROR') return readRError(error);
  const isJvm = /^[a-z]\w*(\.[\w$]+)+$/.test(error.name) || / Error\.?$|magics!$/.test(error.name);
  return isJvm ? readJvmError(error) : readPythonError(error);
}

/** Removes the path of the kernel's connection file from argparse's message, which prints the kernel's command line. */
export function withoutConnectionFile(text: string): string {
  if (text.length > VALUE_CHARS || !text.includes('unrecognized arguments: ')) return text;
  return text.replace(/[^\s'"]{0,300}[\\/]([^\s'"\\/]{1,200}\.json)/g, '$1');
}
