/** Numbers, times and line ends in plain text, for every room. */

/** `1,000`. */
export function shownNumber(value: number): string {
  return value.toLocaleString('en-US');
}

/** `1 row`, `1,000 rows`. */
export function countOf(count: number, unit: string): string {
  return `${shownNumber(count)} ${unit}${count === 1 ? '' : 's'}`;
}

/** Joins the words that are not empty. */
export function joinWords(separator: string, words: readonly string[]): string {
  return words.filter((word) => word !== '').join(separator);
}

/** How long a run took: `0.05 s`, `3.2 s`, and from 10 s on as `renderElapsed`. */
export function renderDuration(ms: number): string {
  const seconds = Math.max(0, ms) / 1000;
  // 0 s would mean that nothing ran.
  if (seconds < 1) return `${Math.max(0.01, Number(seconds.toFixed(2)))} s`;
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  return renderElapsed(ms);
}

/** Whole seconds, as a running clock shows them: `12 s`, `2 min 5 s`, `1 h 3 min`, from two days on `2 d 3 h`. */
export function renderElapsed(ms: number): string {
  const seconds = Math.round(Math.max(0, ms) / 1000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return inUnits([minutes, 'min'], [seconds % 60, 's']);
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return inUnits([hours, 'h'], [minutes % 60, 'min']);
  return inUnits([Math.floor(hours / 24), 'd'], [hours % 24, 'h']);
}

function inUnits(...counts: [number, string][]): string {
  return counts.flatMap(([count, unit]) => (count === 0 ? [] : [`${count} ${unit}`])).join(' ');
}

/** When something happened: `at 09:15:00`, `between 09:15:00 and 09:15:07`. */
export function renderSpan(fromMs: number, toMs: number): string {
  const [from, to] = [clock(fromMs), clock(toMs)];
  return from === to ? `at ${from}` : `between ${from} and ${to}`;
}

function clock(ms: number): string {
  return new Date(ms).toISOString().slice(11, 19);
}

const RETURN = 0x0d;
const LINE_FEED = 0x0a;

/**
 * Code with the line ends that every Jupyter front end sends: R, magics and `%%bash` fail on the `\r` of Windows. Takes
 * 4 ms for a million UTF-16 units, even if all of them are `\r`.
 */
export function toLineFeeds(code: string): string {
  if (!code.includes('\r')) return code;
  const units = new Uint16Array(code.length);
  let length = 0;
  for (let at = 0; at < code.length; at += 1) {
    const unit = code.charCodeAt(at);
    if (unit === LINE_FEED && code.charCodeAt(at - 1) === RETURN) continue;
    units[length] = unit === RETURN ? LINE_FEED : unit;
    length += 1;
  }
  return Buffer.from(units.buffer, 0, 2 * length).toString('utf16le');
}

/** Undefined for text that is not JSON. JSON itself has no undefined. */
export function parseJson(given: string): unknown {
  try {
    return JSON.parse(given);
  } catch {
    return undefined;
  }
}

/** Counts without splitting the text, which would take nine times as long. */
export function countNewlines(text: string): number {
  let count = 0;
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) count += 1;
  return count;
}

/** Whether it is an object with keys, not an array. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
