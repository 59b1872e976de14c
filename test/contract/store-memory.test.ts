import * as fc from 'fast-check';
import { test } from 'vitest';
import { silentLog } from '../../src/log.ts';
import { openStore } from '../../src/store/open.ts';
import { createRunReader } from '../../src/store/run-reader.ts';
import { openSqliteMemory } from '../../src/store/sqlite/database.ts';
import { createSqliteStore } from '../../src/store/sqlite/store.ts';
import type { Note } from './new-run.ts';
import { storeContract } from './store-contract.ts';
import { playOnBoth, steps } from './store-model.ts';

let db = openSqliteMemory();
const open = async () => createSqliteStore<Note>('memory', db, createRunReader(silentLog), silentLog);

storeContract('memory', {
  openEmpty: async () => {
    db = openSqliteMemory();
    return open();
  },
  openSecond: open,
});

test('the memory store does what the model does', async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (played) => {
      const store = await openStore<Note>({ url: 'memory:', log: silentLog });
      await store.lease.acquire(60_000);
      await playOnBoth(store.runs, played);
      await store.close();
    }),
    { numRuns: 150 },
  );
});
