/** Text cut at its fences of three or more backticks, in order; `fence` holds what stands between them, untrimmed. */
export type FencePiece = { kind: 'plain'; text: string } | { kind: 'fence'; text: string };

/**
 * A fence closes at the next run of at least as many backticks, and backticks over that number belong to the code.
 * An unclosed one goes to the end of the text, unless a quote stands before it on its line: then it is in a string.
 */
export function splitFences(text: string): FencePiece[] {
  const pieces: FencePiece[] = [];
  const runs = Array.from(text.matchAll(/`{3,}/g), (match) => ({
    start: match.index,
    end: match.index + match[0].length,
    length: match[0].length,
  }));
  let from = 0;
  for (const [index, open] of runs.entries()) {
    if (open.start < from) continue;
    const later = runs.slice(index + 1);
    const close = later.find(({ length }) => length >= open.length) ?? later[0];
    const ticks = close === undefined ? open.length : Math.min(open.length, close.length);
    if (close === undefined && /["'“‘]/.test(lastLine(text.slice(from, open.start)))) break;
    pieces.push({ kind: 'plain', text: text.slice(from, open.start) });
    const end = close === undefined ? text.length : close.end - ticks;
    pieces.push({ kind: 'fence', text: text.slice(open.start + ticks, end) });
    from = close?.end ?? text.length;
  }
  pieces.push({ kind: 'plain', text: text.slice(from) });
  return pieces.filter((piece) => piece.kind === 'fence' || piece.text !== '');
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
