import { wholeText, type OutputPart } from '../../../../output/output-view.ts';
import { isVisible } from '../../rich-text.ts';

type TextPart = OutputPart & { kind: 'text' };

/** Fewer pieces of stdout and stderr in turn are shown each as its own. */
const STREAMS_APART = 8;

/** What is on stderr right before an error goes behind it: the cause comes first. */
export function errorsFirst(parts: readonly OutputPart[]): OutputPart[] {
  const ordered: OutputPart[] = [];
  for (const part of parts) {
    const before =
      part.kind === 'error' ? ordered.splice(ordered.findLastIndex((each) => !isStderr(each)) + 1) : [];
    ordered.push(part, ...before);
  }
  return ordered;
}

/** A text in which a reader would see nothing. */
export function isBlankPart(part: OutputPart): boolean {
  return part.kind === 'text' && part.text.hiddenChars === 0 && !isVisible(part.text.head + part.text.tail);
}

function isStderr(part: OutputPart): boolean {
  return part.kind === 'text' && part.source === 'stderr';
}

/**
 * Each part with those that it is made of. Where not all fits (`isTooMuch`), results in a row are one text, and so are
 * many pieces of stdout and stderr in turn: a bit of each would say nothing.
 */
export function joinParts(
  parts: readonly OutputPart[],
  isTooMuch: boolean,
): Map<OutputPart, readonly OutputPart[]> {
  if (!isTooMuch) return new Map(parts.map((part) => [part, [part]]));
  const joined = new Map<OutputPart, readonly OutputPart[]>();
  let row: TextPart[] = [];
  const endRow = (): void => {
    const isStreams = row[0]?.source !== 'result';
    if (row.length === 1 || (isStreams && row.length <= STREAMS_APART)) {
      for (const part of row) joined.set(part, [part]);
    } else if (row[0] !== undefined) {
      const text = isStreams ? joinStreams(row) : joinResults(row);
      joined.set({ ...row[0], ...(isStreams ? { source: 'stdout' } : {}), text: wholeText(text) }, row);
    }
    row = [];
  };
  for (const part of parts) {
    const key = rowOf(part);
    if (key === undefined || (row[0] !== undefined && rowOf(row[0]) !== key)) endRow();
    if (key !== undefined && part.kind === 'text') row.push(part);
    else joined.set(part, [part]);
  }
  endRow();
  return joined;
}

/** Parts of one row have the same key; undefined for one that is always alone. */
function rowOf(part: OutputPart): string | undefined {
  if (part.kind !== 'text' || part.text.hiddenChars > 0) return undefined;
  if (part.source === 'result') return `result ${part.path}`;
  return part.source === 'stdout' || part.source === 'stderr' ? 'streams' : undefined;
}

function joinResults(row: readonly TextPart[]): string {
  const texts = row.map(({ text: { head, tail } }) => `${head}${tail}`.replace(/\n$/, ''));
  return texts.join(texts.some((each) => each.includes('\n')) ? '\n\n' : '\n');
}

/** As on a terminal, but what is on the other stream begins a line. */
function joinStreams(row: readonly TextPart[]): string {
  return row.map(({ text: { head, tail } }) => `${head}${tail}`.replace(/\n?$/, '\n')).join('');
}
