import * as fc from 'fast-check';
import { test } from 'vitest';
import { silentLog } from '../../src/log.ts';
import { openStore } from '../../src/store/open-store.ts';
import { ledgerContract } from './run-store-contract.ts';
import { playOnBoth, steps } from './run-store-model.ts';
import type { Note } from './new-run.ts';

const openEmpty = async () => (await openStore<Note>({ url: 'memory:', log: silentLog })).ledger;

ledgerContract('memory', { openEmpty, leaseEnd: async (_ledger, _name, nowMs, ttlMs) => nowMs + ttlMs });

test('the memory ledger does what the model does', async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (played) => {
      const ledger = await openEmpty();
      await playOnBoth(ledger, played);
      await ledger.close();
    }),
    { numRuns: 150 },
  );
});
