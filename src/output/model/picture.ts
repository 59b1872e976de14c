import type { OutputLoss, OutputPart, SpoolRange } from '../output-view.ts';
import { FoldedText } from '../terminal/terminal-text.ts';

export type StreamName = 'stdout' | 'stderr';

/** A growing file, of which the first `bytes` are valid. */
export interface GrowingFile {
  path: string;
  bytes: number;
}

/** One result, display, page or error: its parts and the files that belong to it alone. Plain JSON. */
export interface Shown {
  parts: readonly OutputPart[];
  /** The files with its complete texts. */
  texts: readonly string[];
  /** Its pictures, tables as CSV and other files. */
  files: readonly string[];
}

/** Where a clear finds it. */
export interface Place {
  /** The Output widget that contains it; a clear in the widget clears only its own output. */
  area?: string | undefined;
  /** The block of code that began it. */
  block: number;
}

export type ShownEntry = Shown & Place & { kind: 'shown'; displayId: string | undefined };

/** The outputs beyond those that are shown. Plain JSON. */
export interface Overflow {
  entries: number;
  /** Some are streams, whose text is in the spool. */
  streams: boolean;
  /** The joined texts. */
  results: GrowingFile | undefined;
  tracebacks: GrowingFile | undefined;
  /** Paths of pictures, tables as CSV and other files, in order. */
  files: string[];
  /** The newest displays among them, which may still be updated. */
  displayIds: string[];
}

/** A piece of a stream without its text, which is in the spool. */
export interface StreamPiece extends Place {
  kind: 'stream';
  name: StreamName;
  spooled: SpoolRange;
  takenBack: string | undefined;
}

/** The whole state as stored in the snapshot, without the text of streams, which is in the spool. Plain JSON. */
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

/** Whether an error is reported again: IPython does that for an object that fails in each of its forms. */
export function isSameError({ parts: [part] }: Shown, { parts: [again] }: Shown): boolean {
  if (part?.kind !== 'error' || again?.kind !== 'error') return false;
  return part.headline === again.headline && part.userLine === again.userLine;
}

export function emptyOverflow(): Overflow {
  return { entries: 0, streams: false, results: undefined, tracebacks: undefined, files: [], displayIds: [] };
}

export function filesOf({ texts, files }: Shown): string[] {
  return [...texts, ...files];
}

/** A piece of a stream with its text. */
export type StreamEntry = StreamPiece & { text: FoldedText };

/** As it is stored. */
export function withoutText(entry: ShownEntry | StreamEntry): ShownEntry | StreamPiece {
  if (entry.kind === 'shown') return entry;
  const { text: _, ...piece } = entry;
  return piece;
}

/** Removes the end of a restored stream again if it had been removed before. */
export function withdrawEnd(entry: StreamEntry): void {
  const { head, tail } = entry.text.view();
  if (entry.takenBack !== undefined) entry.text = withoutEnd(head + tail, entry.takenBack);
}

export function streamPart({ name, text, spooled }: StreamEntry): OutputPart {
  return { kind: 'text', source: name, text: text.view(), path: undefined, spooled: { ...spooled } };
}

export function withoutEnd(whole: string, end: string): FoldedText {
  return foldedText(whole.slice(0, -end.length));
}

export function foldedText(text: string): FoldedText {
  const folded = new FoldedText();
  folded.write(text);
  return folded;
}
