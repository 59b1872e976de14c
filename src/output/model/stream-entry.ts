import type { OutputPart, SpoolRange } from '../output-view.ts';
import type { StreamPiece } from './picture.ts';
import { FoldedText } from '../terminal/terminal-text.ts';

/** A piece of a stream in the picture, with its text. */
export type StreamEntry = StreamPiece & { text: FoldedText };

/** A stream of a restored picture: gets its text once more, piece by piece. */
export interface RestoredStream {
  spooled: SpoolRange;
  write: (text: string) => void;
  end: () => void;
}

export function restoredStream(entry: StreamEntry): RestoredStream {
  const end = (): void => {
    const { head, tail } = entry.text.view();
    if (entry.takenBack !== undefined) entry.text = withoutEnd(head + tail, entry.takenBack);
  };
  return { spooled: entry.spooled, write: (text: string) => entry.text.write(text), end };
}

export function streamPart({ name, text, spooled }: StreamEntry): OutputPart {
  return { kind: 'text', source: name, text: text.view(), path: undefined, spooled: { ...spooled } };
}

export function withoutEnd(whole: string, end: string): FoldedText {
  const rest = new FoldedText();
  rest.write(whole.slice(0, -end.length));
  return rest;
}
