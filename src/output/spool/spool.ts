import { mkdtemp, readdir, rm, rmdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { ConfigError } from '../../errors.ts';
import { createFolder } from '../../folders.ts';

/** The output of all runs together has reached SPOOL_LIMIT. */
export class SpoolFullError extends Error {
  override readonly name = 'SpoolFullError';

  constructor() {
    super('the output of all runs together has reached SPOOL_LIMIT');
  }
}

/**
 * The bytes that all runs of this process may use on the disk (SPOOL_LIMIT). Output of posted runs, kept only for late
 * output, is deleted when others need the room, oldest first.
 */
export class SpoolBudget {
  readonly #maxBytes: number;
  readonly #spare = new Set<() => void>();
  usedBytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** How many of `wanted` bytes may be written. */
  roomFor(wanted: number): number {
    for (const giveUp of this.#spare) {
      if (this.#maxBytes - this.usedBytes >= wanted) break;
      this.#spare.delete(giveUp);
      giveUp();
    }
    return Math.max(0, Math.min(wanted, this.#maxBytes - this.usedBytes));
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
