import { mkdir, mkdtemp, rmdir } from 'node:fs/promises';
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { SetupError } from './setup-error.ts';

/** Where everything that is installed for the demo and the tests lives: `$XDG_CACHE_HOME/sparkthread`, else `~/.cache/sparkthread`. */
export function cacheFolder(environment: NodeJS.ProcessEnv): string {
  const base = environment['XDG_CACHE_HOME'];
  // The XDG base directory specification: a relative path is to be ignored.
  return join(base && isAbsolute(base) ? base : join(homedir(), '.cache'), 'sparkthread');
}

/**
 * The same folder, which is there and can be written.
 * @throws SetupError that says what else to do
 */
export async function openCacheFolder(environment: NodeJS.ProcessEnv): Promise<string> {
  const folder = cacheFolder(environment);
  try {
    await mkdir(folder, { recursive: true });
    await rmdir(await mkdtemp(join(folder, 'try-')));
    return folder;
  } catch (error) {
    const reason = error instanceof Error && 'code' in error ? error.code : error;
    throw new SetupError(
      `${folder}, where what is installed for the demo lives, cannot be written (${String(reason)}). ` +
        'Name another folder in XDG_CACHE_HOME.',
    );
  }
}
