import { giveTurn } from '../../gateway/event-loop.ts';
import { piecesOf } from '../terminal/terminal-reader.ts';

/**
 * JSON that would be longer than this with indentation is not indented: in a hundred nested arrays each number has a
 * line of 200 blanks.
 */
const PRETTY_CHARS = 300_000;
/** Blanks per level. */
const INDENT = 2;
/** Longer JSON, or JSON of more parts, is written in pieces, with turns for other work between them. */
const PIECE_CHARS = 50_000;
const PIECE_PARTS = 10_000;
/** Estimated length of a value other than a string, with its comma. */
const VALUE_CHARS = 8;
/** Python reads at most 1,000 levels, and a notebook has some of its own. */
const MOST_LEVELS = 900;

/** Readable JSON. Undefined if it is nested too deeply. */
export async function jsonText(value: unknown): Promise<string | undefined> {
  try {
    if (charsOf(value, PRETTY_CHARS) <= PRETTY_CHARS) return JSON.stringify(value, undefined, INDENT);
    return (await jsonPieces(value)).join('');
  } catch {
    return undefined;
  }
}

/** JSON without white space, written in turns if it is long. Rejects with a RangeError if it is nested too deeply. */
export async function jsonPieces(value: unknown): Promise<string[]> {
  await giveTurn();
  if (charsOf(value, PIECE_CHARS) <= PIECE_CHARS) return [JSON.stringify(value)];
  const pieces: string[] = [];
  let parts: string[] = [];
  let chars = 0;
  for (const part of partsOf(value)) {
    parts.push(part);
    chars += part.length;
    if (chars < PIECE_CHARS && parts.length < PIECE_PARTS) continue;
    // Joined once: a string that is built by appending is only assembled when it is read.
    pieces.push(parts.join(''));
    parts = [];
    chars = 0;
    await giveTurn();
  }
  return [...pieces, parts.join('')];
}

/** Visits each value once, at any depth: the open ones are on a stack. */
function* partsOf(value: unknown): Generator<string> {
  const open = [{ children: childrenOf([value]), end: '' }];
  let before = '';
  for (let level = open.at(-1); level !== undefined; level = open.at(-1)) {
    const next = level.children.next();
    if (next.done === true) {
      yield level.end;
      open.pop();
      before = ',';
      continue;
    }
    const [key, child] = next.value;
    yield before;
    if (level.end === '}') {
      yield* textParts(key);
      yield ':';
    }
    before = ',';
    if (typeof child === 'string') yield* textParts(child);
    else if (!isObject(child)) yield JSON.stringify(child ?? null);
    else {
      if (open.length > MOST_LEVELS) throw new RangeError(`nested over ${MOST_LEVELS} deep`);
      const [begin, end] = Array.isArray(child) ? ['[', ']'] : ['{', '}'];
      open.push({ children: childrenOf(child), end });
      yield begin;
      before = '';
    }
  }
}

function* textParts(text: string): Generator<string> {
  if (text.length <= PIECE_CHARS) return yield JSON.stringify(text);
  yield '"';
  // Half a surrogate pair would be written as an escape.
  for (const piece of piecesOf(text, PIECE_CHARS)) yield JSON.stringify(piece).slice(1, -1);
  yield '"';
}

/** The approximate length with indentation; slightly over `most` for anything longer. */
function charsOf(value: unknown, most: number, indent = INDENT): number {
  if (typeof value === 'string') return value.length;
  if (!isObject(value)) return VALUE_CHARS;
  let chars = indent;
  for (const [key, child] of childrenOf(value)) {
    chars += key.length + VALUE_CHARS + indent;
    if (chars > most) break;
    chars += charsOf(child, most - chars, indent + INDENT);
  }
  return chars;
}

/** Iterates, so that no list of millions is created. Items of an array have no key. */
function* childrenOf(value: object): Generator<[key: string, child: unknown]> {
  if (Array.isArray(value)) for (const child of value) yield ['', child];
  else
    for (const key in value) if (Reflect.get(value, key) !== undefined) yield [key, Reflect.get(value, key)];
}

/** True for arrays, too. */
export function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
