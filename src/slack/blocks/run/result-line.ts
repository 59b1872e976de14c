import type { RunView } from '../../../runs/run-view.ts';

const LONGEST = 120;

/** What a run said in one line: the error that ended it, else its last result, else the last line that it printed; '' for none. */
export function resultLine({ output, phase }: RunView): string {
  const parts = output?.parts ?? [];
  const hasFailed = phase.kind === 'ended' && phase.outcome.kind !== 'ok';
  const error = hasFailed ? parts.findLast((part) => part.kind === 'error') : undefined;
  if (error !== undefined) return oneLine(error.headline);
  const texts = parts.filter((part) => part.kind === 'text');
  const result = texts.findLast(({ source }) => source === 'result');
  if (result !== undefined) return oneLine(result.text.head);
  const printed = texts.findLast(({ source }) => source === 'stdout');
  if (printed === undefined) return '';
  const { head, tail } = printed.text;
  return oneLine((tail.trim() === '' ? head : tail).trimEnd().split('\n').at(-1) ?? '');
}

function oneLine(text: string): string {
  const [line = '', ...more] = text.trim().slice(0, 2_000).split('\n');
  const isCut = more.length > 0 || line.length > LONGEST;
  return isCut ? `${line.slice(0, LONGEST - 2).trimEnd()} …` : line;
}
