import type { StoreSettings } from '../config/store-url.ts';
import { StoreError } from '../errors.ts';
import { silentLog } from '../log.ts';
import { openStore } from '../store/open.ts';
import type { Report } from './report.ts';

const LEASE_MS = 1_000;
/** The running bot holds an SQLite file for as long as it runs, so waiting long for it is in vain. */
const LOCK_WAIT_MS = 300;

/** Opens the store; where no other process can have it, it is written to as well. */
export async function checkStore(settings: StoreSettings, report: Report): Promise<void> {
  const what = 'store';
  try {
    const store = await openStore({ url: settings.address, log: silentLog, lockWaitMs: LOCK_WAIT_MS });
    try {
      await store.runs.ping();
      if (store.kind !== 'redis') await store.lease.acquire(LEASE_MS).then(() => store.lease.release());
    } finally {
      await store.close();
    }
    report.ok(what, `${store.kind}: it answers${store.kind === 'redis' ? '' : ' and can be written'}.`);
    if (store.kind === 'memory') report.note('STORE_URL is memory: nothing survives a restart.');
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    if (error.code === 'locked')
      report.skipped(what, 'Another process holds the SQLite file: right, when the bot is running here.');
    else report.failed(what, error.message, remedyOf(settings, error));
  }
}

function remedyOf({ kind }: StoreSettings, { code }: StoreError): string {
  if (kind !== 'redis') return 'Give STORE_URL a path that this user may write, on a disk with room.';
  return code === 'silent'
    ? 'Start Redis, or correct host and port in STORE_URL.'
    : 'Correct user, password or database in STORE_URL.';
}
