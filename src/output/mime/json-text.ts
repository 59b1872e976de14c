import { giveTurn } from '../../gateway/event-loop.ts';
import { piecesOf } from '../terminal/terminal-reader.ts';

/** What would be longer with its indentation is shown as it came: in a hundred arrays a number has a line of 200 blanks. */
const PRETTY_CHARS = 300_000;
/** Blanks for each level. */
const INDENT = 2;
/** What is longer is written in pieces of about this length, with a turn for everybody else between them. */
const PIECE_CHARS = 50_000;
/** A piece has no more values, so that many short ones are no longer work. */
const PIECE_PARTS = 10_000;
/** A value that is no text, with its comma. */
const VALUE_CHARS = 8;
/** Python reads no more than 1,000, and a notebook has some of its own. */
const MOST_LEVELS = 900;

/** JSON as people read it. Undefined where it is nested too deeply. */
export async function jsonText(value: unknown): Promise<string | undefined> {
  try {
    if (charsOf(value, PRETTY_CHARS, INDENT) <= PRETTY_CHARS) return JSON.stringify(value, undefined, INDENT);
    await giveTurn();
    return (await jsonPieces(value)).join('');
  } catch {
    return undefined;
  }
}

/** JSON without white space, written in turns where it is long. Rejects with a RangeError where it is nested too deeply. */
export async function jsonPieces(value: unknown): Promise<string[]> {
  if (charsOf(value, PIECE_CHARS) <= PIECE_CHARS) return [JSON.stringify(value)];
  await giveTurn();
  const pieces = new Pieces();
  await write(value, pieces, 0);
  return pieces.end();
}

/** Looks at each value once: to look for the long ones first would be to look at the innermost from every level. */
async function write(value: unknown, pieces: Pieces, level: number): Promise<void> {
  if (typeof value === 'string') return await writeText(value, pieces);
  if (!isObject(value)) return pieces.put(JSON.stringify(value));
  if (level === MOST_LEVELS) throw nestedTooDeeply();
  const isArray = Array.isArray(value);
  pieces.put(isArray ? '[' : '{');
  let isFirst = true;
  for (const [key, child] of childrenOf(value)) {
    if (!isFirst) pieces.put(',');
    isFirst = false;
    if (!isArray) {
      if (isLong(key)) await writeText(key, pieces);
      else pieces.put(JSON.stringify(key));
      pieces.put(':');
    }
    // A million numbers are no million promises.
    if (isObject(child) || isLong(child)) await write(child, pieces, level + 1);
    else pieces.put(JSON.stringify(child));
    if (pieces.isFull) await pieces.next();
  }
  pieces.put(isArray ? ']' : '}');
}

async function writeText(text: string, pieces: Pieces): Promise<void> {
  pieces.put('"');
  // Half of a pair would be written as an escape.
  for (const piece of piecesOf(text, PIECE_CHARS)) {
    pieces.put(JSON.stringify(piece).slice(1, -1));
    if (pieces.isFull) await pieces.next();
  }
  pieces.put('"');
}

class Pieces {
  readonly #pieces: string[] = [];
  #parts: string[] = [];
  #chars = 0;

  get isFull(): boolean {
    return this.#chars >= PIECE_CHARS || this.#parts.length >= PIECE_PARTS;
  }

  put(part: string): void {
    this.#parts.push(part);
    this.#chars += part.length;
  }

  /** Waits for the turn in which the next piece is written. */
  async next(): Promise<void> {
    this.end();
    await giveTurn();
  }

  end(): string[] {
    // Joined at once: a text that is added to all the time is put together when all of it is read.
    this.#pieces.push(this.#parts.join(''));
    this.#parts = [];
    this.#chars = 0;
    return this.#pieces;
  }
}

/**
 * About how long it is; somewhat over `most` for all that is longer. `indent`: blanks before each child of it, none for JSON
 * without white space.
 * @throws RangeError where it is nested too deeply
 */
function charsOf(value: unknown, most: number, indent = 0, level = 0): number {
  if (typeof value === 'string') return value.length;
  if (!isObject(value)) return VALUE_CHARS;
  if (level === MOST_LEVELS) throw nestedTooDeeply();
  let chars = indent;
  for (const [key, child] of childrenOf(value)) {
    chars += key.length + VALUE_CHARS + indent;
    chars += charsOf(child, most - chars, indent === 0 ? 0 : indent + INDENT, level + 1);
    if (chars > most) break;
  }
  return chars;
}

/** One after the other: an array of millions has no list of its own made. Its items have no key. */
function* childrenOf(value: object): Generator<[key: string, child: unknown]> {
  if (Array.isArray(value)) for (const child of value) yield ['', child];
  else for (const key in value) yield [key, Reflect.get(value, key)];
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

function isLong(value: unknown): boolean {
  return typeof value === 'string' && value.length > PIECE_CHARS;
}

function nestedTooDeeply(): RangeError {
  return new RangeError(`nested over ${MOST_LEVELS} deep`);
}
