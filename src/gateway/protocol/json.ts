import { giveTurn } from '../event-loop.ts';

/** Reading of values that nobody has checked; pure. */

/** Undefined for what is no JSON. */
export function readJson(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Empty for what is no string. */
export function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** Ids are UUIDs, or a session's with two numbers. They are kept, many of them, so that a longer one is none. */
const ID_CHARS = 1_000;

/** Empty for what is no id. */
export function id(value: unknown): string {
  return typeof value === 'string' && value.length <= ID_CHARS ? value : '';
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_ARRAY = 0x5b;
const BACKSLASH = 0x5c;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const BLANK = 0x20;

/** What parsing costs, as measured: a value is one, which is 23 ns for a number with its part of the garbage collection. */
const OPEN_COST = 2;
const TEXT_COST = 4;
/** For a key in a place where no object had it before, V8 makes a new kind of object. */
const KEY_COST = 25;
const KNOWN_KEY_COST = 4;
/** Of texts, which may be made of escapes; however long they are, a fifth of all is left for values. */
const BYTES_A_COST = 25;
const TEXTS_SHARE = 0.8;
/** 35 ms: 1,600,000 numbers, 320,000 texts, as many values in objects that are alike, or 61,000 keys that are all others. */
const MOST_COST = 1_600_000;
/** No shorter JSON costs so much. */
const CHEAP_BYTES = 300_000;
/** A text that is longer is searched for its end natively. */
const NEAR_BYTES = 1_000;
/** Others have a turn after so many. */
const SLICE_BYTES = 1_000_000;

/** Whether JSON has so many values that parsing it would hold up everybody else. Its texts may have any length. */
export async function isCostly(json: Buffer, most = MOST_COST): Promise<boolean> {
  if (json.length < CHEAP_BYTES) return false;
  const keys = new KnownKeys();
  let cost = 0;
  let textBytes = 0;
  let turnAt = SLICE_BYTES;
  for (let at = 0; at < json.length && cost <= most; at += 1) {
    if (at > turnAt) {
      await giveTurn();
      turnAt = at + SLICE_BYTES;
    }
    const byte = json[at];
    if (byte === COMMA) cost += 1;
    else if (byte === OPEN_ARRAY) cost += OPEN_COST;
    else if (byte === OPEN_OBJECT) {
      cost += OPEN_COST;
      keys.open();
    } else if (byte === CLOSE_OBJECT) keys.close();
    else if (byte === QUOTE) {
      let end = endOfText(json, at + 1);
      while (end < 0) {
        await giveTurn();
        end = endOfText(json, -end);
      }
      if (json[afterBlanks(json, end + 1)] !== COLON) cost += TEXT_COST;
      else cost += keys.add(json, at + 1, end) ? KNOWN_KEY_COST : KEY_COST;
      textBytes += end - at;
      at = end;
    }
  }
  return cost + Math.min(textBytes / BYTES_A_COST, most * TEXTS_SHARE) > most;
}

const PLACES = 65_536;
/** In deeper objects each key counts as new. */
const DEPTH = 64;
const PRIME = 0x01000193;
/** Nobody can choose keys that are taken for each other. */
const SEED = crypto.getRandomValues(new Uint32Array(1));

/** Remembers each key of a JSON text with the keys before it in its object, as a hash; of two in one place the later one. */
class KnownKeys {
  readonly #known = new Uint32Array(PLACES);
  /** By depth, the keys of the object that is open there, as a hash. */
  readonly #open = new Uint32Array(DEPTH);
  #depth = 0;

  open(): void {
    this.#depth += 1;
    if (this.#depth < DEPTH) this.#open.set(SEED, this.#depth);
  }

  close(): void {
    this.#depth = Math.max(0, this.#depth - 1);
  }

  /** False for one that is new in its place. */
  add(json: Buffer, from: number, to: number): boolean {
    let hash = this.#open[this.#depth];
    if (hash === undefined || to - from > NEAR_BYTES) return false;
    for (let at = from; at <= to; at += 1) hash = Math.imul(hash ^ (json[at] ?? 0), PRIME);
    hash = (hash ^ (hash >>> 15)) >>> 0;
    this.#open[this.#depth] = hash;
    const place = hash % PLACES;
    const isKnown = this.#known[place] === hash;
    this.#known[place] = hash;
    return isKnown;
  }
}

function afterBlanks(json: Buffer, from: number): number {
  let at = from;
  while ((json[at] ?? BLANK + 1) <= BLANK) at += 1;
  return at;
}

/** The index of the quote that ends the text. Less than 0: it is not within this slice, and is to be looked for from there. */
function endOfText(json: Buffer, from: number): number {
  const last = from + SLICE_BYTES;
  let near = from + NEAR_BYTES;
  for (let at = from; at < json.length;) {
    if (at > last) return -at;
    if (at >= near) {
      const quote = json.indexOf(QUOTE, at);
      if (quote === -1) break;
      near = quote + NEAR_BYTES;
      // Whether it is escaped shows from the first of the backslashes before it; where they are many, from here on.
      let first = quote;
      while (first > at && json[first - 1] === BACKSLASH && quote - first < NEAR_BYTES) first -= 1;
      if (quote - first < NEAR_BYTES) at = first;
    }
    // A text that is made of escapes is gone through several times as fast.
    while (json[at] === BACKSLASH && at <= last) at += 2;
    if (json[at] === QUOTE) return at;
    if (json[at] !== BACKSLASH) at += 1;
  }
  return json.length;
}
