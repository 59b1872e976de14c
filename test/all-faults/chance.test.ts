import { expect, test } from 'vitest';
import { hasNoRedis } from '../support/failover.ts';
import { faultsOfChance } from '../support/storms/chance.ts';

/** SEED and WORLDS choose other worlds. */
const { SEED = '1', WORLDS = '3' } = process.env;
const seeds = Array.from({ length: Number(WORLDS) }, (_, at) => Number(SEED) + at);

async function faultyWorlds(isPair: boolean): Promise<object[]> {
  const worlds = seeds.map(async (seed) => ({
    seed,
    ...(await faultsOfChance({ seed, steps: 40, ends: 3, isPair })),
  }));
  return (await Promise.all(worlds)).filter(({ faults }) => faults.length > 0);
}

test('whatever people, Slack, gateway and kernels do, and however the process ends: all agree in the end', async () => {
  expect(await faultyWorlds(false)).toEqual([]);
});

test.skipIf(hasNoRedis)('the same with two processes on one Redis', async () => {
  expect(await faultyWorlds(true)).toEqual([]);
});
