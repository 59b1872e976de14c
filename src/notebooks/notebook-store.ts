import type { Keyv } from 'keyv';
import { type Notebook, isObject } from './model.ts';

/** A notebook that somebody posted: `name` is the file's, without its ending. */
export interface PostedNotebook {
  name: string;
  notebook: Notebook;
}

/** The notebooks of runs, by the key of the request that made the run, as long as runs are kept. */
export interface NotebookStore {
  keep: (requestKey: string, notebook: Notebook) => Promise<void>;
  /** Undefined where it is no longer kept. */
  find: (requestKey: string) => Promise<Notebook | undefined>;
  forget: (requestKey: string) => Promise<void>;
}

/** `keepMs` undefined: for ever. All of it rejects with `StoreError`. */
export function createNotebookStore(keyv: Keyv, keepMs: number | undefined): NotebookStore {
  return {
    async keep(requestKey, notebook) {
      await keyv.set(requestKey, notebook, keepMs);
    },
    async find(requestKey) {
      const found: unknown = await keyv.get(requestKey);
      return isNotebook(found) ? found : undefined;
    },
    async forget(requestKey) {
      await keyv.delete(requestKey);
    },
  };
}

/** What is stored was written by this program: only its being there is looked at. */
function isNotebook(value: unknown): value is Notebook {
  return isObject(value) && Array.isArray(value['cells']) && isObject(value['metadata']);
}
