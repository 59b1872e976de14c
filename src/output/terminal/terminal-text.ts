import { countNewlines } from '../../text.ts';
import type { BoundedText } from '../output-view.ts';
import { inPieces, TerminalReader } from './terminal-reader.ts';

/** How many rows the cursor can move up (nested progress bars); rows above are fixed. */
const LIVE_ROWS = 64;

/**
 * A stream of text as a terminal would show it, in bounded memory: carriage returns, backspaces, cursor moves and
 * erasures are applied, colours and other control sequences dropped. Pieces may end within a sequence or a surrogate
 * pair; the result is that of the whole text.
 */
export class FoldedText {
  /**
   * The first units of the fixed lines, up to `WINDOW_CHARS`, and the last ones, at least `WINDOW_CHARS` if there are
   * as many.
   */
  #fixedHead = '';
  #fixedTail = '';
  #fixedChars = 0;
  #fixedLines = 0;
  #rows: FoldedLine[] = [new FoldedLine()];
  #row = 0;
  #column = 0;
  /** The last view, valid while nothing has been written since. */
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

  /** Whether the last line is empty. */
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
    if (row === undefined) return;
    // What is below the cursor is erased, too.
    const erased = Math.min(this.#column + 1, row.length, WINDOW_CHARS);
    if (part === 'toStart') row.write(0, ' '.repeat(erased));
    else row.cutAt(part === 'all' ? 0 : this.#column);
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

/** A whole text as a terminal would show it, with turns for other work between its pieces. */
export async function boundText(written: string): Promise<BoundedText> {
  const folded = new FoldedText();
  await inPieces(written, (piece) => folded.write(piece));
  return folded.view();
}

/** How much of a text is kept at each end, in UTF-16 units: more than an answer can ever show inline. */
export const WINDOW_CHARS = 12_800;
const TAIL_LIMIT = 2 * WINDOW_CHARS;

/**
 * One terminal line of any length in bounded memory: its first and last `WINDOW_CHARS` units; those between are
 * counted. The middle is cut at fixed counts of units rather than at the ends of pieces, so that the result does not
 * depend on how the text was split.
 */
export class FoldedLine {
  #head = '';
  #cut = 0;
  #tail = '';

  get length(): number {
    return this.#head.length + this.#cut + this.#tail.length;
  }

  /**
   * Writes `run` at `column`, over existing text and past the end. Returns the column after it. A column far beyond the
   * end (a very long line was erased) is taken as the end.
   */
  write(column: number, run: string): number {
    const gap = column - this.length;
    const at = gap > WINDOW_CHARS ? this.length : column;
    if (at > this.length) this.#append(' '.repeat(gap));
    const over = Math.min(run.length, this.length - at);
    if (over > 0) this.#overwrite(at, run.slice(0, over));
    if (over < run.length) this.#append(run.slice(over));
    return at + run.length;
  }

  /** Erases everything from `column` on. */
  cutAt(column: number): void {
    const tailStart = this.#head.length + this.#cut;
    if (column >= tailStart) {
      this.#tail = this.#tail.slice(0, column - tailStart);
      return;
    }
    this.#tail = '';
    this.#cut = Math.max(0, column - this.#head.length);
    this.#head = this.#head.slice(0, column);
  }

  /** The first `count` units, `count` ≤ `WINDOW_CHARS`. */
  first(count: number): string {
    const held = this.#cut > 0 ? this.#head : this.#head + this.#tail;
    return held.slice(0, count);
  }

  /** The last `count` units, `count` ≤ `WINDOW_CHARS`. */
  last(count: number): string {
    if (count <= 0) return '';
    const held = this.#cut > 0 || this.#tail.length >= count ? this.#tail : this.#head + this.#tail;
    return held.slice(-count);
  }

  #append(run: string): void {
    const room = this.#cut > 0 || this.#tail !== '' ? 0 : WINDOW_CHARS - this.#head.length;
    this.#head += run.slice(0, room);
    for (let at = Math.max(0, room); at < run.length;) {
      const piece = run.slice(at, at + TAIL_LIMIT - this.#tail.length);
      this.#tail += piece;
      at += piece.length;
      if (this.#tail.length === TAIL_LIMIT) {
        this.#tail = this.#tail.slice(-WINDOW_CHARS);
        this.#cut += TAIL_LIMIT - WINDOW_CHARS;
      }
    }
  }

  #overwrite(column: number, run: string): void {
    this.#head = overlay(this.#head, column, run);
    const tailStart = this.#head.length + this.#cut;
    this.#tail = overlay(this.#tail, column - tailStart, run);
  }
}

/** `text` with `run` written over it at `at` (may be negative or past the end); the length does not change. */
function overlay(text: string, at: number, run: string): string {
  const from = Math.max(0, at);
  const to = Math.min(text.length, at + run.length);
  if (from >= to) return text;
  return text.slice(0, from) + run.slice(from - at, to - at) + text.slice(to);
}
