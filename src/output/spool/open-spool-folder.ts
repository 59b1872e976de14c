import { mkdir, mkdtemp, rm, rmdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { ConfigError } from '../../errors.ts';

export interface SpoolFolder {
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
    await mkdir(dir, { recursive: true, mode: 0o700 });
    await rmdir(await mkdtemp(join(dir, 'start-')));
  } catch (error) {
    const reason = error instanceof Error && 'code' in error ? error.code : error;
    throw new ConfigError([
      `The folder ${dir} is where output is kept until its answer is posted, and it cannot be written (${String(reason)}).`,
    ]);
  }
  return { dir, parent: dirname(dir), close: async () => {} };
}
