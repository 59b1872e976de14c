import type { Log } from '../log.ts';
import type { Store } from './store.ts';

/** Gives what makes a backup each time it is called, one at a time, and logs what became of it. */
export function createBackups(
  { kind, backUp }: Pick<Store<unknown>, 'kind' | 'backUp'>,
  log: Log,
): () => Promise<void> {
  let isBusy = false;
  return async () => {
    if (backUp === undefined)
      return log.warn(
        { event: 'backup.needless', store: kind },
        kind === 'redis' ? 'Redis makes its own backups' : 'a store in memory has no backup',
      );
    if (isBusy)
      return log.info({ event: 'backup.busy' }, 'a backup is being made already; no second one is begun');
    isBusy = true;
    try {
      const { path, bytes, durationMs } = await backUp();
      const ms = Math.round(durationMs);
      log.info({ event: 'backup.made', path, bytes, ms }, `a backup was made in ${ms} ms`);
    } catch (error) {
      log.error({ event: 'backup.failed', err: error }, 'no backup could be made');
    } finally {
      isBusy = false;
    }
  };
}
