import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

export interface SpoolReaders {
  readUnposted: () => Promise<{ id: string }[]>;
  /** Whether another process may still put late output there. */
  isStillWritten: (runId: string) => Promise<boolean>;
}

/**
 * Deletes what runs left on disk that nobody will read again: one folder per run, named by its id. The folders are
 * listed first: what another process on this store begins after that is not among them.
 */
export async function sweepSpool(dir: string, { readUnposted, isStillWritten }: SpoolReaders): Promise<void> {
  const names = await readdir(dir).catch(() => []);
  const unposted = new Set((await readUnposted()).map(({ id }) => id));
  const left = names.filter((name) => !unposted.has(name));
  for (const name of left)
    if (!(await isStillWritten(name))) await rm(join(dir, name), { recursive: true, force: true });
}
