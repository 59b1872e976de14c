import { countOf, joinWords } from '../../text.ts';
import {
  lineNumberOf,
  onlyLine,
  plainForm,
  quotedCode,
  shortHeadline,
  type KernelError,
  type LanguageError,
  type SentError,
} from './kernel-error.ts';

const PLACE = ' # at line ';
const CALL_PLACE = / # at line \d+ of file <text>$/;
/** Longer stacks are shown with the author's own calls alone. */
const SHORT_CALLS = 8;

/** How IRkernel tells on stderr that it cannot show a value, such as a plot of ggplot2, and the first of its own calls. */
const UNSHOWN = 'ERROR while rich displaying an object: ';
const SHOWING_CALL = 'tryCatch(withCallingHandlers({';

/** Such a text as the error that it is; undefined for other text. */
export function unshownInR(printed: string): SentError | undefined {
  if (!printed.startsWith(UNSHOWN)) return undefined;
  const [value = '', calls = ''] = printed.slice(UNSHOWN.length).split('\nTraceback:\n', 2);
  return { name: 'ERROR', value, traceback: [`${value}\nTraceback:\n`, calls] };
}

/** Reads errors of IRkernel: the value is R's own message, the traceback numbers the calls from the user's down. */
export function readRError(error: KernelError): LanguageError {
  // R's console names no call here, but IRkernel names the one with which it evaluates top-level code.
  const value = error.value
    .trim()
    .replace(/^Error in eval\(expr, envir, enclos\): /, 'Error: ')
    // The mark of rlang, with which most packages raise theirs.
    .replace(/^(Error[^\n]*:)\n! /, '$1 ');
  const parse = /^Error in parse\(.*?\): <text>:(\d+):\d+: ([^\n]+)([^]*)$/.exec(value);
  if (parse !== null) {
    const [, line, reason, quote] = parse;
    const code = quote?.split('\n').find((each) => each.startsWith(`${line}: `));
    return {
      headline: shortHeadline(`Error: ${reason}`),
      userLine: `line ${line}${code === undefined ? '' : `: ${quotedCode(code.slice(`${line}: `.length))}`}`,
      traceback: quote?.replace(/^\n/, '') ?? '',
      isFolded: false,
    };
  }
  const calls = readCalls(error.traceback);
  const headline = shortHeadline(value);
  const { shown, isFolded } = shortenCalls(calls);
  return {
    headline,
    userLine: userLine(calls, error.code) ?? failedCall(value, error.code) ?? onlyLine(error.code),
    traceback: joinWords('\n', [headline === value ? '' : value, ...shown]),
    isFolded,
  };
}

/** The calls on one line each; of a long stack the author's own, unless the user line says it all. */
function shortenCalls(calls: readonly string[]): { shown: string[]; isFolded: boolean } {
  const lines = calls.map((call) => {
    const [first = '', second] = call.split('\n', 2);
    return second === undefined ? call : `${first} …${CALL_PLACE.exec(call)?.[0] ?? ''}`;
  });
  if (lines.length <= SHORT_CALLS)
    return { shown: lines.length > 1 ? lines : [], isFolded: lines.some((line, at) => line !== calls[at]) };
  const own = lines.filter((line, at) => at === 0 || line.includes(PLACE));
  const others = `… ${countOf(lines.length - own.length, 'call')} of library code …`;
  return { shown: own.length > 1 ? [...own, others] : [], isFolded: true };
}

/** Reads the calls, outermost first: `1. f(3)`, `2. stop("too big") # at line 2 of file <text>`. */
function readCalls(traceback: string): string[] {
  const [, list] = /^Traceback:\n([^]*)$/m.exec(traceback) ?? [];
  const calls = (list ?? '').split(/\n(?=\d+\. )/).map((call) => call.trim());
  const known = calls.filter((call) => /^\d+\. /.test(call));
  // In place of a recursion in code without places IRkernel sends numbers.
  return known.every((call) => /^\d+\. (?:\d+|⋯)$/.test(call)) ? [] : known;
}

function userLine(calls: readonly string[], code: string | undefined): string | undefined {
  const inner = calls.findLast((call) => CALL_PLACE.test(call));
  const called = calls[0]?.replace(/^\d+\. /, '').split('\n')[0];
  if (called === undefined || called === SHOWING_CALL) return undefined;
  const number = lineNumberOf(called, code);
  const outer = number === undefined ? quotedCode(called) : `line ${number}: ${quotedCode(called)}`;
  if (inner === undefined) return outer;
  const at = inner.lastIndexOf(PLACE);
  const call = inner.slice(inner.indexOf(' ') + 1, at);
  const line = Number.parseInt(inner.slice(at + PLACE.length), 10);
  const earlier = isFrom(line, call, code) ? '' : 'In an earlier snippet, ';
  return `${earlier}line ${line}: ${quotedCode(call)} (called from ${outer})`;
}

/** Whether the code may have this call in the statement that begins at the line: R tells no snippets apart. */
function isFrom(line: number, call: string, code: string | undefined): boolean {
  if (code === undefined) return true;
  const [start = call] = /^[\w.$:@]+\(/.exec(call) ?? [];
  const rest = code.split('\n').slice(line - 1);
  return plainForm(rest.join('\n')).includes(plainForm(start));
}

/** The call that the value names, for errors without a traceback: `Error in 1 + "a": non-numeric …`. */
function failedCall(value: string, code: string | undefined): string | undefined {
  const call = /^Error in (.+?): /.exec(value)?.[1];
  const number = call === undefined ? undefined : lineNumberOf(call, code);
  return call === undefined || number === undefined ? undefined : `line ${number}: ${quotedCode(call)}`;
}
