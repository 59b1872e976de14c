import stripAnsi from 'strip-ansi';

/** An error as its author wants to read it. */
export interface ReadError {
  headline: string;
  userLine: string | undefined;
  /** What helps beside these two. */
  traceback: string;
  /** All that the kernel sent, when `traceback` is not all of it. */
  whole: string | undefined;
  hint: string | undefined;
}

export function readError(error: { name: string; value: string; traceback: readonly string[] }): ReadError {
  const headline = [error.name, error.value.trim()].filter((word) => word !== '').join(': ');
  const traceback = stripAnsi(error.traceback.join('\n'));
  return { headline, userLine: undefined, traceback, whole: undefined, hint: undefined };
}
