import type { OutputLoss, OutputPart, SpoolRange } from '../output-view.ts';
import { FoldedText } from '../terminal/terminal-text.ts';

export type StreamName = 'stdout' | 'stderr';

/** A file that grows: of what is in it, `bytes` count. */
export interface GrowingFile {
  path: string;
  bytes: number;
}

/** One result, display, page or error: its parts, and the files that it alone has. Plain JSON. */
export interface Shown {
  parts: readonly OutputPart[];
  /** Its texts, whole. */
  texts: readonly string[];
  /** Its pictures, tables as CSV and other files. */
  files: readonly string[];
}

/** `area`: the Output widget that it is in; a clear there clears no more than that. */
export type ShownEntry = Shown & { kind: 'shown'; displayId: string | undefined; area?: string | undefined };

/** What a run shows beyond what a picture can hold. Plain JSON. */
export interface Overflow {
  entries: number;
  /** Some are streams, which the spool has. */
  streams: boolean;
  /** The texts, one below the other. */
  results: GrowingFile | undefined;
  tracebacks: GrowingFile | undefined;
  /** Pictures, tables as CSV, other files: their paths, in order. */
  files: string[];
  /** The newest of their displays, which may still be updated. */
  displayIds: string[];
}

/** A stream's piece without its text, which the spool has. */
export interface StreamPiece {
  kind: 'stream';
  name: StreamName;
  spooled: SpoolRange;
  takenBack: string | undefined;
  area?: string | undefined;
}

/** A whole picture as the snapshot keeps it: the spool has the text of the streams. Plain JSON. */
export interface Picture {
  entries: (ShownEntry | StreamPiece)[];
  isClearPending: boolean;
  overflow: Overflow;
  losses: OutputLoss[];
}

export type TextKind = 'results' | 'tracebacks';

export function textKindOf({ parts }: Shown): TextKind {
  return parts[0]?.kind === 'error' ? 'tracebacks' : 'results';
}

export function emptyOverflow(): Overflow {
  return { entries: 0, streams: false, results: undefined, tracebacks: undefined, files: [], displayIds: [] };
}

export function filesOf({ texts, files }: Shown): string[] {
  return [...texts, ...files];
}

/** A piece of a stream in the picture, with its text. */
export type StreamEntry = StreamPiece & { text: FoldedText };

/** A restored stream has its whole text again: takes its end back once more, where it was taken back. */
export function withdrawEnd(entry: StreamEntry): void {
  const { head, tail } = entry.text.view();
  if (entry.takenBack !== undefined) entry.text = withoutEnd(head + tail, entry.takenBack);
}

export function streamPart({ name, text, spooled }: StreamEntry): OutputPart {
  return { kind: 'text', source: name, text: text.view(), path: undefined, spooled: { ...spooled } };
}

export function withoutEnd(whole: string, end: string): FoldedText {
  const rest = new FoldedText();
  rest.write(whole.slice(0, -end.length));
  return rest;
}
