import { LRUCache } from 'lru-cache';
import type { KernelOutput } from '../../gateway/outputs.ts';

/** Displays of this many runs are remembered; updates of older ones are dropped. */
const REMEMBERED_RUNS = 20;
/** So many displays of a run are known to others. */
const DISPLAYS_KEPT = 1_000;

/** The transcript of the run that shows a display. */
interface Holder {
  add: (output: KernelOutput) => void | Promise<void>;
}

export type Displays = ReturnType<typeof startDisplays>;

/**
 * The displays of one kernel's runs, so that a later run can update what an earlier one showed. `onUpdated` is told the
 * run whose picture changed, so that its answer can be edited.
 */
export function startDisplays(onUpdated: (runId: string) => void) {
  const runs = new LRUCache<string, { transcript: Holder; displayIds: Set<string> }>({
    max: REMEMBERED_RUNS,
  });
  return {
    /** The transcript of `runId` shows this display now. */
    keep(displayId: string, runId: string, transcript: Holder): void {
      const displayIds = runs.get(runId)?.displayIds ?? new Set();
      runs.set(runId, { transcript, displayIds: displayIds.add(displayId) });
      const [first] = displayIds;
      if (displayIds.size > DISPLAYS_KEPT && first !== undefined) displayIds.delete(first);
    },
    /** The run's output is no longer kept: what updates its displays has nowhere to go. */
    forget(runId: string): void {
      runs.delete(runId);
    },
    /** Hands an update to the newest run that shows the display, other than `from`; of unknown ids nothing is done. */
    async update(from: Holder, output: KernelOutput & { kind: 'updateDisplay' }): Promise<void> {
      // The newest stands first.
      const shown = [...runs.entries()].find(
        ([, run]) => run.transcript !== from && run.displayIds.has(output.displayId),
      );
      if (shown === undefined) return;
      const [runId, { transcript }] = shown;
      await transcript.add(output);
      onUpdated(runId);
    },
  };
}
