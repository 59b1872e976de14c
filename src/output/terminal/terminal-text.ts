import { giveTurn } from '../../gateway/event-loop.ts';
import type { BoundedText } from '../output-view.ts';
import { FoldedLine, WINDOW_CHARS } from './terminal-line.ts';
import { TerminalReader } from './terminal-reader.ts';

/**
 * A long text in pieces of so many UTF-16 units, or one more where a surrogate pair would be cut. Each is a copy: a slice that
 * somebody holds holds the whole text in memory.
 */
export function* piecesOf(text: string, units: number): Generator<string> {
  if (text.length <= units) return yield text;
  for (let at = 0, end = 0; at < text.length; at = end) {
    end = at + units;
    if (/[\ud800-\udbff]/.test(text.charAt(end - 1))) end += 1;
    yield structuredClone(text.slice(at, end));
  }
}

/** Text is read in pieces of this many UTF-16 units: the worst of them (a cursor that goes back and forth) takes 8 ms. */
export const PIECE_CHARS = 8_192;

/** Rows a cursor can move up to (nested progress bars); what is above is fixed. */
const LIVE_ROWS = 64;

/**
 * A stream of text as a terminal would show it, in bounded memory: carriage return, backspace, moves of the
 * cursor and erasures are applied, colours and other control sequences dropped. Pieces may end anywhere, also within a sequence
 * or a surrogate pair: the picture is that of the whole text.
 */
export class FoldedText {
  /** First units of the fixed lines, up to `WINDOW_CHARS`, and last units, at least `WINDOW_CHARS` where there are. */
  #fixedHead = '';
  #fixedTail = '';
  #fixedChars = 0;
  #fixedLines = 0;
  #rows: FoldedLine[] = [new FoldedLine()];
  #row = 0;
  #column = 0;
  /** The last view, as long as nothing was written since. */
  #view: BoundedText | undefined;
  readonly #reader = new TerminalReader({
    text: (run) => this.#put(run),
    newline: () => this.#newline(),
    carriageReturn: () => {
      this.#column = 0;
    },
    backspace: () => {
      this.#column = Math.max(0, this.#column - 1);
    },
    up: (rows) => {
      this.#row = Math.max(0, this.#row - rows);
    },
    down: (rows) => {
      this.#row = Math.min(this.#rows.length - 1, this.#row + rows);
    },
    moveBy: (columns) => {
      this.#column = Math.max(0, this.#column + columns);
    },
    eraseLine: (part) => this.#erase(part),
    eraseBelow: () => {
      this.#erase('toEnd');
      this.#rows.length = this.#row + 1;
    },
  });

  write(text: string): void {
    this.#reader.read(text);
    this.#view = undefined;
  }

  /** Lines that hold something; an open last line counts. */
  get lines(): number {
    const last = this.#rows.at(-1);
    return this.#fixedLines + this.#rows.length - (last === undefined || last.length === 0 ? 1 : 0);
  }

  /** The last line is not begun: nothing stands on it. */
  get endsLine(): boolean {
    return (this.#rows.at(-1)?.length ?? 0) === 0;
  }

  view(): BoundedText {
    return (this.#view ??= this.#makeView());
  }

  #makeView(): BoundedText {
    const chars = this.#fixedChars + this.#rows.reduce((sum, row) => sum + row.length + 1, -1);
    const head = this.#first(Math.min(WINDOW_CHARS, chars));
    const tail = this.#last(Math.min(WINDOW_CHARS, chars - head.length));
    const newlines = this.#fixedLines + this.#rows.length - 1;
    const hiddenChars = chars - head.length - tail.length;
    const hiddenLines = hiddenChars === 0 ? 0 : newlines - countNewlines(head) - countNewlines(tail);
    return { head: head.toWellFormed(), tail: tail.toWellFormed(), hiddenLines, hiddenChars };
  }

  #first(count: number): string {
    let text = this.#fixedHead.slice(0, count);
    if (this.#fixedHead.length < this.#fixedChars) return text;
    for (const [index, row] of this.#rows.entries()) {
      if (text.length >= count) break;
      text += (index === 0 ? '' : '\n') + row.first(Math.min(WINDOW_CHARS, row.length));
      if (row.length > WINDOW_CHARS) break;
    }
    return text.slice(0, count);
  }

  #last(count: number): string {
    if (count <= 0) return '';
    let text = '';
    for (const [index, row] of [...this.#rows.entries()].toReversed()) {
      text = row.last(Math.min(WINDOW_CHARS, row.length)) + text;
      if (text.length >= count || row.length > WINDOW_CHARS) return text.slice(-count);
      if (index > 0) text = `\n${text}`;
    }
    return (this.#fixedTail + text).slice(-count);
  }

  #put(run: string): void {
    this.#column = this.#rows[this.#row]?.write(this.#column, run) ?? 0;
  }

  #newline(): void {
    this.#column = 0;
    this.#row += 1;
    if (this.#row < this.#rows.length) return;
    this.#rows.push(new FoldedLine());
    if (this.#rows.length <= LIVE_ROWS) return;
    const line = this.#rows.shift();
    if (line !== undefined) this.#fix(line);
    this.#row -= 1;
  }

  #erase(part: 'toEnd' | 'toStart' | 'all'): void {
    const row = this.#rows[this.#row];
    if (part === 'toStart') row?.write(0, ' '.repeat(Math.min(this.#column, WINDOW_CHARS)));
    else row?.cutAt(part === 'all' ? 0 : this.#column);
  }

  #fix(line: FoldedLine): void {
    const room = WINDOW_CHARS - this.#fixedHead.length;
    if (room > 0 && this.#fixedHead.length === this.#fixedChars) {
      this.#fixedHead += (
        line.first(Math.min(WINDOW_CHARS, line.length)) + (line.length <= WINDOW_CHARS ? '\n' : '')
      ).slice(0, room);
    }
    const last = line.last(Math.min(WINDOW_CHARS, line.length));
    this.#fixedTail = line.length > WINDOW_CHARS ? `${last}\n` : `${this.#fixedTail}${last}\n`;
    if (this.#fixedTail.length > 4 * WINDOW_CHARS) this.#fixedTail = this.#fixedTail.slice(-WINDOW_CHARS);
    this.#fixedChars += line.length + 1;
    this.#fixedLines += 1;
  }
}

function countNewlines(text: string): number {
  let count = 0;
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) count += 1;
  return count;
}

/** A whole text as a terminal would show it; others get their turn between its pieces. */
export async function boundText(written: string): Promise<BoundedText> {
  const folded = new FoldedText();
  await inPieces(written, (piece) => folded.write(piece));
  return folded.view();
}

/** A whole text without colours and other control sequences; others get their turn between its pieces. */
export async function withoutColours(written: string): Promise<string> {
  if (!written.includes('\u001b')) return written;
  const remover = colourRemover();
  await inPieces(written, remover.read);
  return remover.plain();
}

/** The same for a short text, at once. */
export function shortWithoutColours(written: string): string {
  const remover = colourRemover();
  remover.read(written);
  return remover.plain();
}

function colourRemover(): { read: (text: string) => void; plain: () => string } {
  let plain = '';
  const reader = new TerminalReader({
    text: (run) => {
      plain += run;
    },
  });
  return { read: (text) => reader.read(text), plain: () => plain };
}

async function inPieces(written: string, take: (piece: string) => void): Promise<void> {
  for (const piece of piecesOf(written, PIECE_CHARS)) {
    take(piece);
    await giveTurn();
  }
}
