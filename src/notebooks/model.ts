import { randomUUID } from 'node:crypto';
import type { Keyv } from 'keyv';
import { isRecord } from '../text.ts';

/**
 * A notebook as nbformat 4.5 says it, without the outputs: all that is kept of what somebody posted. What its schema asks
 * of metadata holds.
 */
export interface Notebook {
  metadata: JsonObject;
  cells: readonly Cell[];
}

export type JsonObject = Readonly<Record<string, unknown>>;

export type Cell = CodeCell | TextCell;

export interface CodeCell {
  kind: 'code';
  /** Unique in its notebook. */
  id: string;
  metadata: JsonObject;
  source: string;
}

export interface TextCell {
  kind: 'markdown' | 'raw';
  id: string;
  metadata: JsonObject;
  source: string;
  /** Pictures in the text, as mime bundles by name. */
  attachments?: JsonObject;
}

/** Unique in any notebook. */
export function newCellId(): string {
  return randomUUID().slice(0, 13);
}

/** Cells that run, in order: as in Jupyter an empty one does not, nor one that is tagged so (nbclient's word). */
export function cellsToRun({ cells }: Pick<Notebook, 'cells'>): CodeCell[] {
  return cells.filter((cell) => cell.kind === 'code').filter(isRun);
}

/** Which of these may fail without ending the run, as nbclient has it; by number, from 0. */
export function cellsThatMayRaise(notebook: Pick<Notebook, 'cells'>): number[] {
  return cellsToRun(notebook).flatMap(({ metadata }, number) =>
    tagsOf(metadata).includes('raises-exception') ? [number] : [],
  );
}

function isRun({ source, metadata }: CodeCell): boolean {
  return source.trim() !== '' && !tagsOf(metadata).includes('skip-execution');
}

function tagsOf(metadata: JsonObject): readonly string[] {
  const { tags } = metadata;
  return Array.isArray(tags) ? tags.filter((tag) => typeof tag === 'string') : [];
}

/** Mime types whose values are JSON; all others are text in a notebook. */
export function isJsonMime(mime: string): boolean {
  return /^application\/(?:.*\+)?json$/.test(mime);
}

const GIVEN_TAG = 'injected-parameters';

/**
 * A notebook with values, as papermill puts them in: in a cell behind the one that is tagged `parameters`, else before all
 * others. A cell that papermill, or this, put in before is replaced.
 */
export function withParameters(notebook: Notebook, source: string): Notebook {
  const cell: CodeCell = {
    kind: 'code',
    id: newCellId(),
    metadata: { tags: [GIVEN_TAG] },
    source,
  };
  const before = notebook.cells.findIndex(isTagged(GIVEN_TAG));
  const at = before === -1 ? notebook.cells.findIndex(isTagged('parameters')) + 1 : before;
  return { ...notebook, cells: notebook.cells.toSpliced(at, before === -1 ? 0 : 1, cell) };
}

function isTagged(tag: string): (cell: Cell) => boolean {
  return ({ kind, metadata }) => kind === 'code' && tagsOf(metadata).includes(tag);
}

/** A notebook that somebody posted: `name` is the file's, without its ending. */
export interface PostedNotebook {
  name: string;
  notebook: Notebook;
}

export type NotebookStore = ReturnType<typeof createNotebookStore>;

/**
 * The notebooks of runs, by the key of the request that made the run, as long as runs are kept. `keepMs` undefined: for
 * ever. All of it rejects with `StoreError`.
 */
export function createNotebookStore(keyv: Keyv, keepMs: number | undefined) {
  return {
    keep: async (requestKey: string, notebook: Notebook): Promise<void> => {
      await keyv.set(requestKey, notebook, keepMs);
    },
    /** Undefined where it is no longer kept. */
    find: async (requestKey: string): Promise<Notebook | undefined> => {
      const found: unknown = await keyv.get(requestKey);
      return isNotebook(found) ? found : undefined;
    },
    forget: async (requestKey: string): Promise<void> => {
      await keyv.delete(requestKey);
    },
  };
}

/** What is stored was written by this program: only its being there is looked at. */
function isNotebook(value: unknown): value is Notebook {
  return isRecord(value) && Array.isArray(value['cells']) && isRecord(value['metadata']);
}

/** A cell's count as nbformat takes it: kernels that do not count say 0 or -1. */
export function cellCount(count: number | undefined): number | null {
  return count !== undefined && Number.isInteger(count) && count > 0 ? count : null;
}
