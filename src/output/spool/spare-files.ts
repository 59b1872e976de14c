import { existsSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** For a stream or a result, and for the snapshot. */
const NAMES = ['spare-1', 'spare-2'];

/**
 * Empty files of a run's folder that later ones are made of: for a disk, a new file is many times the work of a short text
 * that is written to it, and while the kernel begins nobody waits for either.
 */
export class SpareFiles {
  readonly #paths: string[] = [];

  /** What the disk refuses shows with the first output. */
  make(folder: string, makeFolder: () => void): void {
    try {
      makeFolder();
      for (const path of NAMES.map((name) => join(folder, name))) {
        writeFileSync(path, '');
        this.#paths.push(path);
      }
    } catch {
      // Whoever needs one makes a new file.
    }
  }

  /** Before a file is opened that may be a new one: one of them takes its name. Throws where the disk refuses. */
  use(path: string): void {
    const spare = existsSync(path) ? undefined : this.#paths.pop();
    if (spare !== undefined) renameSync(spare, path);
  }
}
