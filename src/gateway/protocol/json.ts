/** Reads unchecked values; pure. */

/** Undefined if it is not JSON. */
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

/** Empty if it is not a string. */
export function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/**
 * Ids are UUIDs, or a session id with two numbers. Many are kept in memory, so anything longer is not taken for an id.
 */
const ID_CHARS = 1_000;

/** Empty if it is not an id. */
export function id(value: unknown): string {
  return typeof value === 'string' && value.length <= ID_CHARS ? value : '';
}
