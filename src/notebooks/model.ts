import { randomUUID } from 'node:crypto';
import type { Keyv } from 'keyv';

/**
 * A notebook in nbformat 4.5 without its outputs: all that is kept of a posted one. Its metadata is valid by the
 * schema.
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
  /** Pictures used in the text, as mime bundles by name. */
  attachments?: JsonObject;
}

/** Unique in any notebook. */
export function newCellId(): string {
  return randomUUID().slice(0, 13);
}

/**
 * The cells that run, in order. As in Jupyter, empty cells do not run, nor cells with nbclient's tag `skip-execution`.
 */
export function cellsToRun({ cells }: Pick<Notebook, 'cells'>): CodeCell[] {
  return cells.filter((cell) => cell.kind === 'code').filter(isRun);
}

/** The numbers (from 0) of those cells that may fail without ending the run, as in nbclient. */
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

/** Whether values of this mime type are JSON; in a notebook all others are text. */
export function isJsonMime(mime: string): boolean {
  return /^application\/(?:.*\+)?json$/.test(mime);
}

/** Gives the cells that run other code, in order; a cell whose code is blank does not run any more. */
export function withSources(notebook: Notebook, sources: readonly string[]): Notebook {
  const edited = new Map(cellsToRun(notebook).map(({ id }, number) => [id, sources[number]]));
  const cells = notebook.cells.map((cell) => ({ ...cell, source: edited.get(cell.id) ?? cell.source }));
  return { ...notebook, cells };
}

const GIVEN_TAG = 'injected-parameters';

/**
 * Adds values: as papermill does, in a cell after the one tagged `parameters`, otherwise after the notebook's own settings
 * (`number` among the cells that run), otherwise before all others. A cell that papermill or this function added before is
 * replaced.
 */
export function withParameters(
  notebook: Notebook,
  source: string,
  settings: { number: number; head: string; rest: readonly string[] } | undefined,
): Notebook {
  const { cells } = notebook;
  const given: CodeCell = { kind: 'code', id: newCellId(), metadata: { tags: [GIVEN_TAG] }, source };
  const before = cells.findIndex(isTagged(GIVEN_TAG));
  if (before !== -1) return { ...notebook, cells: cells.with(before, given) };
  const tagged = cells.findIndex(isTagged('parameters'));
  const own = cellsToRun(notebook)[settings?.number ?? -1];
  if (tagged !== -1 || settings === undefined || own === undefined)
    return { ...notebook, cells: cells.toSpliced(tagged + 1, 0, given) };
  const rest = settings.rest.map((code) => ({ ...own, id: newCellId(), source: code }));
  const split = [{ ...own, source: settings.head }, given, ...rest];
  return { ...notebook, cells: cells.toSpliced(cells.indexOf(own), 1, ...split) };
}

function isTagged(tag: string): (cell: Cell) => boolean {
  return ({ kind, metadata }) => kind === 'code' && tagsOf(metadata).includes(tag);
}

/** A posted notebook; `name` is the file name without its extension. */
export interface PostedNotebook {
  name: string;
  notebook: Notebook;
}

export type NotebookStore = ReturnType<typeof createNotebookStore>;

/**
 * Stores the notebooks of runs by the key of the request, as long as runs are kept (`keepMs` undefined: for ever). All
 * methods reject with `StoreError`.
 */
export function createNotebookStore(keyv: Keyv, keepMs: number | undefined) {
  return {
    keep: async (requestKey: string, notebook: Notebook): Promise<void> => {
      await keyv.set(requestKey, notebook, keepMs);
    },
    /** Undefined if it is no longer kept. */
    find: async (requestKey: string) => await keyv.get<Notebook>(requestKey),
    forget: async (requestKey: string): Promise<void> => {
      await keyv.delete(requestKey);
    },
  };
}

/** A count that nbformat accepts: kernels that do not count send 0 or -1. */
export function cellCount(count: number | undefined): number | null {
  return count !== undefined && Number.isInteger(count) && count > 0 ? count : null;
}
