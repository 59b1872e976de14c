import { appendFileSync } from 'node:fs';
import { appendFile, readdir, rm, stat } from 'node:fs/promises';
import type { Dropped, OutputFold, SharedKind } from '../output-model.ts';
import { ownFileOf, sharedKindOf, type OutputPart, type SpoolRange } from '../output-view.ts';
import type { RunFolder } from './run-folder.ts';
import { bytesOf, SharedText, type KeptText } from './shared-text.ts';

/** So much is written at once: for little, a thread's way there and back takes longer than the disk. */
const atOnceBytes = 65_536;

/** So much that does not stand any more may stay on the disk, or as much as what stands. */
const deadBytesKept = 1_000_000;

/**
 * What a run keeps on the disk beside its streams, at most `maxBytes` of what stands: texts share a file, the rest has
 * files of its own.
 */
export class KeptFiles {
  readonly #folder: RunFolder;
  readonly #maxBytes: number;
  readonly #onRefused: (error: unknown) => void;
  /** Sizes of the files that only one part has. */
  #sizes = new Map<string, number>();
  #ownBytes = 0;
  readonly #shared: Readonly<Record<SharedKind, SharedText>>;
  /** Bytes of what the next output puts out of the picture. */
  #replacedBytes = 0;
  #count = 0;
  limited = false;

  /** `onRefused` is told when the disk takes no more; parts then go without their files. */
  constructor(folder: RunFolder, maxBytes: number, onRefused: (error: unknown) => void) {
    this.#folder = folder;
    this.#maxBytes = maxBytes;
    this.#onRefused = onRefused;
    this.#shared = {
      results: new SharedText(folder, 'results.txt'),
      tracebacks: new SharedText(folder, 'traceback.txt'),
    };
  }

  /** After a crash: takes what stands into account, and deletes what nothing speaks of. */
  async recover(fold: OutputFold): Promise<void> {
    for (const kind of sharedKinds) await this.#shared[kind].recover(fold.standing(kind));
    const standing = new Set(fold.ownFiles);
    for (const name of await readdir(this.#folder.path)) {
      if (!/^\d+-/.test(name)) continue;
      const path = this.#folder.at(name);
      this.#count = Math.max(this.#count, Number.parseInt(name, 10));
      if (standing.has(path)) this.#hold(path, (await stat(path)).size);
      else await rm(path, { force: true });
    }
  }

  /** What stands is counted without these until something is forgotten: they make room for what comes. */
  replace(parts: readonly OutputPart[]): void {
    this.#replacedBytes = sharedKinds.reduce((sum, kind) => sum + bytesOf(rangesOf(parts, kind)), 0);
    const own = new Set(parts.flatMap((part) => ownFileOf(part) ?? []));
    for (const path of own) this.#replacedBytes += this.#sizes.get(path) ?? 0;
  }

  /** So much on the disk does not stand any more that it is worth writing the rest anew. */
  get isWorn(): boolean {
    return this.#dead > Math.max(deadBytesKept, this.#standing);
  }

  /** Whether a text in the shared files does not stand any more. */
  get hasDead(): boolean {
    return this.#dead > 0;
  }

  /** Writes the shared texts anew as they stand in the picture, which is told where they are from now on. */
  async rewrite(fold: OutputFold): Promise<void> {
    for (const kind of sharedKinds) {
      const shared = this.#shared[kind];
      if (shared.deadBytes === 0) continue;
      const ranges = fold.standing(kind).flatMap(({ kept }) => kept ?? []);
      fold.move(kind, await shared.rewrite(ranges));
    }
  }

  /** The journal knows where the texts stand since the last `rewrite`. */
  async forgetOld(): Promise<void> {
    for (const kind of sharedKinds) await this.#shared[kind].forgetOld();
  }

  get #dead(): number {
    return sharedKinds.reduce((sum, kind) => sum + this.#shared[kind].deadBytes, 0);
  }

  get #standing(): number {
    return sharedKinds.reduce((sum, kind) => sum + this.#shared[kind].standingBytes, this.#ownBytes);
  }

  share(kind: SharedKind, text: string): Promise<KeptText | undefined> {
    return this.#keep(Buffer.byteLength(text), () => this.#shared[kind].append(text));
  }

  /** Deletes what is in the picture no more. */
  async forget({ parts, crowds }: Dropped): Promise<void> {
    this.#replacedBytes = 0;
    for (const kind of sharedKinds) {
      this.#shared[kind].release(rangesOf(parts, kind));
      for (const crowd of crowds) this.#shared[kind].release(crowd[kind].ranges);
    }
    await this.forgetFiles([
      ...parts.flatMap((part) => ownFileOf(part) ?? []),
      ...crowds.flatMap(({ files }) => files),
    ]);
  }

  async forgetFiles(paths: readonly string[]): Promise<void> {
    for (const path of paths) {
      const size = this.#sizes.get(path);
      if (size === undefined) continue;
      this.#sizes.delete(path);
      this.#ownBytes -= size;
      await rm(path, { force: true });
    }
  }

  /** The path of a new file; undefined when there is no room for it. */
  write(name: string, content: string | Buffer): Promise<string | undefined> {
    this.#count += 1;
    const path = this.#folder.at(`${this.#count}-${name}`);
    const bytes = Buffer.from(content);
    return this.#keep(bytes.length, async () => {
      this.#folder.make();
      if (bytes.length <= atOnceBytes) appendFileSync(path, bytes);
      else await appendFile(path, bytes);
      this.#hold(path, bytes.length);
      return path;
    });
  }

  #hold(path: string, bytes: number): void {
    this.#sizes.set(path, bytes);
    this.#ownBytes += bytes;
  }

  async #keep<T>(bytes: number, write: () => Promise<T>): Promise<T | undefined> {
    const isTooMuch = this.#standing - this.#replacedBytes + bytes > this.#maxBytes;
    this.limited ||= isTooMuch;
    if (isTooMuch) return undefined;
    try {
      return await write();
    } catch (error) {
      this.#onRefused(error);
      return undefined;
    }
  }
}

const sharedKinds: readonly SharedKind[] = ['results', 'tracebacks'];

function rangesOf(parts: readonly OutputPart[], kind: SharedKind): SpoolRange[] {
  return parts.flatMap((part) => (sharedKindOf(part) === kind && 'kept' in part ? (part.kept ?? []) : []));
}
