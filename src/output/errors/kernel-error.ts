import type { PrintedGroup } from './exception-group.ts';

/** An error as its author wants to read it. */
export interface ReadError {
  /** The exception in one line. */
  headline: string;
  /** `line 2, in add: return a + b (called from line 4: add(1, 2))`, as far as the kernel tells. */
  userLine: string | undefined;
  /** What it was raised from, or what is in it, where that says more. */
  cause: string | undefined;
  /** What helps beside these two; may be empty. */
  traceback: string;
  /** `traceback` leaves something out. */
  isFolded: boolean;
  /** All that the kernel sent. */
  whole: string;
  /** The end of what stood on stderr, where that is this error once more. */
  printed: string;
  hint: string | undefined;
}

/** What the form of an error in one language tells. */
export type LanguageError = Omit<ReadError, 'whole' | 'hint' | 'cause' | 'printed'> &
  Partial<Pick<ReadError, 'cause'>>;

/** A kernel's error, colours removed, and the code that raised it where that is known. */
export interface KernelError {
  name: string;
  value: string;
  traceback: string;
  /** The group of exceptions that stderr ends with, where the error is one. */
  group: PrintedGroup | undefined;
  code: string | undefined;
}
