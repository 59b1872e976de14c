import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** For a stream or a result, and for the snapshot. */
const SPARES = ['spare-1', 'spare-2'];

/**
 * Makes a run's folder with two empty files while the kernel begins, and renames these where a new file is needed: to make a
 * file costs the disk many times as much as to write a short text into it (docs/performance.md).
 */
export class NewFiles {
  readonly #folder: string;
  readonly #keepsLeftovers: boolean;
  readonly #spares: string[] = [];
  #isMade = false;

  constructor(folder: string, keepsLeftovers: boolean) {
    this.#folder = folder;
    this.#keepsLeftovers = keepsLeftovers;
  }

  /** What the disk refuses shows with the first output. */
  prepare(): void {
    try {
      this.#make();
      for (const path of SPARES.map((name) => join(this.#folder, name))) {
        writeFileSync(path, '');
        this.#spares.push(path);
      }
    } catch {
      // `begin` meets the same, and is asked by somebody who tells it.
    }
  }

  /** Before a file is opened that may be a new one: the folder is there then. Throws where the disk refuses. */
  begin(path: string): void {
    this.#make();
    const spare = existsSync(path) ? undefined : this.#spares.pop();
    if (spare !== undefined) renameSync(spare, path);
  }

  #make(): void {
    if (this.#isMade) return;
    const isNew = mkdirSync(this.#folder, { recursive: true }) !== undefined;
    if (!isNew && !this.#keepsLeftovers) {
      rmSync(this.#folder, { recursive: true, force: true });
      mkdirSync(this.#folder);
    }
    this.#isMade = true;
  }
}
