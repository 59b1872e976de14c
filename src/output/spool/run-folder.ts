import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { appendFile, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { GrowingFile } from '../model/picture.ts';
import { piecesOf } from '../terminal/terminal-reader.ts';
import { SpoolBudget, SpoolFullError } from './spool.ts';

/** Files that an answer may have; what it shows beyond that is not kept. */
const MAX_FILES = 1_000;
/** The first small files are written at once: for them, a thread's way there and back takes longer than the disk. */
const FILES_AT_ONCE = 20;
const AT_ONCE_BYTES = 65_536;
/** Of a longer text so much becomes bytes at once. */
const PIECE_CHARS = 1_000_000;
/** So much of what was replaced or cleared may wait on the disk for the next snapshot. */
const STALE_BYTES = 1_000_000;
const STALE_FILES = 200;

/**
 * The files of one run, within its limits: MAX_OUTPUT counts the files that the picture has and the stream text. The
 * folder is made for its first file. A file is never written over: the snapshot on
 * the disk may name it, so what was replaced is deleted after the next one.
 */
export class RunFolder {
  readonly path: string;
  /** A file was refused, because there are too many bytes or files. */
  isFull = false;
  readonly #keepsLeftovers: boolean;
  readonly #maxBytes: number;
  readonly #maxFiles: number;
  /** Told that the disk refuses, or the budget, here and by what else is written into the folder. */
  readonly onFailure: (error: unknown) => void;
  readonly #budget: SpoolBudget;
  readonly #sizes = new Map<string, number>();
  readonly #stale = new Set<string>();
  #fileBytes = 0;
  #staleBytes = 0;
  #streamBytes = 0;
  /** What the next output replaces makes room for it. */
  #replaced = { bytes: 0, files: 0 };
  #isMade = false;
  #count = 0;
  /** What it has of the budget. */
  #budgetBytes = 0;
  #snapshotBytes = 0;
  #giveUp: (() => void) | undefined;

  /**
   * `keepsLeftovers`: what an earlier process kept of this run belongs to it; else it is deleted. Where
   * `onFailure` was told, parts go without their files.
   */
  constructor(
    path: string,
    maxBytes: number,
    keepsLeftovers: boolean,
    onFailure: (error: unknown) => void,
    budget = new SpoolBudget(Infinity),
    maxFiles = MAX_FILES,
  ) {
    this.#maxFiles = maxFiles;
    this.#budget = budget;
    this.path = path;
    this.#maxBytes = maxBytes;
    this.#keepsLeftovers = keepsLeftovers;
    this.onFailure = onFailure;
  }

  /** The path of a file in it, for reading. */
  at(name: string): string {
    return join(this.path, name);
  }

  /** Makes the folder before its first file. Throws where the disk refuses. */
  begin(): void {
    if (this.#isMade) return;
    const isNew = mkdirSync(this.path, { recursive: true }) !== undefined;
    if (!isNew && !this.#keepsLeftovers) {
      rmSync(this.path, { recursive: true, force: true });
      mkdirSync(this.path);
    }
    this.#isMade = true;
  }

  /** Bytes that may still be written. */
  get room(): number {
    return this.#maxBytes - this.#streamBytes - this.#fileBytes + this.#replaced.bytes;
  }

  countStream(bytes: number): void {
    this.#streamBytes += bytes;
    this.#countOnDisk(bytes);
  }

  /** The snapshot takes so many bytes now, room or not: without it the other files are worth nothing after a crash. */
  countSnapshot(bytes: number): void {
    this.roomOnDisk(bytes - this.#snapshotBytes);
    this.#countOnDisk(bytes - this.#snapshotBytes);
    this.#snapshotBytes = bytes;
  }

  /** How many of `wanted` bytes all runs together leave room for. */
  roomOnDisk(wanted: number): number {
    return this.#budget.roomFor(wanted);
  }

  /** A file of `bytes` that is made of others, which no limit of the run counts. False when there is no room for it. */
  takeRoom(bytes: number): boolean {
    if (this.roomOnDisk(bytes) < bytes) return false;
    this.#countOnDisk(bytes);
    return true;
  }

  /** The same file is gone. */
  giveRoom(bytes: number): void {
    this.#countOnDisk(-bytes);
  }

  sizeOf(paths: readonly string[]): number {
    return paths.reduce((sum, path) => sum + (this.#sizes.get(path) ?? 0), 0);
  }

  has(path: string): boolean {
    return this.#sizes.has(path);
  }

  /** So much was replaced that the next snapshot should not wait. */
  get isStale(): boolean {
    return this.#staleBytes > STALE_BYTES || this.#stale.size > STALE_FILES;
  }

  /** These files go with the next output: they make room for it until something is released. */
  replace(paths: readonly string[]): void {
    this.#replaced = { bytes: this.sizeOf(paths), files: paths.length };
  }

  /** The path of a new file; undefined when there is no room for it, or the disk refuses. */
  async write(name: string, content: string | Buffer): Promise<string | undefined> {
    const bytes = Buffer.byteLength(content);
    if (this.#sizes.size - this.#replaced.files >= this.#maxFiles || bytes > this.room) {
      this.isFull = true;
      return undefined;
    }
    if (this.roomOnDisk(bytes) < bytes) {
      this.onFailure(new SpoolFullError());
      return undefined;
    }
    this.#count += 1;
    const path = this.at(`${this.#count}-${name}`);
    try {
      this.begin();
      if (this.#count <= FILES_AT_ONCE && bytes <= AT_ONCE_BYTES) writeFileSync(path, content);
      else await writeFile(path, typeof content === 'string' ? piecesOf(content, PIECE_CHARS) : content);
    } catch (error) {
      this.onFailure(error);
      return undefined;
    }
    this.#hold(path, bytes);
    return path;
  }

  /** Moves the text of one file to the end of another one, which is begun where there is none; below what is in it. */
  async move(source: string, name: string, target?: GrowingFile): Promise<GrowingFile | undefined> {
    try {
      const text = await readFile(source);
      if (target === undefined) this.#count += 1;
      const { path, bytes } = target ?? { path: this.at(`${this.#count}-${name}`), bytes: 0 };
      const moved = bytes === 0 ? text : Buffer.concat([Buffer.from('\n'), text]);
      await appendFile(path, moved);
      this.#fileBytes -= this.#sizes.get(path) ?? 0;
      this.#hold(path, bytes + moved.length);
      this.release([source]);
      return { path, bytes: bytes + moved.length };
    } catch (error) {
      this.onFailure(error);
      return target;
    }
  }

  /** They count no more, and go with the next `sweep`. */
  release(paths: readonly string[]): void {
    this.#replaced = { bytes: 0, files: 0 };
    for (const path of paths) {
      const bytes = this.#sizes.get(path);
      if (bytes === undefined) continue;
      this.#sizes.delete(path);
      this.#fileBytes -= bytes;
      this.#staleBytes += bytes;
      this.#stale.add(path);
    }
  }

  /** Deletes what was released: the snapshot on the disk names it no more. */
  async sweep(): Promise<void> {
    const stale = [...this.#stale];
    this.#stale.clear();
    this.#countOnDisk(-this.#staleBytes);
    this.#staleBytes = 0;
    await Promise.all(stale.map((path) => rm(path, { force: true })));
  }

  /** After a crash: takes over these files, and deletes those that nothing names. */
  async recover(files: readonly string[], growing: readonly GrowingFile[]): Promise<void> {
    for (const { path, bytes } of growing) await truncate(path, bytes).catch(() => {});
    const known = new Set([...files, ...growing.map(({ path }) => path)]);
    for (const name of await readdir(this.path)) {
      const path = this.at(name);
      if (known.has(path)) this.#hold(path, (await stat(path)).size);
      else if (name === SNAPSHOT_FILE) this.countSnapshot((await stat(path)).size);
      else if (name !== STREAM_FILE) await rm(path, { force: true });
      this.#count = Math.max(this.#count, Number.parseInt(name, 10) || 0);
    }
  }

  /** The run is posted: others may have the room, then `giveUp` is called and is to remove the folder. */
  offer(giveUp: () => void): void {
    this.#budget.withdraw(this.#giveUp);
    this.#giveUp = () => {
      this.#countOnDisk(-this.#budgetBytes);
      giveUp();
    };
    this.#budget.offer(this.#giveUp);
  }

  async remove(): Promise<void> {
    this.#budget.withdraw(this.#giveUp);
    await rm(this.path, { recursive: true, force: true });
    this.#countOnDisk(-this.#budgetBytes);
  }

  #countOnDisk(bytes: number): void {
    this.#budgetBytes += bytes;
    this.#budget.count(bytes);
  }

  #hold(path: string, bytes: number): void {
    this.#countOnDisk(bytes - (this.#sizes.get(path) ?? 0));
    this.#sizes.set(path, bytes);
    this.#fileBytes += bytes;
  }
}

export const STREAM_FILE = 'output.txt';
export const SNAPSHOT_FILE = 'parts.json';
