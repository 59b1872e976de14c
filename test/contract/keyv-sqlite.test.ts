import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { silentLog } from '../../src/log.ts';
import { openStore, type Store } from '../../src/store/open-store.ts';
import { openSqliteFile } from '../../src/store/sqlite/sqlite-file.ts';
import { SqliteKeyv } from '../../src/store/sqlite/sqlite-keyv.ts';
import { expectClosedKeyv, keyvContract } from './keyv-contract.ts';
import { temporaryFolder } from './temporary-folder.ts';

const folder = temporaryFolder();
const db = await openSqliteFile(join(folder, 'adapter.db'), 0);
const url = `sqlite:${join(folder, 'store.db')}`;
let store: Store<unknown>;
beforeAll(async () => {
  store = await openStore({ url, log: silentLog });
});
afterAll(async () => {
  await store.close();
  db.close();
});

keyvContract('SQLite', { adapter: () => new SqliteKeyv(db), store: () => store });

test('what was set is there when the file is opened again', async () => {
  const again = `sqlite:${join(folder, 'again.db')}`;
  const first = await openStore({ url: again, log: silentLog });
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
