import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';

/** Where one run's output is kept. It is made for its first file: a run that says nothing has none. */
export class RunFolder {
  readonly path: string;
  #isMade = false;
  readonly #keepsLeftovers: boolean;

  /** `keepsLeftovers`: what an earlier process kept of this run belongs to it; else it is deleted. */
  constructor(path: string, keepsLeftovers: boolean) {
    this.path = path;
    this.#keepsLeftovers = keepsLeftovers;
  }

  /** The path of a file in it, for reading. */
  at(name: string): string {
    return join(this.path, name);
  }

  /** It is there from now on. Throws where the disk refuses. */
  make(): void {
    if (this.#isMade) return;
    const isNew = mkdirSync(this.path, { recursive: true }) !== undefined;
    if (!isNew && !this.#keepsLeftovers) {
      rmSync(this.path, { recursive: true, force: true });
      mkdirSync(this.path);
    }
    this.#isMade = true;
  }
}
