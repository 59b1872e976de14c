import { joinWords } from '../../text.ts';

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

/** An error as a kernel sends it. */
export interface SentError {
  name: string;
  value: string;
  traceback: readonly string[];
}

/** A kernel's error, colours removed, and the code that raised it where that is known. */
export interface KernelError {
  name: string;
  value: string;
  traceback: string;
  /** The group of exceptions that stderr ends with, where the error is one. */
  group: PrintedGroup | undefined;
  code: string | undefined;
}

/** A group of exceptions as Python prints it: IPython sends no traceback of one, it writes it to stderr. */
export interface PrintedGroup {
  /** The traceback of the group itself, without its frame of bars. */
  traceback: string;
  /** One line for each of the first exceptions in it, with the user's own line where it has one of its own. */
  members: string;
  /** All of it, as it was printed. */
  whole: string;
}

const HEADLINE_CHARS = 200;

/** One line of at most `longest` characters, so that the user's own line is still near the top. */
export function shortHeadline(text: string, longest = HEADLINE_CHARS): string {
  const line = oneLine(text);
  if (line.length <= longest) return line;
  const cut = line.slice(0, longest);
  return `${cut.slice(0, Math.max(cut.lastIndexOf(' '), longest - 40))} …`;
}

/** The lines of a text, without the blanks around them, in one. */
export function oneLine(text: string): string {
  return joinWords(
    ' ',
    text.split('\n').map((line) => line.trim()),
  );
}

/** A line of code as it is quoted: trimmed, not too long. */
export function quotedCode(code: string): string {
  const line = code.trim();
  return line.length > 120 ? `${line.slice(0, 120)} …` : line;
}

/** Number (from 1) of the only line of `code` that reads `line`, whichever quotes it has. */
export function lineNumberOf(line: string, code: string | undefined): number | undefined {
  const wanted = plainForm(line);
  const numbers = (code ?? '')
    .split('\n')
    .flatMap((each, index) => (plainForm(each) === wanted ? [index + 1] : []));
  return numbers.length === 1 ? numbers[0] : undefined;
}

/** `line 1: x / y`, when the code has no other line that could be meant. */
export function onlyLine(code: string | undefined): string | undefined {
  const lines = (code ?? '')
    .split('\n')
    .flatMap((text, index) => (text.trim() === '' ? [] : [{ text, number: index + 1 }]));
  const [line] = lines;
  return line === undefined || lines.length > 1 ? undefined : `line ${line.number}: ${quotedCode(line.text)}`;
}

function plainForm(line: string): string {
  return line.replaceAll("'", '"').replaceAll(/\s+/g, '');
}
