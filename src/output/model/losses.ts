import type { KernelOutput } from '../../gateway/outputs.ts';
import type { OutputLoss } from '../output-view.ts';

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
