import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openCacheFolder } from '../../../demo/provision/cache-folder.ts';
import { SetupError } from '../../../demo/provision/setup-error.ts';

test('a cache folder that cannot be made is told with what to do; a new one is made, and left empty', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sparkthread-cache-'));
  await writeFile(join(folder, 'taken'), '');
  const refused = openCacheFolder({ XDG_CACHE_HOME: join(folder, 'taken') });
  await expect(refused).rejects.toThrow(SetupError);
  await expect(refused).rejects.toThrow(
    /taken.sparkthread, .* cannot be written \(ENOTDIR\).* XDG_CACHE_HOME/,
  );
  const made = await openCacheFolder({ XDG_CACHE_HOME: join(folder, 'new', 'deep') });
  expect(await readdir(made)).toEqual([]);
  await rm(folder, { recursive: true });
});
