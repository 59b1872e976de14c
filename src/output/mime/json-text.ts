import { giveTurn } from '../../gateway/event-loop.ts';
import { piecesOf } from '../terminal/terminal-reader.ts';

/** JSON beyond this, or nested deeper, is shown as it came: indented it would be many times as long. */
const PRETTY_CHARS = 300_000;
const PRETTY_DEPTH = 100;
/** What is longer is written in pieces of this length, with a turn for everybody else between them. */
const PIECE_CHARS = 50_000;
/** A value that is no text, with its comma. */
const VALUE_CHARS = 8;

/** JSON as people read it. Undefined where it is nested too deeply to be written. */
export async function jsonText(value: unknown): Promise<string | undefined> {
  try {
    if (charsOf(value, PRETTY_CHARS) <= PRETTY_CHARS)
      return JSON.stringify(value, undefined, isDeeper(value, PRETTY_DEPTH) ? undefined : 2);
    return (await jsonPieces(value)).join('');
  } catch {
    return undefined;
  }
}

/** JSON without white space, written in turns where it is long. Rejects where it is nested too deeply. */
export async function jsonPieces(value: unknown): Promise<string[]> {
  if (charsOf(value, PIECE_CHARS) <= PIECE_CHARS) return [JSON.stringify(value)];
  const pieces: string[] = [];
  await write(value, pieces);
  return pieces;
}

async function write(value: unknown, pieces: string[]): Promise<void> {
  if (typeof value === 'string') return writeLong(value, pieces);
  if (typeof value !== 'object' || value === null) return void pieces.push(JSON.stringify(value));
  const [open, close] = Array.isArray(value) ? ['[', ']'] : ['{', '}'];
  let parts = [open];
  let chars = 0;
  let isFirst = true;
  for (const [key, child] of childrenOf(value)) {
    if (!isFirst) parts.push(',');
    isFirst = false;
    if (!Array.isArray(value)) parts.push(JSON.stringify(key), ':');
    const isLong = charsOf(child, PIECE_CHARS) > PIECE_CHARS;
    if (!isLong) parts.push(JSON.stringify(child));
    chars += (parts.at(-1)?.length ?? 0) + key.length;
    if (!isLong && chars < PIECE_CHARS) continue;
    // Joined at once: a text that is added to all the time is put together when all of it is read.
    pieces.push(parts.join(''));
    parts = [];
    chars = 0;
    if (isLong) await write(child, pieces);
    await giveTurn();
  }
  pieces.push(parts.join(''), close);
}

async function writeLong(text: string, pieces: string[]): Promise<void> {
  pieces.push('"');
  // Half of a pair would be written as an escape.
  for (const piece of piecesOf(text, PIECE_CHARS)) {
    pieces.push(JSON.stringify(piece).slice(1, -1));
    await giveTurn();
  }
  pieces.push('"');
}

/** About how long it is; somewhat over `most` for all that is longer. */
function charsOf(value: unknown, most: number): number {
  if (typeof value === 'string') return value.length;
  if (typeof value !== 'object' || value === null) return VALUE_CHARS;
  let chars = 0;
  for (const [key, child] of childrenOf(value)) {
    chars += key.length + VALUE_CHARS + charsOf(child, most - chars);
    if (chars > most) break;
  }
  return chars;
}

/** One after the other: an array of millions has no list of its own made. Its items have no key. */
function* childrenOf(value: object): Generator<[key: string, child: unknown]> {
  if (Array.isArray(value)) for (const child of value) yield ['', child];
  else for (const key in value) yield [key, Reflect.get(value, key)];
}

function isDeeper(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return depth === 0 || Object.values(value).some((each) => isDeeper(each, depth - 1));
}
