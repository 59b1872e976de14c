import { setImmediate as nextTurn } from 'node:timers/promises';

/** Work for kernels gets about this much of one turn of the event loop; the rest waits for the next turn. */
const TURN_MS = 10;

let begunMs: number | undefined;

/**
 * Whether this turn of the event loop has time left. All runs share the time. Long work that gets false must await
 * `giveTurn`: other promises resolve within the same turn and let no I/O happen.
 */
export function hasTime(): boolean {
  const nowMs = performance.now();
  if (begunMs === undefined) {
    begunMs = nowMs;
    setImmediate(() => {
      begunMs = undefined;
    });
  }
  return nowMs - begunMs < TURN_MS;
}

/** Long work awaits this between two pieces. It waits for the next turn if the current one has no time left. */
export async function giveTurn(): Promise<void> {
  if (!hasTime()) await nextTurn();
}

let lastHeavy: Promise<unknown> = Promise.resolve();

/**
 * Runs work that may take a whole turn in a turn of its own. All such work is done one after the other, whichever
 * run it is for.
 */
export function inOwnTurn<T>(work: () => T | Promise<T>): Promise<T> {
  const done = lastHeavy.then(() => nextTurn()).then(work);
  lastHeavy = done.catch(() => undefined);
  return done;
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_ARRAY = 0x5b;
const BACKSLASH = 0x5c;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const BLANK = 0x20;

/** Measured costs of parsing. The unit is one value: 23 ns for a number, with its share of garbage collection. */
const OPEN_COST = 2;
const TEXT_COST = 4;
/** A key in a place where no object had it before makes V8 create a new object shape. */
const KEY_COST = 25;
const KNOWN_KEY_COST = 4;
/**
 * Strings cost by their length, because they may consist of escapes. They can use up at most this share of the limit.
 */
const BYTES_A_COST = 25;
const TEXTS_SHARE = 0.8;
/**
 * 35 ms: 1,600,000 numbers, 320,000 strings, as many values in objects of one shape, or 61,000 keys that all differ.
 */
const MOST_COST = 1_600_000;
/** Shorter JSON cannot cost that much. */
const CHEAP_BYTES = 300_000;
/** In longer strings the end is found by a native search. */
const NEAR_BYTES = 1_000;
/** After so many bytes other work gets a turn. */
const SLICE_BYTES = 1_000_000;

/** Whether JSON has so many values that parsing it would hold up everything else. Its strings may have any length. */
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
/** In objects nested deeper than this every key counts as new. */
const DEPTH = 64;
const PRIME = 0x01000193;
/** A random seed, so that nobody can choose keys with equal hashes. */
const SEED = crypto.getRandomValues(new Uint32Array(1));

/**
 * Remembers the keys of a JSON text, each as a hash of itself and the keys before it in its object. If two share a
 * place, the later one is remembered.
 */
class KnownKeys {
  readonly #known = new Uint32Array(PLACES);
  /** By depth: a hash of the keys of the object that is open there. */
  readonly #open = new Uint32Array(DEPTH);
  #depth = 0;

  open(): void {
    this.#depth += 1;
    if (this.#depth < DEPTH) this.#open.set(SEED, this.#depth);
  }

  close(): void {
    this.#depth = Math.max(0, this.#depth - 1);
  }

  /** Whether the key was seen in this place before. */
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

/**
 * The index of the closing quote. A negative result means that it is not within this slice: continue at the negated
 * index.
 */
function endOfText(json: Buffer, from: number): number {
  const last = from + SLICE_BYTES;
  let near = from + NEAR_BYTES;
  for (let at = from; at < json.length;) {
    if (at > last) return -at;
    if (at >= near) {
      const quote = json.indexOf(QUOTE, at);
      if (quote === -1) break;
      near = quote + NEAR_BYTES;
      // Count the backslashes before the quote to see whether it is escaped; if there are too many, read on from here.
      let first = quote;
      while (first > at && json[first - 1] === BACKSLASH && quote - first < NEAR_BYTES) first -= 1;
      if (quote - first < NEAR_BYTES) at = first;
    }
    // Skips several escapes at once: much faster for strings that consist of escapes.
    while (json[at] === BACKSLASH && at <= last) at += 2;
    if (json[at] === QUOTE) return at;
    if (json[at] !== BACKSLASH) at += 1;
  }
  return json.length;
}
