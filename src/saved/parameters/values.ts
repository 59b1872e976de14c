import { UserError } from '../../errors.ts';

/** A typed literal. A number keeps its digits as they were typed, so that it is never rounded. */
export type Value =
  | { kind: 'integer' | 'decimal'; digits: string }
  | { kind: 'boolean'; isTrue: boolean }
  | { kind: 'null' }
  | { kind: 'text'; text: string }
  | { kind: 'list'; items: readonly Value[] };

export interface Parameter {
  name: string;
  value: Value;
}

const MAX_PARAMETERS = 50;
const MAX_DEPTH = 5;

const VALUE_FORM =
  'Values are numbers, true, false, null, quoted text and lists of these: n=5 day="2026-01-31" cities=["Bonn", "Ulm"].';

/**
 * Reads `n=5 day="2026-01-31"`. Throws `UserError('badCommand')`, which explains the form, for everything else. Nothing is
 * guessed, because the result runs.
 */
export function readParameters(typed: string): Parameter[] {
  const scanner = new Scanner(typed);
  const parameters: Parameter[] = [];
  for (scanner.skipBlanks(); !scanner.isAtEnd; scanner.skipBlanks()) {
    const name = scanner.take(/[A-Za-z_.][\w.]*(?==)/y);
    if (name === undefined) throw scanner.refusal();
    scanner.take(/=/y);
    const value = readValue(scanner, 0);
    if (!scanner.isAtEnd && scanner.take(/[ \t]+/y) === undefined) throw scanner.refusal();
    if (parameters.some((other) => other.name === name))
      throw new UserError('badCommand', `“${name}” is given twice. Nothing ran.`);
    parameters.push({ name, value });
  }
  if (parameters.length > MAX_PARAMETERS)
    throw new UserError('badCommand', `These are more than ${MAX_PARAMETERS} values. Nothing ran.`);
  return parameters;
}

function readValue(scanner: Scanner, depth: number): Value {
  const digits = scanner.take(/-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w.])/y);
  if (digits !== undefined) {
    if (!Number.isFinite(Number(digits))) throw scanner.refusal(digits);
    return { kind: /^-?\d+$/.test(digits) ? 'integer' : 'decimal', digits };
  }
  const word = scanner.take(/(?:true|false|null|none)(?!\w)/iy)?.toLowerCase();
  if (word !== undefined)
    return word === 'true' || word === 'false'
      ? { kind: 'boolean', isTrue: word === 'true' }
      : { kind: 'null' };
  const quoted = scanner.take(/"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'/sy);
  if (quoted !== undefined) return { kind: 'text', text: unquote(quoted) };
  if (depth < MAX_DEPTH && scanner.take(/\[/y) !== undefined) return readList(scanner, depth + 1);
  throw scanner.refusal();
}

function readList(scanner: Scanner, depth: number): Value {
  const items: Value[] = [];
  scanner.skipBlanks();
  if (scanner.take(/\]/y) !== undefined) return { kind: 'list', items };
  for (;;) {
    scanner.skipBlanks();
    items.push(readValue(scanner, depth));
    scanner.skipBlanks();
    if (scanner.take(/\]/y) !== undefined) return { kind: 'list', items };
    if (scanner.take(/,/y) === undefined) throw scanner.refusal();
  }
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', '\\': '\\', '"': '"', "'": "'" };

/** A backslash before any other character stays, so that regular expressions and Windows paths can be typed as they are. */
function unquote(quoted: string): string {
  return quoted
    .slice(1, -1)
    .replaceAll(/\\(.)/gs, (both, next: string) => ESCAPES[next] ?? both)
    .toWellFormed();
}

class Scanner {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#text.length;
  }

  /** Reads what the sticky pattern matches here; undefined if it does not match. */
  take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const [found] = pattern.exec(this.#text) ?? [];
    if (found !== undefined) this.#at += found.length;
    return found;
  }

  skipBlanks(): void {
    this.take(/[ \t]*/y);
  }

  /** `taken`: what was taken last, where that is what does not fit. */
  refusal(taken = ''): UserError {
    const rest = taken + this.#text.slice(this.#at);
    const shown = rest.length > 40 ? `${rest.slice(0, 40)}…` : rest;
    const where = shown === '' ? 'A value is missing at the end.' : `“${shown}” does not fit.`;
    return new UserError('badCommand', `${where} ${VALUE_FORM} Nothing ran.`);
  }
}

/** In the form in which they are typed: `n=5 day="2026-01-31"`. */
export function showParameters(parameters: readonly Parameter[]): string {
  return parameters.map(({ name, value }) => `${name}=${writeValue(value, AS_TYPED)}`).join(' ');
}

/** How a language writes values. */
export interface Notation {
  yes: string;
  no: string;
  none: string;
  /** By default the digits as they were typed. */
  integer?: (digits: string) => string;
  text: (text: string) => string;
  /** What comes before the items of a list. */
  open: string;
  close: string;
}

const AS_TYPED: Notation = {
  yes: 'true',
  no: 'false',
  none: 'null',
  text: (text) => JSON.stringify(text),
  open: '[',
  close: ']',
};

export function writeValue(value: Value, notation: Notation): string {
  switch (value.kind) {
    case 'integer':
      return notation.integer?.(value.digits) ?? value.digits;
    case 'decimal':
      return value.digits;
    case 'boolean':
      return value.isTrue ? notation.yes : notation.no;
    case 'null':
      return notation.none;
    case 'text':
      return notation.text(value.text);
    case 'list':
      return `${notation.open}${writeItems(value.items, notation)}${notation.close}`;
  }
}

export function writeItems(items: readonly Value[], notation: Notation): string {
  return items.map((item) => writeValue(item, notation)).join(', ');
}
