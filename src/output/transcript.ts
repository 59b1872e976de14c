import { LRUCache } from 'lru-cache';
import type { KernelOutput } from '../gateway/outputs.ts';
import type { OutputView } from './output-view.ts';
import type { SpoolBudget } from './spool/spool.ts';

/** The output of one run: bounded in memory for the answer, complete on disk for the files. */
export interface Transcript {
  /**
   * Takes the next output. If it returns a promise, wait for it before the next one (the disk is slow, or a long text
   * is processed in turns); outputs added meanwhile keep their order. Never rejects.
   */
  add(output: KernelOutput): void | Promise<void>;
  /** Sets the code that runs from now on, in which the lines of errors are looked up; `block` counts from 0. */
  startBlock(code: string, block: number): void;
  /**
   * The output at this moment. Until it is sealed, the parts are made when they are read and show the state at that
   * time.
   */
  view(): OutputView;
  /** When the process that died last stored something (ms since the epoch); undefined if there was none. */
  readonly lastKeptAtMs: number | undefined;
  /** Resolves once everything so far is on disk, for a process that takes over if this one dies. Never rejects. */
  save(): Promise<void>;
  /** Records how the run ended (RunOutcome's kind), for files that the answer does not include. */
  noteEnd?(kind: string): void;
  /** Writes everything to disk and gives every part its final form. Output may still be added afterwards. */
  seal(): Promise<void>;
  /** Call this once the run is posted: `giveUp` is called when others need its disk space, and must remove it. */
  offer(giveUp: () => void): void;
  /** Deletes the files. */
  remove(): Promise<void>;
}

export interface TranscriptOptions {
  /** The directory of all runs' output; this run's files are in a subdirectory with its id. */
  dir: string;
  runId: string;
  maxOutputBytes: number;
  /** The limit for all runs together; by default there is none. */
  budget?: SpoolBudget;
  /** Whether Spark's console bar is read and removed from the text. */
  readsConsoleBar?: boolean;
  /** Displays of earlier runs in this kernel, which this run may update. */
  displays?: Displays;
  /** Called once, with the reason, when the disk refuses. */
  onDiskFailure?: (error: unknown) => void;
  /** Called for each output that could not be read. */
  onUnread?: (error: unknown) => void;
  /** Continue with what an earlier process stored for this run. Otherwise leftovers are deleted. */
  recovered?: boolean;
}

/** The displays of this many runs are remembered; updates of older ones are dropped. */
const REMEMBERED_RUNS = 20;
/** How many displays of a run others can update. */
const DISPLAYS_KEPT = 1_000;

export type Displays = ReturnType<typeof startDisplays>;

/**
 * The displays of one kernel's runs, so that a later run can update them. `onUpdated` is called with the id of the run
 * whose output changed, so that its answer can be edited.
 */
export function startDisplays(onUpdated: (runId: string) => void) {
  const runs = new LRUCache<string, { transcript: Pick<Transcript, 'add'>; displayIds: Set<string> }>({
    max: REMEMBERED_RUNS,
  });
  return {
    /** The transcript that takes the updates of this run's displays. */
    open(runId: string, transcript: Pick<Transcript, 'add'>): void {
      runs.set(runId, { transcript, displayIds: new Set() });
    },
    /** The run now shows this display. */
    keep(displayId: string, runId: string): void {
      const displayIds = runs.get(runId)?.displayIds.add(displayId) ?? new Set();
      const [first] = displayIds;
      if (displayIds.size > DISPLAYS_KEPT && first !== undefined) displayIds.delete(first);
    },
    /** The run's output is no longer kept, so updates of its displays are dropped. */
    forget(runId: string): void {
      runs.delete(runId);
    },
    /** Passes an update to the newest run, other than the run `from`, that shows the display; ignores unknown ids. */
    async update(from: string, output: KernelOutput & { kind: 'updateDisplay' }): Promise<void> {
      // The newest comes first.
      const shown = [...runs.entries()].find(
        ([runId, { displayIds }]) => runId !== from && displayIds.has(output.displayId),
      );
      if (shown === undefined) return;
      const [runId, { transcript }] = shown;
      await transcript.add(output);
      onUpdated(runId);
    },
  };
}
