import type { RunView } from '../../runs/run-view.ts';

/** How long a picture is shown before its clock is moved on, when nothing else changes. */
export function tickMs(view: RunView | undefined, nowMs: number): number {
  if (view === undefined || !('sinceMs' in view.phase)) return 60_000;
  const elapsed = nowMs - view.phase.sinceMs;
  if (elapsed < 60_000) return 5_000;
  return elapsed < 600_000 ? 15_000 : 60_000;
}
