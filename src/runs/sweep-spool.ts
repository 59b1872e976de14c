import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

/** Deletes what runs left on disk that nobody will read again: one folder per run, named by its id. */
export async function sweepSpool(dir: string, unposted: ReadonlySet<string>): Promise<void> {
  const names = await readdir(dir).catch(() => []);
  const left = names.filter((name) => !unposted.has(name));
  await Promise.all(left.map((name) => rm(join(dir, name), { recursive: true, force: true })));
}
