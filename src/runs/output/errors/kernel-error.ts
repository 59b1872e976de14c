/** An error as its author wants to read it. */
export interface ReadError {
  /** The exception in one line. */
  headline: string;
  /** `line 2, in add: return a + b (called from line 4: add(1, 2))`, as far as the kernel tells. */
  userLine: string | undefined;
  /** What helps beside these two; may be empty. */
  traceback: string;
  /** `traceback` leaves something out. */
  isFolded: boolean;
  /** All that the kernel sent. */
  whole: string;
  hint: string | undefined;
}

/** What the form of an error in one language tells. */
export type LanguageError = Omit<ReadError, 'whole' | 'hint'>;

/** A kernel's error, colours removed, and the code that raised it where that is known. */
export interface KernelError {
  name: string;
  value: string;
  traceback: string;
  code: string | undefined;
}
