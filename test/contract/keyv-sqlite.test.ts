import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { silentLog } from '../../src/log.ts';
import { KeyvAdapter } from '../../src/store/keyv.ts';
import { openStore } from '../../src/store/open.ts';
import { openSqliteFile, SqliteLease } from '../../src/store/sqlite/database.ts';
import { createSqliteEntries } from '../../src/store/sqlite/store.ts';
import type { Store } from '../../src/store/store.ts';
import { expectClosedKeyv, keyvContract } from './keyv-contract.ts';
import { temporaryFolder } from './temporary-folder.ts';

const folder = temporaryFolder();
const lease = new SqliteLease(await openSqliteFile(join(folder, 'adapter.db'), 0));
const url = `sqlite:${join(folder, 'store.db')}`;
let store: Store<unknown>;
beforeAll(async () => {
  store = await openStore({ url, log: silentLog });
  await store.lease.acquire(60_000);
  await lease.acquire();
});
afterAll(async () => {
  await store.close();
  lease.db.close();
});

keyvContract('SQLite', { adapter: () => new KeyvAdapter(createSqliteEntries(lease)), store: () => store });

test('entries are there when the file is opened again', async () => {
  const again = `sqlite:${join(folder, 'again.db')}`;
  const first = await openStore({ url: again, log: silentLog });
  await first.lease.acquire(60_000);
  await first.keyv('kernels').set('T1/C1', { id: 'k1' });
  await first.close();
  const second = await openStore({ url: again, log: silentLog });
  expect(await second.keyv('kernels').get('T1/C1')).toEqual({ id: 'k1' });
  await second.close();
});

test('a closed store rejects every call', async () => {
  const closed = await openStore({ url: 'memory:', log: silentLog });
  const keyv = closed.keyv('kernels');
  await closed.close();
  await expectClosedKeyv(keyv);
});
