import { once } from 'node:events';
import { appendFileSync, createReadStream, createWriteStream, type WriteStream } from 'node:fs';
import { appendFile, readdir, rm, stat } from 'node:fs/promises';
import { extname } from 'node:path';
import { finished } from 'node:stream/promises';
import type { SpoolRange } from '../output-view.ts';
import type { RunFolder } from './run-folder.ts';

/** So much is written at once: for little, a thread's way there and back takes longer than the disk. */
const atOnceBytes = 65_536;

/** Where a text stands: a range that begins behind another one begins with the line break between the two. */
export interface KeptText {
  path: string;
  kept: SpoolRange;
}

/**
 * A file of many texts in a row, one below the other. A text that does not stand any more stays in it until the file is
 * written anew, under the next name, so that a process that dies meanwhile leaves the old one whole.
 */
export class SharedText {
  readonly #folder: RunFolder;
  readonly #name: string;
  #generation = 0;
  #size = 0;
  #dead = 0;
  /** An earlier version of the bot kept texts without saying where. */
  #isFixed = false;

  constructor(folder: RunFolder, name: string) {
    this.#folder = folder;
    this.#name = name;
  }

  get path(): string {
    return this.#pathOf(this.#generation);
  }

  get standingBytes(): number {
    return this.#size - this.#dead;
  }

  /** Bytes of texts that do not stand any more. */
  get deadBytes(): number {
    return this.#isFixed ? 0 : this.#dead;
  }

  /** Rejects where the disk refuses. */
  async append(text: string): Promise<KeptText> {
    const bytes = Buffer.from(this.#size === 0 ? text : `\n${text}`);
    this.#folder.make();
    if (bytes.length <= atOnceBytes) appendFileSync(this.path, bytes);
    else await appendFile(this.path, bytes);
    const kept = { from: this.#size, to: this.#size + bytes.length };
    this.#size = kept.to;
    return { path: this.path, kept };
  }

  /** The texts of these ranges do not stand any more. */
  release(ranges: readonly SpoolRange[]): void {
    this.#dead += bytesOf(ranges);
  }

  /**
   * Writes these texts, in this order, into the next file. The one until now stays: whoever keeps where the texts stand
   * calls `forgetOld` after that. Rejects where the disk refuses, and then nothing has changed.
   */
  async rewrite(ranges: readonly SpoolRange[]): Promise<(kept: SpoolRange) => KeptText> {
    const old = this.path;
    const moved = new Map<number, SpoolRange>();
    const next = this.#pathOf(this.#generation + 1);
    await rm(next, { force: true });
    const file = createWriteStream(next).on('error', () => {});
    try {
      let size = 0;
      for (const { from, to } of ranges) {
        if (moved.has(from)) continue;
        const start = size;
        if (start > 0) size += await write(file, Buffer.from('\n'));
        const text = createReadStream(old, { start: from > 0 ? from + 1 : 0, end: to - 1 });
        for await (const chunk of text) size += await write(file, chunk);
        moved.set(from, { from: start, to: size });
      }
      file.end();
      await finished(file);
      this.#generation += 1;
      this.#size = size;
      this.#dead = 0;
    } catch (error) {
      file.destroy();
      throw error;
    }
    const { path } = this;
    return (kept) => ({ path, kept: moved.get(kept.from) ?? kept });
  }

  /** The file before the one that stands now goes. */
  async forgetOld(): Promise<void> {
    if (this.#generation > 0) await rm(this.#pathOf(this.#generation - 1), { force: true });
  }

  /** After a crash: `standing` are the texts that still do; a file that holds none of them goes. */
  async recover(standing: readonly Partial<KeptText>[]): Promise<void> {
    const path = standing.find((text) => text.path !== undefined)?.path;
    for (const name of await readdir(this.#folder.path)) {
      const generation = this.#generationOf(name);
      if (generation === undefined) continue;
      if (this.#folder.at(name) === path) this.#generation = generation;
      else await rm(this.#folder.at(name), { force: true });
    }
    this.#size = (await stat(this.path).catch(() => undefined))?.size ?? 0;
    this.#isFixed = standing.some((text) => text.kept === undefined);
    this.#dead = this.#size - bytesOf(standing.flatMap(({ kept }) => (kept === undefined ? [] : [kept])));
  }

  /** `results.txt`, `results.1.txt`, … */
  #pathOf(generation: number): string {
    const extension = extname(this.#name);
    const stem = this.#name.slice(0, -extension.length);
    return this.#folder.at(generation === 0 ? this.#name : `${stem}.${generation}${extension}`);
  }

  #generationOf(name: string): number | undefined {
    if (name === this.#name) return 0;
    const generation = Number(name.split('.')[1]);
    return this.#folder.at(name) === this.#pathOf(generation) ? generation : undefined;
  }
}

/** Parts of one text have the same range. */
export function bytesOf(ranges: readonly SpoolRange[]): number {
  const byStart = new Map(ranges.map(({ from, to }) => [from, to - from]));
  return [...byStart.values()].reduce((sum, bytes) => sum + bytes, 0);
}

async function write(file: WriteStream, bytes: Buffer): Promise<number> {
  if (!file.write(bytes)) await once(file, 'drain');
  return bytes.length;
}
