import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { appendFile, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { GrowingFile } from '../model/picture.ts';
import { piecesOf } from '../terminal/terminal-reader.ts';
import { SpoolBudget, SpoolFullError } from './spool.ts';

/** Most files of an answer; further outputs are not kept. */
const MAX_FILES = 1_000;
/**
 * The first small files are written synchronously: for them, going through the thread pool takes longer than the disk.
 */
const FILES_AT_ONCE = 20;
const AT_ONCE_BYTES = 65_536;
/** How much of a longer text is encoded at once. */
const PIECE_CHARS = 1_000_000;
/** How much replaced or cleared output may wait on the disk for the next snapshot. */
const STALE_BYTES = 1_000_000;
const STALE_FILES = 200;

/**
 * The files of one run within its limits: MAX_OUTPUT counts the current files and the stream text. The folder is
 * created for its first file. A file is never overwritten, because the snapshot on the disk may name it; a replaced
 * file is deleted after the next snapshot.
 */
export class RunFolder {
  readonly path: string;
  /** A file was refused because there are too many bytes or files. */
  isFull = false;
  readonly #keepsLeftovers: boolean;
  readonly #maxBytes: number;
  readonly #maxFiles: number;
  /** Called when the disk or the budget refuses, here or when other parts write into the folder. */
  readonly onFailure: (error: unknown) => void;
  readonly #budget: SpoolBudget;
  readonly #sizes = new Map<string, number>();
  readonly #stale = new Set<string>();
  #fileBytes = 0;
  #staleBytes = 0;
  #streamBytes = 0;
  #isMade = false;
  #count = 0;
  /** Its share of the budget. */
  #budgetBytes = 0;
  #snapshotBytes = 0;
  #giveUp: (() => void) | undefined;

  /**
   * `keepsLeftovers`: files that an earlier process stored for this run belong to it; otherwise they are deleted. After
   * `onFailure`, parts go without their files.
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

  /** The path of a file in the folder, for reading. */
  at(name: string): string {
    return join(this.path, name);
  }

  /** Creates the folder before its first file. Throws if the disk fails. */
  begin(): void {
    if (this.#isMade) return;
    const isNew = mkdirSync(this.path, { recursive: true }) !== undefined;
    if (!isNew && !this.#keepsLeftovers) {
      rmSync(this.path, { recursive: true, force: true });
      mkdirSync(this.path);
    }
    this.#isMade = true;
  }

  /** How many bytes may still be written. */
  get room(): number {
    return this.#maxBytes - this.#streamBytes - this.#fileBytes;
  }

  countStream(bytes: number): void {
    this.#streamBytes += bytes;
    this.#countOnDisk(bytes);
  }

  /** Counts the snapshot, even if there is no room: without it the other files are useless after a crash. */
  countSnapshot(bytes: number): void {
    this.roomOnDisk(bytes - this.#snapshotBytes);
    this.#countOnDisk(bytes - this.#snapshotBytes);
    this.#snapshotBytes = bytes;
  }

  /** How many of `wanted` bytes the limit for all runs leaves. */
  roomOnDisk(wanted: number): number {
    return this.#budget.roomFor(wanted);
  }

  /**
   * Reserves room for a file made from others, which does not count towards the run's limit. False if there is no room.
   */
  takeRoom(bytes: number): boolean {
    if (this.roomOnDisk(bytes) < bytes) return false;
    this.#countOnDisk(bytes);
    return true;
  }

  /** Releases the room of such a file. */
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

  /** Writes a new file and returns its path; undefined if there is no room or the disk fails. */
  async write(name: string, content: string | Buffer): Promise<string | undefined> {
    const bytes = Buffer.byteLength(content);
    if (this.#sizes.size >= this.#maxFiles || bytes > this.room) {
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

  /** Appends the text of one file to `target`, which is created if undefined. */
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

  /** These files no longer count and are deleted by the next `sweep`. */
  release(paths: readonly string[]): void {
    for (const path of paths) {
      const bytes = this.#sizes.get(path);
      if (bytes === undefined) continue;
      this.#sizes.delete(path);
      this.#fileBytes -= bytes;
      this.#staleBytes += bytes;
      this.#stale.add(path);
    }
  }

  /** Deletes released files, which the snapshot on the disk no longer names. */
  async sweep(): Promise<void> {
    const stale = [...this.#stale];
    this.#stale.clear();
    this.#countOnDisk(-this.#staleBytes);
    this.#staleBytes = 0;
    await Promise.all(stale.map((path) => rm(path, { force: true })));
  }

  /** After a crash: keeps these files and deletes those that nothing names. */
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

  /** The run is posted: others may take the room; `giveUp` is then called and must remove the folder. */
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
