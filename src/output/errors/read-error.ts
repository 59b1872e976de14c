import stripAnsi from 'strip-ansi';
import { readPrintedGroup } from './exception-group.ts';
import type { KernelError, LanguageError, ReadError } from './kernel-error.ts';
import { hintFor } from './error-hints.ts';
import { readJvmError } from './jvm-error.ts';
import { readPythonError } from './python-error.ts';
import { readRError } from './r-error.ts';

const readChars = 100_000;

/**
 * Reads what a kernel sent about an error, whatever its language. `code` is what ran, to find lines in it; `printed` is
 * what stands at the end of stderr.
 */
export function readError(
  sent: { name: string; value: string; traceback: readonly string[] },
  code?: string,
  printed = '',
): ReadError {
  const isBare = sent.traceback.every((line) => line.trim() === '');
  // a shell's kernel gives no name, and its exit code for a message
  const name = stripAnsi(sent.name).trim() || 'Error';
  const group = isBare ? readPrintedGroup(printed) : undefined;
  const error: KernelError = {
    name,
    value: stripAnsi(bothEnds(sent.value)),
    traceback: group?.traceback ?? stripAnsi(bothEnds(sent.traceback.join('\n'))),
    group,
    code,
  };
  return {
    cause: undefined,
    ...readByLanguage(error),
    whole: group?.whole ?? wholeOf(sent),
    printed: group?.whole ?? (isBare ? endThatSays(`${name}: ${error.value.trim()}`, printed) : ''),
    hint: hintFor(error),
  };
}

/** IPython prints its own usage errors, and replies with them as well. */
function endThatSays(message: string, printed: string): string {
  const end = `${message}\n`;
  const isLine = printed === end || printed.endsWith(`\n${end}`);
  return isLine ? end : '';
}

/** Some kernels send no traceback, or one without the message. */
function wholeOf(sent: { name: string; value: string; traceback: readonly string[] }): string {
  const traceback = stripAnsi(sent.traceback.join('\n'));
  const value = stripAnsi(sent.value).trim();
  if (traceback.trim() !== '' && traceback.includes(value)) return traceback;
  const message = [stripAnsi(sent.name).trim(), value].filter((text) => text !== '').join(': ');
  return [message, traceback].filter((text) => text.trim() !== '').join('\n\n');
}

/** A message of megabytes is read by its ends. */
function bothEnds(text: string): string {
  return text.length <= 2 * readChars ? text : `${text.slice(0, readChars)}\n…\n${text.slice(-readChars)}`;
}

/** The kernel's language shows in the form of the error: IRkernel says ERROR, the JVM a class with its package. */
function readByLanguage(error: KernelError): LanguageError {
  if (error.name === 'ERROR') return readRError(error);
  const isJvm = /^[a-z]\w*(\.[\w$]+)+$/.test(error.name) || / Error\.?$|magics!$/.test(error.name);
  return isJvm ? readJvmError(error) : readPythonError(error);
}
