import { mkdtemp, readdir, rm, rmdir, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { ConfigError } from '../../errors.ts';
import { createFolder } from '../../folders.ts';

/** A full disk would stop the store, and the bot could not even end the run whose output fills it. */
const LEFT_FREE_BYTES = 100_000_000;
const LEFT_FREE_SHARE = 0.1;
/** How soon it is asked again how much is free; other programs may write, too. */
const FREE_KNOWN_MS = 500;

/** The output of all runs together has reached SPOOL_LIMIT, or the disk has no room beside what it leaves free. */
export class SpoolFullError extends Error {
  override readonly name = 'SpoolFullError';

  constructor() {
    super('there is no room for more output: SPOOL_LIMIT is reached, or the disk is nearly full');
  }
}

/**
 * The bytes that all runs of this process may use on the disk (SPOOL_LIMIT), as far as it has room for them. Output of
 * posted runs, kept only for late output, is deleted when others need the room, oldest first.
 */
export class SpoolBudget {
  readonly #maxBytes: number;
  readonly #readFree: () => Promise<number>;
  readonly #spare = new Set<() => void>();
  /** What the disk has said last, and what was used when it was asked. */
  #free = { bytes: Infinity, usedBytes: 0 };
  #nextLookMs = 0;
  usedBytes = 0;

  /** `readFree`: how many bytes the disk has room for. Never rejects. */
  constructor(maxBytes: number, readFree: () => Promise<number> = async () => Infinity) {
    this.#maxBytes = maxBytes;
    this.#readFree = readFree;
    void this.#look();
  }

  /** How many of `wanted` bytes may be written. */
  roomFor(wanted: number): number {
    for (const giveUp of this.#spare) {
      if (this.#room() >= wanted) break;
      this.#spare.delete(giveUp);
      giveUp();
    }
    return Math.max(0, Math.min(wanted, this.#room()));
  }

  #room(): number {
    if (performance.now() >= this.#nextLookMs) void this.#look();
    const { bytes, usedBytes } = this.#free;
    return Math.min(this.#maxBytes - this.usedBytes, bytes + usedBytes - this.usedBytes);
  }

  /** Nothing waits for it: a disk on the network may take long, or give no answer at all. */
  async #look(): Promise<void> {
    this.#nextLookMs = Infinity;
    const { usedBytes } = this;
    this.#free = { bytes: await this.#readFree(), usedBytes };
    this.#nextLookMs = performance.now() + FREE_KNOWN_MS;
  }

  /** A negative number releases bytes. */
  count(bytes: number): void {
    this.usedBytes += bytes;
  }

  /** `giveUp` is called once when others need the room; it must release its bytes synchronously. */
  offer(giveUp: () => void): void {
    this.#spare.add(giveUp);
  }

  withdraw(giveUp: (() => void) | undefined): void {
    if (giveUp !== undefined) this.#spare.delete(giveUp);
  }
}

/** How many bytes the disk of a folder has room for, without those that are left free; Infinity if it does not say. */
export async function roomOnDisk(dir: string): Promise<number> {
  try {
    const { bavail, blocks, bsize } = await statfs(dir);
    if (blocks === 0) return Infinity;
    return Math.max(0, bavail * bsize - Math.min(LEFT_FREE_BYTES, LEFT_FREE_SHARE * blocks * bsize));
  } catch {
    return Infinity;
  }
}

interface SpoolFolder {
  dir: string;
  /** The parent folder, for files that share its fate if it is temporary. */
  parent: string;
  close: () => Promise<void>;
}

/**
 * Creates the folder `spool` in `place`, or a temporary one that `close` removes. Throws `ConfigError` if the folder
 * cannot be written; otherwise only the first run with output would notice.
 */
export async function openSpoolFolder(place: string | undefined): Promise<SpoolFolder> {
  if (place === undefined) {
    const dir = await mkdtemp(join(tmpdir(), 'sparkthread-'));
    return { dir, parent: dir, close: async () => await rm(dir, { recursive: true, force: true }) };
  }
  const dir = resolve(place, 'spool');
  try {
    createFolder(dir, 0o700);
    await rmdir(await mkdtemp(join(dir, 'start-')));
  } catch (error) {
    const reason = error instanceof Error && 'code' in error ? error.code : error;
    throw new ConfigError([
      `The folder ${dir} is where output is kept until its answer is posted, and it cannot be written (${String(reason)}). SPOOL_DIR names another place.`,
    ]);
  }
  return { dir, parent: dirname(dir), close: async () => {} };
}

/**
 * Deletes the output of ended runs: there is a folder for each run, named by its id, and another for a notebook
 * (`ID.notebook`). `unposted`: runs whose output is still needed.
 */
export async function sweepSpool(dir: string, unposted: ReadonlySet<string>): Promise<void> {
  const names = await readdir(dir).catch(() => []);
  for (const name of names)
    if (!unposted.has(name.split('.')[0] ?? name))
      await rm(join(dir, name), { recursive: true, force: true });
}
