import { giveTurn } from '../../gateway/event-loop.ts';

/** The actions of a terminal. */
export interface TerminalActions {
  /** A run of plain characters, including tabs. */
  text(run: string): void;
  /** If it is missing, line feeds, carriage returns and backspaces are plain characters. */
  newline?(): void;
  carriageReturn?(): void;
  backspace?(): void;
  /** `CSI n A` and `CSI n B`; the cursor cannot go below the last row. */
  up?(rows: number): void;
  down?(rows: number): void;
  /** `CSI n C` and `CSI n D`. */
  moveBy?(columns: number): void;
  /** `CSI n K`. */
  eraseLine?(part: 'toEnd' | 'toStart' | 'all'): void;
  /** `CSI J`. */
  eraseBelow?(): void;
}

type State = 'ground' | 'escape' | 'intermediate' | 'csi' | 'string';

/** Longer control strings are broken off, so that an unclosed one cannot swallow what follows. */
const STRING_LIMIT = 4096;

/**
 * Reads ECMA-48 text in pieces; control sequences may be split over pieces. Colours, titles, links and all other
 * control characters are dropped. C1 controls have no effect: in kernels' output they are UTF-8 that was decoded as
 * Latin-1, and notebooks ignore them as well. Each unit is read once.
 */
export class TerminalReader {
  readonly #actions: TerminalActions;
  #state: State = 'ground';
  #parameters = '';
  #stringChars = 0;
  readonly #control: RegExp;

  constructor(actions: TerminalActions) {
    this.#actions = actions;
    this.#control =
      actions.newline === undefined
        ? /[^\t\n\r\b\u0020-\u007e\u00a0-\uffff]/g
        : /[^\t\u0020-\u007e\u00a0-\uffff]/g;
  }

  read(text: string): void {
    let at = 0;
    while (at < text.length) {
      if (this.#state !== 'ground') {
        at += this.#readSequence(text.charCodeAt(at));
        continue;
      }
      this.#control.lastIndex = at;
      const found = this.#control.exec(text);
      const end = found?.index ?? text.length;
      if (end > at) this.#actions.text(text.slice(at, end));
      if (end < text.length) this.#readControl(text.charCodeAt(end));
      at = end + 1;
    }
  }

  #readControl(code: number): void {
    if (code === 0x0a) this.#actions.newline?.();
    else if (code === 0x0d) this.#actions.carriageReturn?.();
    else if (code === 0x08) this.#actions.backspace?.();
    else if (code === 0x1b) this.#state = 'escape';
  }

  /** Reads one unit of a sequence. Returns 1 if it is used up, 0 if it ends the sequence without belonging to it. */
  #readSequence(code: number): 0 | 1 {
    if (this.#state === 'csi') return this.#readCsi(code);
    if (this.#state === 'string') return this.#readString(code);
    if (code < 0x20 || code > 0x7e) return this.#leave(0);
    if (this.#state === 'escape') {
      if (code === 0x5b) return this.#startCsi();
      // ] P X ^ _ k : operating system command, device control and the like
      if ([0x5d, 0x50, 0x58, 0x5e, 0x5f, 0x6b].includes(code)) return this.#startString();
    }
    if (code <= 0x2f) {
      this.#state = 'intermediate';
      return 1;
    }
    return this.#leave(1);
  }

  #readCsi(code: number): 0 | 1 {
    if (code < 0x20 || code > 0x7e) return this.#leave(0);
    if (code < 0x40) {
      if (this.#parameters.length < 64) this.#parameters += String.fromCharCode(code);
      return 1;
    }
    const parameters = this.#parameters;
    const count = /^\d*$/.test(parameters) ? Number(parameters) : undefined;
    if (count !== undefined) this.#apply(code, count);
    return this.#leave(1);
  }

  /** Applies cursor moves and line erasures. The screen is never cleared, so that no output is lost. */
  #apply(code: number, count: number): void {
    const actions = this.#actions;
    const steps = Math.max(1, count);
    switch (String.fromCharCode(code)) {
      case 'A':
        return actions.up?.(steps);
      case 'B':
        return actions.down?.(steps);
      case 'C':
        return actions.moveBy?.(steps);
      case 'D':
        return actions.moveBy?.(-steps);
      case 'E':
        actions.down?.(steps);
        return actions.carriageReturn?.();
      case 'F':
        actions.up?.(steps);
        return actions.carriageReturn?.();
      case 'G':
        actions.carriageReturn?.();
        return actions.moveBy?.(steps - 1);
      case 'J':
        return count === 0 ? actions.eraseBelow?.() : undefined;
      case 'K':
        return actions.eraseLine?.(count === 0 ? 'toEnd' : count === 1 ? 'toStart' : 'all');
    }
  }

  #readString(code: number): 0 | 1 {
    this.#stringChars += 1;
    if (code === 0x07 || code === 0x9c) return this.#leave(1);
    // ESC \ ends it: the backslash is then read as an escape of its own
    if (code === 0x1b || code === 0x0a || this.#stringChars > STRING_LIMIT) return this.#leave(0);
    return 1;
  }

  #startCsi(): 1 {
    this.#state = 'csi';
    this.#parameters = '';
    return 1;
  }

  #startString(): 1 {
    this.#state = 'string';
    this.#stringChars = 0;
    return 1;
  }

  #leave(used: 0 | 1): 0 | 1 {
    this.#state = 'ground';
    return used;
  }
}

/**
 * Splits a long text into pieces of `units` UTF-16 units, or one more if a surrogate pair would be cut. Each piece is a
 * copy, because a slice would keep the whole text in memory.
 */
export function* piecesOf(text: string, units: number): Generator<string> {
  if (text.length <= units) return yield text;
  for (let at = 0, end = 0; at < text.length; at = end) {
    end = at + units;
    if (/[\ud800-\udbff]/.test(text.charAt(end - 1))) end += 1;
    yield structuredClone(text.slice(at, end));
  }
}

/**
 * Text is read in pieces of this many UTF-16 units: the worst of them (a cursor that moves back and forth) takes 8 ms.
 */
export const PIECE_CHARS = 8_192;

/** Removes colours and other control sequences from a text, with turns for other work between its pieces. */
export async function withoutColours(written: string): Promise<string> {
  if (!written.includes('\u001b')) return written;
  const remover = colourRemover();
  await inPieces(written, remover.read);
  return remover.plain();
}

/** The same for a short text, synchronously. */
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

/** Other work gets a turn between the pieces. */
export async function inPieces(written: string, take: (piece: string) => void): Promise<void> {
  for (const piece of piecesOf(written, PIECE_CHARS)) {
    take(piece);
    await giveTurn();
  }
}
