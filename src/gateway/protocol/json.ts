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

const QUOTE = 0x22;
const COMMA = 0x2c;
const OPEN_ARRAY = 0x5b;
const BACKSLASH = 0x5c;
const OPEN_OBJECT = 0x7b;

/** What parsing costs, as measured: a number is one, an array or object three, a text (a key may be a new one) thirty. */
const ARRAY_COST = 3;
const TEXT_COST = 30;
/** 50 ms: 3,500,000 numbers, or 115,000 texts. */
export const MOST_COST = 3_500_000;
/** No shorter JSON costs so much. */
const CHEAP_BYTES = 300_000;
/** A text that is longer is searched for its end natively. */
const NEAR_BYTES = 1_000;

/** Whether JSON has so many values that parsing it would hold up everybody else. Its texts may have any length. */
export function isCostly(json: Buffer, most = MOST_COST): boolean {
  if (json.length < CHEAP_BYTES) return false;
  let cost = 0;
  for (let at = 0; at < json.length && cost <= most; at += 1) {
    const byte = json[at];
    if (byte === COMMA) cost += 1;
    else if (byte === OPEN_ARRAY || byte === OPEN_OBJECT) cost += ARRAY_COST;
    else if (byte === QUOTE) {
      cost += TEXT_COST;
      at = endOfText(json, at + 1);
    }
  }
  return cost > most;
}

/** The index of the quote that ends the text. */
function endOfText(json: Buffer, from: number): number {
  let near = from + NEAR_BYTES;
  for (let at = from; at < json.length; at += 1) {
    if (at >= near) {
      const quote = json.indexOf(QUOTE, at);
      if (quote === -1) break;
      near = quote + NEAR_BYTES;
      // Whether it is escaped shows from the first of the backslashes before it.
      const start = at;
      at = quote;
      while (at > start && json[at - 1] === BACKSLASH) at -= 1;
    }
    // A text that is made of escapes is gone through several times as fast.
    while (json[at] === BACKSLASH) at += 2;
    if (json[at] === QUOTE) return at;
  }
  return json.length;
}
