import { mkdtemp, readdir, rm, rmdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { ConfigError } from '../../errors.ts';
import { createFolder } from '../../folders.ts';

/** All runs' output together has used up SPOOL_LIMIT. */
export class SpoolFullError extends Error {
  override readonly name = 'SpoolFullError';

  constructor() {
    super('the output of all runs together has reached SPOOL_LIMIT');
  }
}

/**
 * The bytes that all runs of this process may have on the disk together (SPOOL_LIMIT). Output of posted runs that is
 * there only for what may come late is deleted when others need its room, the oldest first.
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

  /** Less than 0: they are free again. */
  count(bytes: number): void {
    this.usedBytes += bytes;
  }

  /** `giveUp` is called, once, when others need the room; it counts its bytes back at once. */
  offer(giveUp: () => void): void {
    this.#spare.add(giveUp);
  }

  withdraw(giveUp: (() => void) | undefined): void {
    if (giveUp !== undefined) this.#spare.delete(giveUp);
  }
}

interface SpoolFolder {
  dir: string;
  /** Beside it, for what is lost with it where it is temporary. */
  parent: string;
  close: () => Promise<void>;
}

/**
 * Makes the folder `spool` in `place`, or a temporary one that `close` removes. Throws `ConfigError` for a folder that
 * cannot be written, which the first run with output would find out else.
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
      `The folder ${dir} is where output is kept until its answer is posted, and it cannot be written (${String(reason)}).`,
    ]);
  }
  return { dir, parent: dirname(dir), close: async () => {} };
}

/**
 * Deletes the output that ended runs left on disk: one folder per run, named by its id, and one beside it for a notebook
 * (`ID.notebook`). `unposted`: still needed.
 */
export async function sweepSpool(dir: string, unposted: ReadonlySet<string>): Promise<void> {
  const names = await readdir(dir).catch(() => []);
  for (const name of names)
    if (!unposted.has(name.split('.')[0] ?? name))
      await rm(join(dir, name), { recursive: true, force: true });
}
