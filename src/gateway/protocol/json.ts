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
