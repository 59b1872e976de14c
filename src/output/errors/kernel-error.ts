import { joinWords } from '../../text.ts';

/** The line in place of the middle of a text that is not read whole. */
export const CUT = '…';

/** An error prepared for its author. */
export interface ReadError {
  /** The exception in one line. */
  headline: string;
  /** `line 2, in add: return a + b (called from line 4: add(1, 2))`, as far as it is known. */
  userLine: string | undefined;
  /** The exception that it was raised from, or the members of a group, if that adds something. */
  cause: string | undefined;
  /** The useful rest of the traceback; may be empty. */
  traceback: string;
  /** Whether `traceback` leaves something out. */
  isFolded: boolean;
  /** Everything that the kernel sent. */
  whole: string;
  /** The end of stderr, if it repeats this error. */
  printed: string;
  hint: string | undefined;
}

/** What can be read from an error of one language. */
export type LanguageError = Omit<ReadError, 'whole' | 'hint' | 'cause' | 'printed'> &
  Partial<Pick<ReadError, 'cause'>>;

/** An error as a kernel sends it. */
export interface SentError {
  name: string;
  value: string;
  traceback: readonly string[];
}

/** A kernel's error without colours, with the code that raised it if known. */
export interface KernelError {
  name: string;
  value: string;
  traceback: string;
  /** The exception group at the end of stderr, if the error is one. */
  group: PrintedGroup | undefined;
  code: string | undefined;
}

/** An exception group as Python prints it. IPython sends no traceback for one, but prints it to stderr. */
export interface PrintedGroup {
  /** The traceback of the group itself, without the lines drawn around it. */
  traceback: string;
  /** One line for each of the first exceptions in it, with the user's own line if known. */
  members: string;
  /** The complete printed text. */
  whole: string;
}

const HEADLINE_CHARS = 200;

/** A line of at most `longest` characters, so that the user's own line stays near the top. */
export function shortHeadline(text: string, longest = HEADLINE_CHARS): string {
  const line = oneLine(text);
  if (line.length <= longest) return line;
  const cut = line.slice(0, longest);
  return `${cut.slice(0, Math.max(cut.lastIndexOf(' '), longest - 40))} …`;
}

/** Joins the trimmed lines of a text into one. */
export function oneLine(text: string): string {
  return joinWords(
    ' ',
    text.split('\n').map((line) => line.trim()),
  );
}

/** A line of code for quotation: trimmed and bounded. */
export function quotedCode(code: string): string {
  const line = code.trim();
  return line.length > 120 ? `${line.slice(0, 120)} …` : line;
}

/** The number (from 1) of the only line of `code` that equals `line`, regardless of quotes and blanks. */
export function lineNumberOf(line: string, code: string | undefined): number | undefined {
  const wanted = plainForm(line);
  const numbers = (code ?? '')
    .split('\n')
    .flatMap((each, index) => (plainForm(each) === wanted ? [index + 1] : []));
  return numbers.length === 1 ? numbers[0] : undefined;
}

/** `line 1: x / y`, if the code has only one line. */
export function onlyLine(code: string | undefined): string | undefined {
  const lines = (code ?? '')
    .split('\n')
    .flatMap((text, index) => (text.trim() === '' ? [] : [{ text, number: index + 1 }]));
  const [line] = lines;
  return line === undefined || lines.length > 1 ? undefined : `line ${line.number}: ${quotedCode(line.text)}`;
}

/** Code without blanks and differences between quotes. */
export function plainForm(code: string): string {
  return code.replaceAll(/['`]/g, '"').replaceAll(/\s+/g, '');
}
