import type { KernelOutput } from '../gateway/outputs.ts';

/** The transcript of the run that shows a display. */
interface DisplayHolder {
  add(output: KernelOutput): void | Promise<void>;
}

/** The displays of one kernel's runs, so that a later run can update what an earlier one showed. */
export interface Displays {
  /** The transcript of `runId` shows this display now. */
  keep(displayId: string, runId: string, transcript: DisplayHolder): void;
  /** The run's output is no longer kept: what updates its displays has nowhere to go. */
  forget(runId: string): void;
  /** Hands an update to the newest run that shows the display, other than `from`; of unknown ids nothing is done. */
  update(from: DisplayHolder, output: KernelOutput & { kind: 'updateDisplay' }): Promise<void>;
}

/** Displays of this many runs are remembered; updates of older ones are dropped. */
const runsKept = 20;

/** `onUpdated` is told the run whose picture changed, so that its answer can be edited. */
export function startDisplays(onUpdated: (runId: string) => void): Displays {
  const runs = new Map<string, { transcript: DisplayHolder; displayIds: Set<string> }>();
  return {
    keep(displayId, runId, transcript) {
      const displayIds = runs.get(runId)?.displayIds ?? new Set();
      runs.delete(runId);
      runs.set(runId, { transcript, displayIds: displayIds.add(displayId) });
      const oldest = runs.keys().next().value;
      if (runs.size > runsKept && oldest !== undefined) runs.delete(oldest);
    },
    forget(runId) {
      runs.delete(runId);
    },
    async update(from, output) {
      const shown = [...runs].findLast(
        ([, run]) => run.transcript !== from && run.displayIds.has(output.displayId),
      );
      if (shown === undefined) return;
      const [runId, { transcript }] = shown;
      await transcript.add(output);
      onUpdated(runId);
    },
  };
}
