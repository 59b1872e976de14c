import { LRUCache } from 'lru-cache';
import type { KernelOutput } from '../gateway/outputs.ts';
import type { OutputView } from './output-view.ts';
import type { SpoolBudget } from './spool/spool.ts';

/** What one run said: folded in bounded memory for the answer, whole on disk for the files. */
export interface Transcript {
  /**
   * Takes the next output. A promise asks the caller to wait before the next one (the disk is behind, or a long text
   * is being folded in turns); outputs given meanwhile keep their order. Never rejects.
   */
  add(output: KernelOutput): void | Promise<void>;
  /** The code that runs from now on, to find the lines that errors speak of; `block` counts from 0. */
  startBlock(code: string, block: number): void;
  /** The picture at this moment. Before the end its parts are made when they are read, as they are then. */
  view(): OutputView;
  /** When the bot that died last kept something (ms since the epoch); undefined when there was none. */
  readonly lastKeptAtMs: number | undefined;
  /** Resolves when what came so far is on disk, for a process that takes over if this one dies. Never rejects. */
  save(): Promise<void>;
  /** How the run ended, in a word (RunOutcome's kind): for what is written of it beside the answer. */
  noteEnd?(kind: string): void;
  /** All is on disk and every part has its last form. Output may still be added afterwards (late output). */
  seal(): Promise<void>;
  /** The run is posted: `giveUp` is called when others need its room on the disk, and is to remove it. */
  offer(giveUp: () => void): void;
  /** Deletes the files. */
  remove(): Promise<void>;
}

export interface TranscriptOptions {
  /** Directory of all runs' output; this run's files are below it in a directory named by the run. */
  dir: string;
  runId: string;
  maxOutputBytes: number;
  /** What all runs may have on the disk together; by default there is no such limit. */
  budget?: SpoolBudget;
  /** Spark's console bar is read, and is no part of the text. */
  readsConsoleBar?: boolean;
  /** Displays of earlier runs in this kernel, which this run may update. */
  displays?: Displays;
  /** Told once when the disk takes no more, with its reason. */
  onDiskFailure?: (error: unknown) => void;
  /** Told of each output that could not be read. */
  onUnread?: (error: unknown) => void;
  /** Go on with what an earlier process kept of this run. Otherwise leftovers are deleted. */
  recovered?: boolean;
}

/** Displays of this many runs are remembered; updates of older ones are dropped. */
const REMEMBERED_RUNS = 20;
/** So many displays of a run are known to others. */
const DISPLAYS_KEPT = 1_000;

export type Displays = ReturnType<typeof startDisplays>;

/**
 * The displays of one kernel's runs, so that a later run can update what an earlier one showed. `onUpdated` is told the
 * run whose picture changed, so that its answer can be edited.
 */
export function startDisplays(onUpdated: (runId: string) => void) {
  const runs = new LRUCache<string, { transcript: Pick<Transcript, 'add'>; displayIds: Set<string> }>({
    max: REMEMBERED_RUNS,
  });
  return {
    /** The transcript of `runId` shows this display now. */
    keep(displayId: string, runId: string, transcript: Pick<Transcript, 'add'>): void {
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
    async update(
      from: Pick<Transcript, 'add'>,
      output: KernelOutput & { kind: 'updateDisplay' },
    ): Promise<void> {
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
