import type { KernelError } from './kernel-error.ts';

/** What to do about an error, where that is certain; undefined otherwise. */
export function hintFor(error: Omit<KernelError, 'traceback'>): string | undefined {
  const { name, value } = error;
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
  return isQuote ? 'The code has curly quotes (“ ” ‘ ’); code needs straight ones (" \').' : undefined;
}
