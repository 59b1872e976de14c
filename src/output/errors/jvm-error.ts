import { lineNumberOf, onlyLine, quotedCode, shortHeadline } from './headline.ts';
import type { KernelError, LanguageError } from './kernel-error.ts';
import { sparkCause, withoutPlan } from './spark-cause.ts';

const shortStackLines = 8;

/** Errors of Toree: of the compiler (`Unknown Error`, all in the value) and of running code (a class and a stack). */
export function readJvmError(error: KernelError): LanguageError {
  const compiler = readCompilerError(error);
  if (compiler !== undefined) return compiler;
  const name = error.name.replace(/^org\.apache\.spark\.(\w+\.)*/, '');
  const message = [name, withoutPlan(error.value)].filter((word) => word !== '').join(': ');
  const headline = shortHeadline(sparkCause(error.value) ?? message);
  const stack = stackLines(error.traceback);
  const own = stack.filter((line) => line.includes('<console>'));
  const rest = headline === message || error.value.includes('\n\tat ') ? '' : error.value.trim();
  if (stack.length <= shortStackLines) {
    const isNews = stack.some((line) => !line.endsWith(' elided'));
    return {
      headline,
      userLine: onlyLine(error.code),
      traceback: join(rest, isNews ? stack.join('\n') : ''),
      isFolded: false,
    };
  }
  const folded = `… ${stack.length - own.length} lines of JVM stack …`;
  return {
    headline,
    userLine: onlyLine(error.code),
    traceback: join(rest, ...own, folded),
    isFolded: true,
  };
}

/** `<console>:26: error: not found: value totl`, the line, and a mark under it. The console's number is not the user's. */
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

function join(...texts: readonly string[]): string {
  return texts.filter((text) => text !== '').join('\n');
}
