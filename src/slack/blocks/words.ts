import type { RunView } from '../../runs/run-view.ts';

/** How long, how many, and what stands beside what, as people read it. Plain text. */

/** `1,000`. */
export function shownNumber(value: number): string {
  return value.toLocaleString('en-US');
}

/** `1 row`, `1,000 rows`. */
export function countOf(count: number, unit: string): string {
  return `${shownNumber(count)} ${unit}${count === 1 ? '' : 's'}`;
}

/** Those that say something, in a row. */
export function joinWords(separator: string, words: readonly string[]): string {
  return words.filter((word) => word !== '').join(separator);
}

/** How long a run took: `0.05 s`, `3.2 s`, and from 10 s on as `renderElapsed`. */
export function renderDuration(ms: number): string {
  const seconds = Math.max(0, ms) / 1000;
  // What ran took some time: 0 s would say that nothing did.
  if (seconds < 1) return `${Math.max(0.01, Number(seconds.toFixed(2)))} s`;
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  return renderElapsed(ms);
}

/** As a clock that runs: whole seconds, `12 s`, `2 min 5 s`, `1 h 3 min`, from two days on `2 d 3 h`. */
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

/** When something was, by the clock: `at 09:15:00`, `between 09:15:00 and 09:15:07`. */
export function renderSpan(fromMs: number, toMs: number): string {
  const [from, to] = [clock(fromMs), clock(toMs)];
  return from === to ? `at ${from}` : `between ${from} and ${to}`;
}

function clock(ms: number): string {
  return new Date(ms).toISOString().slice(11, 19);
}

/** How long a picture is shown before its clock is moved on, when nothing else changes. */
export function tickMs(view: RunView | undefined, nowMs: number): number {
  if (view === undefined || !('sinceMs' in view.phase)) return 60_000;
  const elapsed = nowMs - view.phase.sinceMs;
  if (elapsed < 60_000) return 5_000;
  return elapsed < 600_000 ? 15_000 : 60_000;
}
