import type { OutputPart } from '../../../output/output-view.ts';
import type { RunView } from '../../../runs/run-view.ts';
import { withoutStopTrace } from './output/stop-trace.ts';
import { sizeWords } from './output/table.ts';

const LONGEST = 120;

/**
 * What a run said in one line: the error that ended it, else its last result or picture, else the last line that it
 * printed; '' for none.
 */
export function resultLine(view: RunView): string {
  const { phase, output: { parts = [] } = {} } = withoutStopTrace(view);
  const hasFailed = phase.kind === 'ended' && phase.outcome.kind !== 'ok';
  const error = hasFailed ? parts.findLast((part) => part.kind === 'error') : undefined;
  if (error !== undefined) return oneLine(error.headline);
  const result = parts.findLast(
    (part) => part.kind === 'table' || part.kind === 'image' || isText(part, 'result'),
  );
  if (result?.kind === 'table') return sizeWords(result);
  if (result?.kind === 'image') return 'Image';
  if (result?.kind === 'text') return oneLine(result.text.head);
  const printed = parts.findLast((part) => isText(part, 'stdout'));
  if (printed?.kind !== 'text') return '';
  const { head, tail } = printed.text;
  return oneLine((tail.trim() === '' ? head : tail).trimEnd().split('\n').at(-1) ?? '');
}

function isText(part: OutputPart, source: 'result' | 'stdout'): boolean {
  return part.kind === 'text' && part.source === source;
}

function oneLine(text: string): string {
  const [line = '', ...more] = text.trim().slice(0, 2_000).split('\n');
  const isCut = more.length > 0 || line.length > LONGEST;
  return isCut ? `${line.slice(0, LONGEST - 2).trimEnd()} …` : line;
}
