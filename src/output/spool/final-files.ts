import { createReadStream, createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { basename, extname } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { ZipFile } from 'yazl';
import type { OutputModel } from '../model/output-model.ts';
import type { TextKind } from '../model/picture.ts';
import type { OutputLoss, OutputPart } from '../output-view.ts';
import { PartFiles, TEXT_FILES } from './part-files.ts';
import type { RunFolder } from './run-folder.ts';
import { SpoolFullError } from './spool.ts';

/** Creates the files of a finished run, and again after late output. */
export class FinalFiles {
  readonly #folder: RunFolder;
  readonly #joined: Readonly<Record<TextKind, MadeFile>>;
  readonly #archive: MadeFile;
  /** The tables from streams of the last two times: those of the last one may be uploading. */
  #tables: (readonly string[])[] = [];

  constructor(folder: RunFolder) {
    this.#folder = folder;
    this.#joined = {
      results: new MadeFile(folder, TEXT_FILES.results, joinTexts),
      tracebacks: new MadeFile(folder, TEXT_FILES.tracebacks, joinTexts),
    };
    this.#archive = new MadeFile(folder, 'more.zip', zipFiles);
  }

  /** The parts in their final form. */
  async make(model: OutputModel, spoolPath: string | undefined): Promise<OutputPart[]> {
    const { parts, files } = await new PartFiles(this.#folder).addWithTables(model.parts, spoolPath);
    this.#folder.release(this.#tables[0] ?? []);
    this.#tables = [...this.#tables.slice(-1), files];
    const { overflow } = model;
    await this.#joined.results.make(model.texts('results'), overflow.results?.bytes);
    await this.#joined.tracebacks.make(model.texts('tracebacks'), overflow.tracebacks?.bytes);
    await this.#archive.make(overflow.files.filter((path) => this.#folder.has(path)));
    return parts.map((part) => {
      if (!('path' in part) || part.path === undefined) return part;
      if (part.kind === 'text' || part.kind === 'table') return { ...part, path: this.#joined.results.path };
      return part.kind === 'error' ? { ...part, path: this.#joined.tracebacks.path } : part;
    });
  }

  /** Adds the files of outputs that are not shown to the losses. */
  complete(losses: readonly OutputLoss[]): OutputLoss[] {
    const archive = this.#archive.path;
    return losses.map((loss) => {
      if (loss.kind !== 'tooMany') return loss;
      const path = loss.path === undefined ? undefined : this.#joined.results.path;
      return { ...loss, path, ...(archive === undefined ? {} : { archive }) };
    });
  }
}

/**
 * A file made from others. It gets a new name whenever its sources change, because the previous file may be uploading.
 * A single text is used directly.
 */
class MadeFile {
  readonly #folder: RunFolder;
  readonly #name: string;
  readonly #write: (path: string, sources: readonly string[]) => Promise<void>;
  #sources = '';
  #versions = 0;
  #before: { path: string; bytes: number } | undefined;
  #made: { path: string; bytes: number } | undefined;
  /** Undefined if there is nothing, or the disk fails. */
  path: string | undefined;

  constructor(
    folder: RunFolder,
    name: string,
    write: (path: string, sources: readonly string[]) => Promise<void>,
  ) {
    this.#folder = folder;
    this.#name = name;
    this.#write = write;
  }

  /** `bytes`: the size of the one source that may grow. */
  async make(sources: readonly string[], bytes?: number): Promise<void> {
    const named = JSON.stringify([sources, bytes]);
    if (named === this.#sources) return;
    this.#sources = named;
    const extension = extname(this.#name);
    const stem = this.#name.slice(0, -extension.length);
    const path = this.#folder.at(this.#versions === 0 ? this.#name : `${stem}.${this.#versions}${extension}`);
    this.path = this.#write === joinTexts && sources.length === 1 ? sources[0] : undefined;
    if (sources.length === 0 || this.path !== undefined) return;
    const size = this.#folder.sizeOf(sources);
    if (!this.#folder.takeRoom(size)) return this.#folder.onFailure(new SpoolFullError());
    try {
      await this.#write(path, sources);
    } catch (error) {
      await rm(path, { force: true }).catch(() => undefined);
      this.#folder.giveRoom(size);
      this.#sources = '';
      return this.#folder.onFailure(error);
    }
    try {
      if (this.#before !== undefined) await rm(this.#before.path, { force: true });
      this.#folder.giveRoom(this.#before?.bytes ?? 0);
      this.#before = this.#made;
      this.#made = { path, bytes: size };
      this.#versions += 1;
      this.path = path;
    } catch (error) {
      this.#folder.onFailure(error);
    }
  }
}

async function joinTexts(path: string, sources: readonly string[]): Promise<void> {
  await pipeline(textsOf(sources), createWriteStream(path));
}

async function* textsOf(sources: readonly string[]): AsyncGenerator<Buffer | string> {
  for (const [index, source] of sources.entries()) {
    if (index > 0) yield '\n';
    yield* createReadStream(source);
  }
}

/** The files are not compressed: pictures already are. */
async function zipFiles(path: string, sources: readonly string[]): Promise<void> {
  const archive = new ZipFile();
  const written = createWriteStream(path);
  archive.on('error', (error: Error) => written.destroy(error));
  for (const source of sources) archive.addFile(source, basename(source), { compress: false });
  archive.end();
  await pipeline(archive.outputStream, written);
}
