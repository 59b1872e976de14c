import type { KernelOutput } from '../gateway/outputs.ts';
import type { ReadError } from './errors/kernel-error.ts';
import type { Table } from './mime/html-table.ts';
import { SpoolFullError } from './spool/spool.ts';
import type { ConsoleProgress } from './terminal/console-bar.ts';

/**
 * What a run said so far, folded, bounded in memory, in order. Text is plain: no ANSI, no control characters but
 * newline and tab; `\r`, backspace and clears are already applied. Files are on disk until the run is posted.
 */
export interface OutputView {
  parts: readonly OutputPart[];
  /** Bytes of stream text the kernel sent so far (unfolded, UTF-8). */
  textBytes: number;
  /** The whole stream text as the kernel sent it: unfolded, in order, UTF-8. Undefined when nothing was streamed. */
  spoolPath: string | undefined;
  /** MAX_OUTPUT, or the number of files that a run may have, was reached: the rest is not kept. */
  limited: boolean;
  /** What could not be had. */
  losses: readonly OutputLoss[];
  /** What Spark's console bar shows of the block under way; it is no part of the text. Undefined where none ever came. */
  console?: ConsoleProgress | undefined;
}

export type OutputPart =
  | {
      kind: 'text';
      source: TextSource;
      text: BoundedText;
      /** The file with the whole text, and with others of its kind; made at the end. Streams are in `spoolPath`. */
      path: string | undefined;
      /** The range of a stream's text in the spool, in bytes. */
      spooled?: SpoolRange;
    }
  | (Omit<ReadError, 'traceback' | 'whole' | 'printed'> & {
      kind: 'error';
      /** What helps to see beside headline and line; noise is left out. */
      traceback: BoundedText;
      /** The file with all that the kernel sent about it, without colours. */
      path: string | undefined;
    })
  | { kind: 'image'; mime: ImageMime; path: string; alt: string }
  /** `rows` are the first of them, as many as Slack can show. */
  | (Table & {
      kind: 'table';
      /** Rows that the kernel sent; the CSV has all of them. */
      sentRows: number;
      csvPath: string | undefined;
      /** The same as text, for where no table can be shown. */
      text: BoundedText;
      /** The file with this whole text, and with others of its kind; tables that a stream printed have none. */
      path?: string | undefined;
    })
  /** Something Slack cannot show: offered as a file (html, json, latex source …). */
  | { kind: 'attachment'; filename: string; path: string; mime: string };

export interface SpoolRange {
  from: number;
  to: number;
}

export type TextSource = 'stdout' | 'stderr' | 'result' | 'pager' | 'nextInput';

export type ImageMime = 'image/png' | 'image/jpeg' | 'image/gif';

/** Why output is missing; worded where it is shown. Times in ms since the epoch. */
export type OutputLoss =
  /** By the gateway's rate limit (protocol.md §2.5). */
  | { kind: 'dropped'; limit: 'data' | 'messages' }
  /** Single messages over MAX_MESSAGE. */
  | { kind: 'tooBig'; messages: number }
  | { kind: 'gap'; fromMs: number; toMs: number }
  /** The bot's own disk refused. */
  | { kind: 'diskFull' }
  /** The output of all runs together was over its limit. */
  | { kind: 'spoolFull' }
  /** Reading them is what failed. */
  | { kind: 'unread'; outputs: number }
  /**
   * More single outputs than an answer can hold; `parts` of them are not shown. `streams`: some of them are streams,
   * which the spool has. `path`: the file of the other texts among them; `archive`: that of their pictures and files.
   */
  | {
      kind: 'tooMany';
      parts: number;
      streams: boolean;
      path: string | undefined;
      archive?: string | undefined;
    };

/** What is missing by this word of the kernel's connection; undefined where nothing is. */
export function lossOf(output: KernelOutput): OutputLoss | undefined {
  switch (output.kind) {
    case 'dropped':
      return { kind: 'dropped', limit: output.limit };
    case 'tooBig':
      return { kind: 'tooBig', messages: 1 };
    case 'reconnected':
      return output.gap ? { kind: 'gap', fromMs: output.fromMs, toMs: output.toMs } : undefined;
    case 'unreadable':
      return { kind: 'unread', outputs: 1 };
    default:
      return undefined;
  }
}

/** Gaps with less between them are one: they are told to the second. */
const BETWEEN_GAPS_MS = 1_000;

/** Losses of one kind are one, and counted; of gaps those that follow at once. */
export function withLoss(losses: readonly OutputLoss[], loss: OutputLoss): OutputLoss[] {
  const known = losses.findLast((each) => each.kind === loss.kind);
  const sum = known === undefined ? undefined : sumOf(known, loss);
  if (sum === undefined) return [...losses, loss];
  return losses.map((each) => (each === known ? sum : each));
}

/** Undefined where they are two. */
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
 * A text of any length as its head and tail; `hiddenLines` lines (`hiddenChars` characters) are between. When
 * `hiddenChars` is 0 the text is `head + tail`.
 */
export interface BoundedText {
  head: string;
  tail: string;
  hiddenLines: number;
  hiddenChars: number;
}

/** A text that is short enough to be held whole. */
export function wholeText(text: string): BoundedText {
  return { head: text, tail: '', hiddenLines: 0, hiddenChars: 0 };
}
