import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';

/** Where everything that is installed for the demo and the tests lives: `$XDG_CACHE_HOME/sparkthread`, else `~/.cache/sparkthread`. */
export function cacheFolder(environment: NodeJS.ProcessEnv): string {
  const base = environment['XDG_CACHE_HOME'];
  // The XDG base directory specification: a relative path is to be ignored.
  return join(base && isAbsolute(base) ? base : join(homedir(), '.cache'), 'sparkthread');
}
