import { join } from 'node:path';
import type { Log } from '../log.ts';
import { metadataOf } from '../notebooks/export.ts';
import { cellsToRun, newCellId, type Notebook, type NotebookStore } from '../notebooks/model.ts';
import { openNotebookTranscript } from '../notebooks/notebook-transcript.ts';
import { openTranscript } from '../output/run-transcript.ts';
import type { SpoolBudget } from '../output/spool/spool.ts';
import { type Displays, startDisplays, type Transcript } from '../output/transcript.ts';
import type { RunStore } from '../store/store.ts';
import { isUnfinished, type Run, type RunData } from './run.ts';

interface TranscriptsDeps {
  notebooks: Pick<NotebookStore, 'find'>;
  store: Pick<RunStore<RunData>, 'code'>;
  spoolDir: string;
  maxOutputBytes: number;
  budget: SpoolBudget;
  /** Whether Spark's console progress bar is read and left out of the output. */
  readsConsoleBar: boolean;
  log: Log;
}

/** Returns a function that opens the transcript of a run on disk. A notebook's transcript attaches the executed notebook. */
export function createTranscripts(deps: TranscriptsDeps) {
  const { spoolDir: dir, maxOutputBytes, budget, readsConsoleBar, log } = deps;
  return async (
    run: Run,
    recovered: boolean,
    displays: Displays = startDisplays(() => undefined),
  ): Promise<Transcript> => {
    const place = { dir, runId: run.id, maxOutputBytes, budget };
    const transcript = await openTranscript({
      ...place,
      recovered,
      displays,
      readsConsoleBar,
      onUnread: (error) =>
        log.error({ event: 'output.unread', err: error, run: run.id }, 'an output could not be read'),
      onDiskFailure: (error) =>
        log.error({ event: 'spool.failed', err: error, run: run.id }, 'the disk takes no more output'),
    });
    return await withNotebook(transcript, run, recovered, deps);
  };
}

/** Has the transcript of a notebook's run attach the executed notebook. Other transcripts are returned as they are. */
async function withNotebook(
  transcript: Transcript,
  run: Run,
  recovered: boolean,
  { notebooks, store, spoolDir, maxOutputBytes, budget, log }: TranscriptsDeps,
): Promise<Transcript> {
  const { notebook: posted, requestKey, block, startedAt } = run.data;
  if (posted === undefined) return transcript;
  const hasEnded = !isUnfinished(run);
  return await openNotebookTranscript(transcript, {
    // Beside the folder of its output. The part before the dot is the run's id.
    dir: join(spoolDir, `${run.id}.notebook`),
    filename: `${posted.name}-executed.ipynb`,
    maxOutputBytes,
    budget,
    recovered,
    hasEnded,
    cellsBegun: startedAt === undefined ? 0 : block + (hasEnded ? 1 : 0),
    notebook: async () => {
      const blocks = (await store.code(run.id)) ?? [];
      const { metadata, cells } = fitting(await notebooks.find(requestKey), blocks);
      // Databricks names no kernel, and then papermill does not know what to run the file on.
      return {
        metadata: { ...(metadata['kernelspec'] === undefined && metadataOf(run.data)), ...metadata },
        cells,
      };
    },
    onFailure: (error) =>
      log.error(
        { event: 'notebook.unwritten', err: error, run: run.id },
        'an executed notebook was not written',
      ),
  });
}

/** The notebook; if it is no longer kept, or was edited after this code was accepted, one of the code alone. */
function fitting(notebook: Notebook | undefined, blocks: readonly string[]): Notebook {
  const cells = notebook === undefined ? [] : cellsToRun(notebook);
  const isSame =
    cells.length === blocks.length && cells.every(({ source }, index) => source === blocks[index]);
  if (notebook !== undefined && isSame) return notebook;
  return {
    metadata: {},
    cells: blocks.map((source) => ({ kind: 'code', id: newCellId(), metadata: {}, source })),
  };
}
