import { rm } from 'node:fs/promises';
import type { KeptFiles } from './stored-files.ts';
import type { OutputFold } from '../output-model.ts';
import { ownFileOf, type OutputLoss, type OutputPart } from '../output-view.ts';
import type { PartFiles } from './part-files.ts';
import type { RunFolder } from './run-folder.ts';
import { tablesShown } from '../mime/text-tables.ts';
import { zipFiles } from './zip-files.ts';

/** What a picture becomes at the end of its run, and again after late output: the files for it are made here. */
export class LastForm {
  readonly #folder: RunFolder;
  readonly #files: PartFiles;
  readonly #kept: KeptFiles;
  readonly #onRefused: (error: unknown) => void;
  /** The files of tables that the last two times took out of streams: those of the last one may be on their way. */
  #split: string[][] = [];
  #archive: string | undefined;
  /** The archive before, which may be on its way, too. */
  #archiveBefore: string | undefined;

  constructor(folder: RunFolder, files: PartFiles, kept: KeptFiles, onRefused: (error: unknown) => void) {
    this.#folder = folder;
    this.#files = files;
    this.#kept = kept;
    this.#onRefused = onRefused;
  }

  async make(fold: OutputFold, spoolPath: string | undefined): Promise<OutputPart[]> {
    const parts = await this.#files.lastForm(fold.parts, spoolPath, tablesShown);
    const standing = new Set(fold.ownFiles);
    const split = parts.flatMap((part) => ownFileOf(part) ?? []).filter((path) => !standing.has(path));
    await this.#kept.forgetFiles(this.#split[0] ?? []);
    this.#split = [...this.#split.slice(-1), split];
    this.#archive = await this.#archived(fold.crowdedFiles);
    return parts;
  }

  /** Says where what crowded out is. */
  complete(losses: readonly OutputLoss[]): OutputLoss[] {
    const archive = this.#archive;
    if (archive === undefined) return [...losses];
    return losses.map((loss) => (loss.kind === 'tooMany' ? { ...loss, archive } : loss));
  }

  /** Undefined where there is nothing, or the disk refuses. */
  async #archived(files: readonly string[]): Promise<string | undefined> {
    if (files.length === 0) return undefined;
    const path = this.#folder.at(`more-${files.length}.zip`);
    if (path === this.#archive) return path;
    try {
      await zipFiles(path, files);
      if (this.#archiveBefore !== undefined) await rm(this.#archiveBefore, { force: true });
      this.#archiveBefore = this.#archive;
      return path;
    } catch (error) {
      this.#onRefused(error);
      return undefined;
    }
  }
}
