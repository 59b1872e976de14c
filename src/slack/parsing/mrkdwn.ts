import { type Part, append } from './typed-text.ts';

/** Slack's markup, or one of its three entities. */
const MARKUP = /<([^<>\n]*)>|&(amp|lt|gt);/g;
const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>' };

/**
 * Reads the `text` of messages that have no rich text (API clients, old messages). Slack escapes `& < >` there and
 * links what looks like a link, in code too; both are undone in one pass.
 */
export function readMrkdwn(text: string, botUserId: string): Part[] {
  const parts: Part[] = [];
  for (const piece of splitFences(text)) {
    if (piece.kind === 'fence') append(parts, { kind: 'fence', code: trimFence(readEscaped(piece.text)) });
    else for (const part of readInline(piece.text, botUserId)) append(parts, part);
  }
  return parts;
}

function readInline(text: string, botUserId: string): Part[] {
  // Odd pieces were between two backticks on one line.
  return text
    .split(/`([^`\n]+)`/)
    .flatMap((piece, index): Part[] =>
      index % 2 === 1 ? [{ kind: 'inline', code: readEscaped(piece) }] : readPlain(piece, botUserId),
    );
}

function readPlain(text: string, botUserId: string): Part[] {
  return text
    .split(new RegExp(`(<@${botUserId}(?:\\|[^<>]*)?>)`))
    .map((piece, index): Part =>
      index % 2 === 1
        ? { kind: 'mention', text: readEscaped(piece) }
        : { kind: 'bare', text: readEscaped(piece) },
    );
}

/** Links and mentions as they were typed, entities as characters. */
export function readEscaped(text: string): string {
  return text.replaceAll(MARKUP, (found, inside: string | undefined, entity: string | undefined) =>
    entity === undefined ? (readMarkup(inside ?? '') ?? found) : (ENTITIES[entity] ?? found),
  );
}

/** The inside of `<…>`; undefined if it is not Slack's markup. */
function readMarkup(inside: string): string | undefined {
  const [, target = '', label] = /^([^|]*)(?:\|(.*))?$/.exec(inside) ?? [];
  const said = label === undefined || label === '' ? undefined : readEntities(label);
  const [, sigil, name = ''] = /^([@#])(\w+)$/.exec(target) ?? [];
  if (sigil !== undefined) return `${sigil}${(said ?? name).replace(/^[@#]/, '')}`;
  if (target.startsWith('!subteam^')) return said ?? `@${target.slice('!subteam^'.length)}`;
  if (target.startsWith('!date^')) return said ?? '';
  if (/^!\w+$/.test(target)) return `@${said ?? target.slice(1)}`;
  if (!/^(?:[a-z][a-z\d+.-]*:\/\/|mailto:|tel:)/i.test(target)) return undefined;
  return said ?? readEntities(target).replace(/^(?:mailto|tel):/, '');
}

function readEntities(text: string): string {
  return text.replaceAll(/&(amp|lt|gt);/g, (found, entity: string) => ENTITIES[entity] ?? found);
}

/** Names by id, from a message's `text`: `<@U1|ana>`, `<#C1|data>`, `<!subteam^S1|@team>`. */
export function readLabels(text: string): ReadonlyMap<string, string> {
  return new Map(
    Array.from(text.matchAll(/<(?:[@#]|!subteam\^)(\w+)\|([^<>]+)>/g), ([, id = '', label = '']) => [
      id,
      readEntities(label).replace(/^[@#]/, ''),
    ]),
  );
}

/** A piece of a text that is split at its fences of three or more backticks; `fence` is the untrimmed inside of one. */
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
 * A fence closes at the next run of at least as many backticks. Further backticks of that run belong to the code, or
 * are the next fence if they are enough for one. An unclosed fence goes to the end of the text, unless a quote before
 * it on its line says that it is in a string.
 */
function findFence(text: string, from: number): { start: number; end: number; inside: string } | undefined {
  const runs = /`{3,}/g;
  runs.lastIndex = from;
  const open = runs.exec(text);
  if (open === null) return undefined;
  const start = open.index;
  const close = findClose(text, runs, open[0].length);
  if (close === undefined) {
    const line = text.slice(Math.max(from, text.lastIndexOf('\n', start - 1) + 1), start);
    if (/["'“‘]/.test(line)) return undefined;
    return { start, end: text.length, inside: text.slice(start + open[0].length) };
  }
  const ticks = Math.min(open[0].length, close.length);
  const end = close.length >= 2 * ticks ? close.start + ticks : close.start + close.length;
  return { start, end, inside: text.slice(start + ticks, end - ticks) };
}

/** The next run of `atLeast` backticks, else the next run of any length. */
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

/** Removes the line breaks between the code and its fence; the second is of the first one's kind. */
export function trimFence(text: string): string {
  const [opening = '', lineBreak] = /^[ \t]*(\r?\n)/.exec(text) ?? [];
  const code = text.slice(opening.length);
  return lineBreak === '\n' ? code.replace(/\n[ \t]*$/, '') : code.replace(/\r?\n[ \t]*$/, '');
}
