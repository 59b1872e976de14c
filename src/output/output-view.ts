import type { KernelOutput } from '../gateway/outputs.ts';
import type { ReadError } from './errors/kernel-error.ts';
import type { Table } from './mime/html-table.ts';
import { SpoolFullError } from './spool/spool.ts';
import type { ConsoleProgress } from './terminal/console-bar.ts';

/**
 * The output of a run so far, in order and in bounded memory. Text is plain: only newlines and tabs, no other control
 * characters; `\r`, backspaces and clears are already applied. Files are on disk until the run is posted.
 */
export interface OutputView {
  parts: readonly OutputPart[];
  /** Bytes (UTF-8) of stream text that the kernel has sent so far. */
  textBytes: number;
  /** The file with all stream text as the kernel sent it, in order, as UTF-8; undefined if there is none. */
  spoolPath: string | undefined;
  /** MAX_OUTPUT or the number of files of a run has been reached: further output is not kept. */
  limited: boolean;
  /** What is missing. */
  losses: readonly OutputLoss[];
  /**
   * What Spark's console bar, which is removed from the text, shows for the current block; undefined if none has
   * appeared.
   */
  console?: ConsoleProgress | undefined;
}

export type OutputPart =
  | {
      kind: 'text';
      source: TextSource;
      text: BoundedText;
      /**
       * The file that has the whole text, joined with others of its kind at the end. The text of streams is in
       * `spoolPath`.
       */
      path: string | undefined;
      /** Where a stream's text is in the spool, in bytes. */
      spooled?: SpoolRange;
    }
  | (Omit<ReadError, 'traceback' | 'whole' | 'printed'> & {
      kind: 'error';
      /** The useful part of the traceback beyond headline and line. */
      traceback: BoundedText;
      /** The file with everything that the kernel sent about the error, without colours. */
      path: string | undefined;
    })
  | { kind: 'image'; mime: ImageMime; path: string; alt: string }
  /** `rows` are the first rows, as many as Slack can show. */
  | (Table & {
      kind: 'table';
      /** How many rows the kernel sent; the CSV has all of them. */
      sentRows: number;
      csvPath: string | undefined;
      /** The table as text, for places that cannot show tables. */
      text: BoundedText;
      /** The file that has this whole text, joined with others; absent for tables printed to a stream. */
      path?: string | undefined;
    })
  /** Outputs that are not shown here, because there were too many. */
  | { kind: 'gap'; outputs: number }
  /** Something that Slack cannot show, offered as a file (html, json, latex source …). */
  | { kind: 'attachment'; filename: string; path: string; mime: string };

export interface SpoolRange {
  from: number;
  to: number;
}

export type TextSource = 'stdout' | 'stderr' | 'result' | 'pager' | 'nextInput';

export type ImageMime = 'image/png' | 'image/jpeg' | 'image/gif';

/** Why output is missing. Times are in ms since the epoch. */
export type OutputLoss =
  /** Dropped by the gateway's rate limit (protocol.md §2.5). */
  | { kind: 'dropped'; limit: 'data' | 'messages' }
  /** Messages that were longer than MAX_MESSAGE or had too many values. */
  | { kind: 'tooBig'; messages: number }
  | { kind: 'gap'; fromMs: number; toMs: number }
  /** The bot's disk failed or is full. */
  | { kind: 'diskFull' }
  /** The output of all runs together reached its limit. */
  | { kind: 'spoolFull' }
  /** Outputs that could not be read. */
  | { kind: 'unread'; outputs: number }
  /**
   * More outputs than an answer can hold; `parts` of them are not shown. `streams`: some of them are streams, which are
   * in the spool. `path`: the file with the other texts among them; `archive`: the file with their pictures and files.
   */
  | {
      kind: 'tooMany';
      parts: number;
      streams: boolean;
      path: string | undefined;
      archive?: string | undefined;
    };

/** What is missing according to this event; undefined if nothing is. */
export function lossOf(output: KernelOutput): OutputLoss | undefined {
  switch (output.kind) {
    case 'dropped':
      return { kind: 'dropped', limit: output.limit };
    case 'tooBig':
      return { kind: 'tooBig', messages: 1 };
    case 'reconnected':
      return { kind: 'gap', fromMs: output.fromMs, toMs: output.toMs };
    case 'unreadable':
      return { kind: 'unread', outputs: 1 };
    default:
      return undefined;
  }
}

/** Gaps that are closer together than this are joined: times are shown in seconds. */
const BETWEEN_GAPS_MS = 1_000;

/** Adds a loss. Losses of one kind are added up, and gaps that follow each other at once are joined. */
export function withLoss(losses: readonly OutputLoss[], loss: OutputLoss): OutputLoss[] {
  const known = losses.findLast((each) => each.kind === loss.kind);
  const sum = known === undefined ? undefined : sumOf(known, loss);
  if (sum === undefined) return [...losses, loss];
  return losses.map((each) => (each === known ? sum : each));
}

/** Undefined if they must stay separate. */
function sumOf(known: OutputLoss, loss: OutputLoss): OutputLoss | undefined {
  if (loss.kind === 'gap' && known.kind === 'gap')
    return loss.fromMs - known.toMs < BETWEEN_GAPS_MS
      ? { ...known, toMs: Math.max(known.toMs, loss.toMs) }
      : undefined;
  if (loss.kind === 'tooBig' && known.kind === 'tooBig')
    return { ...known, messages: known.messages + loss.messages };
  if (loss.kind === 'unread' && known.kind === 'unread')
    return { ...known, outputs: known.outputs + loss.outputs };
  return known;
}

/** Why something could not be written to the disk. */
export function lossOnDisk(error: unknown): OutputLoss & { kind: 'diskFull' | 'spoolFull' } {
  return { kind: error instanceof SpoolFullError ? 'spoolFull' : 'diskFull' };
}

/**
 * The head and tail of a text of any length, with `hiddenLines` lines (`hiddenChars` characters) between them. If
 * `hiddenChars` is 0, the text is `head + tail`.
 */
export interface BoundedText {
  head: string;
  tail: string;
  hiddenLines: number;
  hiddenChars: number;
}

/** A text that is short enough to be held completely. */
export function wholeText(text: string): BoundedText {
  return { head: text, tail: '', hiddenLines: 0, hiddenChars: 0 };
}
