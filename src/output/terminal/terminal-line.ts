/** How much of a text is held at each end, in UTF-16 units; more than an answer can ever show inline. */
export const WINDOW_CHARS = 12_800;
const TAIL_LIMIT = 2 * WINDOW_CHARS;

/**
 * One line of a terminal, of any length, in bounded memory: its first and last `WINDOW_CHARS` units. What is between
 * is counted. The middle is cut at fixed counts of units, never at the ends of what was written at once, so that the
 * same text gives the same line however it came in pieces.
 */
export class FoldedLine {
  #head = '';
  #cut = 0;
  #tail = '';

  get length(): number {
    return this.#head.length + this.#cut + this.#tail.length;
  }

  /**
   * Writes `run` over what is at `column`, and on past the end. Returns the column behind it. A column far behind
   * the end (a very long line was erased) is taken as the end.
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

  /** Erases from `column` to the end. */
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

/** `text` with `run` laid over it at `at` (may be negative or past the end); its length stays. */
function overlay(text: string, at: number, run: string): string {
  const from = Math.max(0, at);
  const to = Math.min(text.length, at + run.length);
  if (from >= to) return text;
  return text.slice(0, from) + run.slice(from - at, to - at) + text.slice(to);
}
