import stripAnsi from 'strip-ansi';
import type { KernelError, LanguageError, ReadError } from './kernel-error.ts';
import { hintFor } from './error-hints.ts';
import { readJvmError } from './jvm-error.ts';
import { readPythonError } from './python-error.ts';
import { readRError } from './r-error.ts';

const readChars = 100_000;

/** Reads what a kernel sent about an error, whatever its language. `code` is what ran, to find lines in it. */
export function readError(
  sent: { name: string; value: string; traceback: readonly string[] },
  code?: string,
): ReadError {
  const error: KernelError = {
    // a shell's kernel gives none, and its exit code for a message
    name: stripAnsi(sent.name).trim() || 'Error',
    value: stripAnsi(bothEnds(sent.value)),
    traceback: stripAnsi(bothEnds(sent.traceback.join('\n'))),
    code,
  };
  return { ...readByLanguage(error), whole: wholeOf(sent), hint: hintFor(error) };
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
