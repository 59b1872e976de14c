import { rename, writeFile } from 'node:fs/promises';
import { AppendFile } from './append-file.ts';
import type { JournalLine } from './output-journal.ts';
import type { RunFolder } from './run-folder.ts';

/** A journal shorter than this is not begun anew. */
const charsKept = 1_000_000;

/** A run's journal on the disk, which may be begun anew with a line that says all that counts. */
export class JournalFile {
  readonly #file: AppendFile;
  #firstChars = 0;
  #chars = 0;

  constructor(folder: RunFolder, onFailure: (error: unknown) => void) {
    this.#file = new AppendFile(folder, 'journal.jsonl', onFailure);
  }

  get path(): string {
    return this.#file.path;
  }

  /** Long enough that it is worth being begun anew. */
  get isLong(): boolean {
    return this.#chars > Math.max(charsKept, 3 * this.#firstChars);
  }

  async note(line: JournalLine): Promise<void> {
    const written = `${JSON.stringify(line)}\n`;
    this.#chars += written.length;
    await this.#file.write(written);
  }

  /** The renaming is the one moment at which the new one counts. Rejects where the disk refuses. */
  async beginAnew(line: JournalLine): Promise<void> {
    const first = `${JSON.stringify(line)}\n`;
    await writeFile(`${this.path}.new`, first);
    await this.#file.close();
    await rename(`${this.path}.new`, this.path);
    this.#firstChars = first.length;
    this.#chars = first.length;
  }

  async close(): Promise<void> {
    await this.#file.close();
  }
}
