/**
 * What a run said so far, folded, bounded in memory, in order. Text is plain: no ANSI, no control characters but
 * newline and tab; `\r`, backspace and clears are already applied. Files are on disk until the run is posted.
 */
export interface OutputView {
  parts: readonly OutputPart[];
  /** Bytes of text the kernel sent so far (unfolded). */
  textBytes: number;
  /** Lines of the folded text in all parts. */
  textLines: number;
  /** Whole text as the kernel sent it, unfolded, in order, UTF-8: stream text (and results' and errors' text). */
  spoolPath: string | undefined;
  /** MAX_OUTPUT was reached: the rest is not kept. */
  limited: boolean;
  /** What could not be had, in our words. */
  losses: readonly string[];
}

export type OutputPart =
  | { kind: 'text'; source: 'stdout' | 'stderr' | 'result' | 'pager'; text: BoundedText }
  | {
      kind: 'error';
      headline: string;
      userLine: string | undefined;
      traceback: BoundedText;
      hint: string | undefined;
    }
  | {
      kind: 'image';
      mime: 'image/png' | 'image/jpeg' | 'image/gif' | 'image/svg+xml';
      path: string;
      alt: string;
    }
  | {
      kind: 'table';
      columns: readonly string[];
      rows: readonly (readonly string[])[];
      totalRows: number;
      csvPath: string | undefined;
      text: BoundedText;
    }
  /** Something Slack cannot show: offered as a file (html, json, latex source …). */
  | { kind: 'attachment'; filename: string; path: string; mime: string };

/** A text of any length as its head and tail; `hiddenLines` lines (`hiddenChars` characters) stand between. Whole when 0. */
export interface BoundedText {
  head: string;
  tail: string;
  hiddenLines: number;
  hiddenChars: number;
}
