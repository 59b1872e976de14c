/** Text cut at its fences of three or more backticks, in order; `fence` holds what stands between them, untrimmed. */
export type FencePiece = { kind: 'plain'; text: string } | { kind: 'fence'; text: string };

export function splitFences(text: string): FencePiece[] {
  const pieces: FencePiece[] = [];
  let from = 0;
  for (let fence = findFence(text, from); fence !== undefined; fence = findFence(text, from)) {
    pieces.push(
      { kind: 'plain', text: text.slice(from, fence.start) },
      { kind: 'fence', text: fence.inside },
    );
    from = fence.end;
  }
  pieces.push({ kind: 'plain', text: text.slice(from) });
  return pieces.filter((piece) => piece.kind === 'fence' || piece.text !== '');
}

/**
 * A fence closes at the next run of at least as many backticks. What that run has more belongs to the code, or is the
 * next fence when it is enough for one. An unclosed fence goes to the end of the text, unless a quote stands before it
 * on its line: then it is in a string.
 */
function findFence(text: string, from: number): { start: number; end: number; inside: string } | undefined {
  const runs = /`{3,}/g;
  runs.lastIndex = from;
  const open = runs.exec(text);
  if (open === null) return undefined;
  const start = open.index;
  const close = findClose(text, runs, open[0].length);
  if (close === undefined) {
    if (/["'“‘]/.test(lastLine(text.slice(from, start)))) return undefined;
    return { start, end: text.length, inside: text.slice(start + open[0].length) };
  }
  const ticks = Math.min(open[0].length, close.length);
  const end = close.length >= 2 * ticks ? close.start + ticks : close.start + close.length;
  return { start, end, inside: text.slice(start + ticks, end - ticks) };
}

/** The first later run of `atLeast` backticks, else the first run at all. */
function findClose(
  text: string,
  runs: RegExp,
  atLeast: number,
): { start: number; length: number } | undefined {
  let first: { start: number; length: number } | undefined;
  for (let run = runs.exec(text); run !== null; run = runs.exec(text)) {
    const found = { start: run.index, length: run[0].length };
    if (found.length >= atLeast) return found;
    first ??= found;
  }
  return first;
}

function lastLine(text: string): string {
  return text.slice(text.lastIndexOf('\n') + 1);
}

/** Without the line breaks that only set the code apart from its fence; the second is of the first one's kind. */
export function trimFence(text: string): string {
  const [opening = '', lineBreak] = /^[ \t]*(\r?\n)/.exec(text) ?? [];
  const code = text.slice(opening.length);
  return lineBreak === '\n' ? code.replace(/\n[ \t]*$/, '') : code.replace(/\r?\n[ \t]*$/, '');
}
