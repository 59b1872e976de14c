import { FoldedLine, windowChars } from './terminal-line.ts';
import { TerminalReader } from './terminal-reader.ts';
import type { BoundedText } from '../output-view.ts';

/** Rows a cursor can move up to (nested progress bars); what is above is fixed. */
const liveRows = 64;

/**
 * A stream of text as a terminal would show it, in bounded memory: carriage return, backspace, moves of the
 * cursor and erasures are applied, colours and other control sequences dropped. Pieces may end anywhere, also within a sequence
 * or a surrogate pair: the picture is that of the whole text.
 */
export class FoldedText {
  /** First units of the fixed lines, up to `windowChars`, and last units, at least `windowChars` where there are. */
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

  view(): BoundedText {
    return (this.#view ??= this.#makeView());
  }

  #makeView(): BoundedText {
    const chars = this.#fixedChars + this.#rows.reduce((sum, row) => sum + row.length + 1, -1);
    const head = this.#first(Math.min(windowChars, chars));
    const tail = this.#last(Math.min(windowChars, chars - head.length));
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
      text += (index === 0 ? '' : '\n') + row.first(Math.min(windowChars, row.length));
      if (row.length > windowChars) break;
    }
    return text.slice(0, count);
  }

  #last(count: number): string {
    if (count <= 0) return '';
    let text = '';
    for (const [index, row] of [...this.#rows.entries()].toReversed()) {
      text = row.last(Math.min(windowChars, row.length)) + text;
      if (text.length >= count || row.length > windowChars) return text.slice(-count);
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
    if (this.#rows.length <= liveRows) return;
    const line = this.#rows.shift();
    if (line !== undefined) this.#fix(line);
    this.#row -= 1;
  }

  #erase(part: 'toEnd' | 'toStart' | 'all'): void {
    const row = this.#rows[this.#row];
    if (part === 'toStart') row?.write(0, ' '.repeat(Math.min(this.#column, windowChars)));
    else row?.cutAt(part === 'all' ? 0 : this.#column);
  }

  #fix(line: FoldedLine): void {
    const room = windowChars - this.#fixedHead.length;
    if (room > 0 && this.#fixedHead.length === this.#fixedChars) {
      this.#fixedHead += (
        line.first(Math.min(windowChars, line.length)) + (line.length <= windowChars ? '\n' : '')
      ).slice(0, room);
    }
    const last = line.last(Math.min(windowChars, line.length));
    this.#fixedTail = line.length > windowChars ? `${last}\n` : `${this.#fixedTail}${last}\n`;
    if (this.#fixedTail.length > 4 * windowChars) this.#fixedTail = this.#fixedTail.slice(-windowChars);
    this.#fixedChars += line.length + 1;
    this.#fixedLines += 1;
  }
}

function countNewlines(text: string): number {
  let count = 0;
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) count += 1;
  return count;
}
