import { expect, test } from 'vitest';
import { silentLog } from '../../../../src/log.ts';
import { Withdrawals } from '../../../../src/runs/admission/withdrawals.ts';
import type { RunData } from '../../../../src/runs/run.ts';
import { openStore } from '../../../../src/store/open.ts';
import { summarizeCode } from '../../../../src/store/run-reader.ts';
import type { Acceptance, NewRun, Store } from '../../../../src/store/store.ts';
import { silent, type StoreFaults, withFaults } from '../../../support/store-faults.ts';

const run = (id: string): NewRun<RunData> => ({
  id,
  workspace: 'T1',
  channel: 'C1',
  thread: '1.0',
  queue: 'T1/C1',
  requester: 'U1',
  createdAt: 1,
  code: ['code()'],
  data: {
    source: 'mention',
    kernelspec: 'python3',
    ...summarizeCode(['code()']),
    requestKey: 'request/1',
    edition: 1,
    needsRoot: false,
    block: 0,
    notes: [],
  },
});

interface Scene extends AsyncDisposable {
  store: Store<RunData>;
  faults: StoreFaults;
  withdrawals: Withdrawals;
  accept: (run: NewRun<RunData>) => Promise<Acceptance>;
}

async function scene(): Promise<Scene> {
  const real = await openStore<RunData>({ url: 'memory:', log: silentLog });
  await real.lease.acquire(3_600_000);
  const { store, faults } = withFaults(real);
  return {
    store: real,
    faults,
    withdrawals: new Withdrawals(store.runs, async () => undefined, silentLog),
    accept: (given) => store.runs.accept(given.data.requestKey, given),
    [Symbol.asyncDispose]: () => real.close(),
  };
}

const lost = (method: string): void => {
  if (method === 'accept') throw silent();
};

test('an acceptance whose answer was lost is taken up by the very same request', async () => {
  await using s = await scene();
  s.faults.after = lost;
  await expect(s.withdrawals.guard(run('a'), s.accept, undefined)).rejects.toThrow('no answer');
  s.faults.after = () => undefined;
  const again = await s.withdrawals.guard(run('b'), s.accept, undefined);
  expect(again).toMatchObject({ run: { id: 'a' } });
  expect(await s.store.runs.newest('channel', ['T1', 'C1'], 10)).toHaveLength(1);
});

test('lost twice: the third time it is one run still', async () => {
  await using s = await scene();
  s.faults.after = lost;
  for (const id of ['a', 'b'])
    await expect(s.withdrawals.guard(run(id), s.accept, undefined)).rejects.toThrow('no answer');
  s.faults.after = () => undefined;
  expect(await s.withdrawals.guard(run('c'), s.accept, undefined)).toMatchObject({
    run: { id: 'a' },
  });
  expect(await s.store.runs.newest('channel', ['T1', 'C1'], 10)).toHaveLength(1);
});

test('a refused run is erased from the store, however long the store does not answer', async () => {
  await using s = await scene();
  s.faults.after = lost;
  await expect(s.withdrawals.guard(run('a'), s.accept, undefined)).rejects.toThrow('no answer');
  let tries = 0;
  s.faults.before = (method) => {
    if (method === 'withdraw' && (tries += 1) === 1) throw silent();
  };
  s.faults.after = () => undefined;
  await expect.poll(() => s.store.runs.newest('channel', ['T1', 'C1'], 10)).toEqual([]);
  expect(await s.store.runs.findRequest('request/1')).toBeUndefined();
});

test('a request that made a run before is a duplicate', async () => {
  await using s = await scene();
  await s.withdrawals.guard(run('a'), s.accept, undefined);
  expect(await s.withdrawals.guard(run('b'), s.accept, undefined)).toBeUndefined();
});
