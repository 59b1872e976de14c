import { shortWithoutColours } from '../terminal/terminal-text.ts';
import { readJvmError } from './jvm-error.ts';
import type { KernelError, LanguageError, ReadError } from './kernel-error.ts';
import { readPythonError } from './python-error.ts';
import { readPrintedGroup } from './python-frames.ts';
import { readRError } from './r-error.ts';
import { readSqlError } from './sql-error.ts';

/** So much of a text is read at each end: regular expressions never see more. */
const NAME_CHARS = 300;
const VALUE_CHARS = 20_000;
const TRACEBACK_CHARS = 50_000;
const HINT_CHARS = 2_000;
/** A traceback that has so much of the message's end has the message. */
const MESSAGE_CHARS = 1_000;

export interface SentError {
  name: string;
  value: string;
  traceback: readonly string[];
}

/**
 * Reads what a kernel sent about an error, whatever its language. `code` is what ran, to find lines in it; `printed` is
 * the end of stderr.
 */
export function readError(sent: SentError, code?: string, printed = ''): ReadError {
  const hasNoTraceback = sent.traceback.every((line) => line.trim() === '');
  const group = hasNoTraceback ? readPrintedGroup(printed) : undefined;
  // a shell's kernel gives no name, and its exit code for a message
  const name = shortWithoutColours(sent.name.slice(0, NAME_CHARS)).trim() || 'Error';
  const value = shortWithoutColours(bothEnds(sent.value, VALUE_CHARS));
  const traceback = shortWithoutColours(bothEnds(sent.traceback.join('\n'), TRACEBACK_CHARS));
  const error = { name, value, traceback: group?.traceback ?? traceback, group, code };
  return {
    cause: undefined,
    ...readByLanguage(error),
    whole: group?.whole ?? wholeOf(sent, value, traceback),
    printed: group?.whole ?? (hasNoTraceback ? endThatSays(`${name}: ${value.trim()}`, printed) : ''),
    hint: hintFor(name, value.slice(0, HINT_CHARS), code) ?? argumentsHint(name, value, printed),
  };
}

/** IPython prints its own usage errors, and replies with them as well. */
function endThatSays(message: string, printed: string): string {
  const end = `${message}\n`;
  const isLine = printed === end || printed.endsWith(`\n${end}`);
  return isLine ? end : '';
}

/** Some kernels send no traceback, or one without the message. */
function wholeOf(sent: SentError, value: string, traceback: string): string {
  if (traceback.trim() !== '' && traceback.includes(value.trim().slice(-MESSAGE_CHARS)))
    return sent.traceback.join('\n');
  const message = [sent.name.trim(), sent.value.trim()].filter((text) => text !== '').join(': ');
  return [message, sent.traceback.join('\n')].filter((text) => text.trim() !== '').join('\n\n');
}

/** A message of megabytes is read by its ends. */
function bothEnds(text: string, chars: number): string {
  return text.length <= 2 * chars ? text : `${text.slice(0, chars)}\n…\n${text.slice(-chars)}`;
}

/** The kernel's language shows in the form of the error: IRkernel says ERROR, the JVM a class with its package. */
function readByLanguage(error: KernelError): LanguageError {
  const ofSql = readSqlError(error);
  if (ofSql !== undefined) return ofSql;
  if (error.name === 'ERROR') return readRError(error);
  const isJvm = /^[a-z]\w*(\.[\w$]+)+$/.test(error.name) || / Error\.?$|magics!$/.test(error.name);
  return isJvm ? readJvmError(error) : readPythonError(error);
}

/** What to do about an error, where that is certain; undefined otherwise. */
function hintFor(name: string, value: string, code: string | undefined): string | undefined {
  if (name === 'StdinNotImplementedError')
    return 'Nobody can be asked here: give the value in the code instead of input().';
  const module =
    /^No module named '([^']+)'/.exec(value)?.[1] ??
    /there is no package called .([^’'”"]+)/.exec(value)?.[1];
  if (module !== undefined) return `${module} is not installed where this kernel runs.`;
  if (name === 'NameError' && /^name '(sc|spark|sqlContext)' is not defined$/.test(value)) {
    return 'This kernel has no Spark session. Choose a kernelspec with Spark; "languages" lists them.';
  }
  if (name === 'SyntaxError' && value.startsWith("Missing parentheses in call to 'print'")) {
    return 'This kernel runs Python 3; print without parentheses is Python 2.';
  }
  const isQuote =
    (name === 'SyntaxError' && /invalid character '[“”‘’]'/.test(value)) ||
    /illegal character '\\u20(1[89cd])'/.test(value) ||
    (name === 'ERROR' && /unexpected (input|INCOMPLETE_STRING)[^]*\n\d+: .*[“”‘’]$/m.test(value));
  if (isQuote) return 'The code has curly quotes (“ ” ‘ ’); code needs straight ones (" \').';
  const isForeign =
    (name === 'SyntaxError' && value.startsWith('invalid') && value.includes('character')) ||
    value.includes('illegal character') ||
    (name === 'ERROR' && value.includes('unexpected input'));
  return isForeign ? invisibleHint(code ?? '') : undefined;
}

/** Blanks and joints that editors, web pages and phones put in, and that no error shows. */
const INVISIBLE = /[\u00a0\u00ad\u180e\u2000-\u200f\u2028-\u202f\u205f-\u2064\u3000\ufeff]/u;

function invisibleHint(code: string): string | undefined {
  const lines = code.split('\n');
  const index = lines.findIndex((line) => INVISIBLE.test(line));
  const [found] = INVISIBLE.exec(lines[index] ?? '') ?? [];
  if (found === undefined) return undefined;
  const point = (found.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0');
  return `The code has an invisible character (U+${point}, line ${index + 1}). Type that blank anew.`;
}

/** A script that reads its command line finds the kernel's there. */
function argumentsHint(name: string, value: string, printed: string): string | undefined {
  const isKernels = printed.includes('unrecognized arguments: ') && printed.includes('.json');
  return name === 'SystemExit' && value.trim() === '2' && isKernels
    ? 'The script read the kernel’s own command line. Give it yours: parse_args(["--name", "value"]), or parse_args([]).'
    : undefined;
}
