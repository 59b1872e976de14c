import { setImmediate as nextTurn } from 'node:timers/promises';

/** JSON beyond this, or nested deeper, is shown as it came: indented it would be many times as long. */
const PRETTY_CHARS = 300_000;
const PRETTY_DEPTH = 100;
/** What is longer is written in pieces of this length, with a turn for everybody else behind each. */
const PIECE_CHARS = 300_000;
/** A value that is no text, with its comma. */
const VALUE_CHARS = 8;

/** JSON as people read it. Undefined where it is nested too deeply to be written. */
export async function jsonText(value: unknown): Promise<string | undefined> {
  try {
    if (charsOf(value) <= PRETTY_CHARS)
      return JSON.stringify(value, undefined, isDeeper(value, PRETTY_DEPTH) ? undefined : 2);
    const pieces: string[] = [];
    await write(value, pieces);
    return pieces.join('');
  } catch {
    return undefined;
  }
}

async function write(value: unknown, pieces: string[]): Promise<void> {
  if (typeof value === 'string') return writeLong(value, pieces);
  if (typeof value !== 'object' || value === null) return void pieces.push(JSON.stringify(value));
  const [open, close] = Array.isArray(value) ? ['[', ']'] : ['{', '}'];
  let piece = open;
  let isFirst = true;
  for (const key in value) {
    const child: unknown = Reflect.get(value, key);
    piece += `${isFirst ? '' : ','}${Array.isArray(value) ? '' : `${JSON.stringify(key)}:`}`;
    isFirst = false;
    const isLong = charsOf(child) > PIECE_CHARS;
    if (!isLong) piece += JSON.stringify(child);
    if (!isLong && piece.length < PIECE_CHARS) continue;
    pieces.push(piece);
    piece = '';
    if (isLong) await write(child, pieces);
    await nextTurn();
  }
  pieces.push(piece, close);
}

async function writeLong(text: string, pieces: string[]): Promise<void> {
  pieces.push('"');
  for (let at = 0; at < text.length;) {
    const end = at + PIECE_CHARS;
    // Half of a pair would be written as an escape.
    const isInPair = /[\ud800-\udbff]/.test(text.charAt(end - 1));
    const piece = text.slice(at, isInPair ? end + 1 : end);
    pieces.push(JSON.stringify(piece).slice(1, -1));
    at += piece.length;
    await nextTurn();
  }
  pieces.push('"');
}

/** About how long it is; somewhat over PIECE_CHARS for all that is longer. */
function charsOf(value: unknown, most = PIECE_CHARS): number {
  if (typeof value === 'string') return value.length;
  if (typeof value !== 'object' || value === null) return VALUE_CHARS;
  let chars = 0;
  for (const key in value) {
    chars += key.length + VALUE_CHARS + charsOf(Reflect.get(value, key), most - chars);
    if (chars > most) break;
  }
  return chars;
}

function isDeeper(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return depth === 0 || Object.values(value).some((each) => isDeeper(each, depth - 1));
}
