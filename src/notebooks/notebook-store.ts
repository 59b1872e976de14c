import type { Keyv } from 'keyv';
import { type Notebook, isObject } from './model.ts';

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
  return isObject(value) && Array.isArray(value['cells']) && isObject(value['metadata']);
}
