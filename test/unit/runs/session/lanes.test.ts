import { expect, test } from 'vitest';
import { silentLog } from '../../../../src/log.ts';
import { soleLeases } from '../../../../src/runs/session/lane-leases.ts';
import { Lanes } from '../../../../src/runs/session/lanes.ts';
import type { RunData } from '../../../../src/runs/run.ts';
import { openStore } from '../../../../src/store/open-store.ts';

const lane = 'T1/C1';

test('a run that comes back as it was is not taken again at once', async () => {
  const store = await openStore<RunData>({ url: 'memory:', log: silentLog });
  const data: RunData = {
    door: 'slash',
    kernelspec: 'python3',
    blocks: ['1'],
    delivery: 'd',
    edition: 1,
    needsRoot: false,
    block: 0,
    notes: [],
  };
  const run = { id: 'r', workspace: 'T1', channel: 'C1', thread: '1.1', lane, runner: 'U1', createdAt: 1 };
  await store.ledger.admit('d', { ...run, data }, { perLane: 1, perRunner: 1 });

  let taken = 0;
  const takenByThen: number[] = [];
  const over = Promise.withResolvers<void>();
  const lanes = new Lanes({
    ledger: store.ledger,
    leases: soleLeases,
    log: silentLog,
    runOne: async (one) => {
      taken += 1;
      // The second time it moves on.
      if (taken > 1) await store.ledger.change(one, { state: 'posted', updatedAt: 2 });
    },
    onPlaces: () => undefined,
    onIdle: () => {
      takenByThen.push(taken);
      if (taken > 1) over.resolve();
    },
  });
  lanes.wake(lane);
  await over.promise;
  // The lane stood idle in between.
  expect(takenByThen).toEqual([1, 2]);
  await lanes.close();
  await store.close();
});
