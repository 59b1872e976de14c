import type { KernelOutput } from '../../gateway/outputs.ts';
import type { OutputLoss, OutputPart, SpoolRange } from '../output-view.ts';
import { FoldedText } from '../terminal/terminal-text.ts';
import type { StreamPiece } from './picture.ts';

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

/** Losses of one kind are one, and counted; each gap is its own. */
export function withLoss(losses: readonly OutputLoss[], loss: OutputLoss): OutputLoss[] {
  const known = losses.find((each) => each.kind === loss.kind);
  if (loss.kind === 'gap' || known === undefined) return [...losses, loss];
  const sum = sumOf(known, loss);
  return losses.map((each) => (each === known ? sum : each));
}

function sumOf(known: OutputLoss, loss: OutputLoss): OutputLoss {
  if (loss.kind === 'tooBig' && known.kind === 'tooBig')
    return { ...known, messages: known.messages + loss.messages };
  if (loss.kind === 'unread' && known.kind === 'unread')
    return { ...known, outputs: known.outputs + loss.outputs };
  return known;
}

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
