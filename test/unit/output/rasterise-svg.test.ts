import { expect, test } from 'vitest';
import { FairSlots } from '../../../src/output/mime/rasterise-svg.ts';

/** Work that ends when it is told to; `begun` says in which order it began. */
function makeWork(begun: string[]) {
  const ends = new Map<string, () => void>();
  const work = (name: string) => async () => {
    begun.push(name);
    await new Promise<void>((resolve) => ends.set(name, resolve));
    return name;
  };
  return { work, end: (name: string) => ends.get(name)?.() };
}

test('a run with svgs without end takes one place, and another run’s plot does not wait for it', async () => {
  const begun: string[] = [];
  const { work, end } = makeWork(begun);
  const slots = new FairSlots(2, 10);
  const greedy = Array.from({ length: 5 }, (_, n) => slots.run('greedy', work(`greedy ${n}`)));
  const other = slots.run('other', work('other'));
  await Promise.resolve();
  expect(begun).toEqual(['greedy 0', 'other']);
  end('other');
  expect(await other).toBe('other');
  end('greedy 0');
  expect(await greedy[0]).toBe('greedy 0');
  expect(begun).toEqual(['greedy 0', 'other', 'greedy 1']);
});

test('those that wait get their turn in order; what is too much for one run is refused', async () => {
  const begun: string[] = [];
  const { work, end } = makeWork(begun);
  const slots = new FairSlots(1, 1);
  const first = slots.run('a', work('a1'));
  const second = slots.run('b', work('b1'));
  expect(await slots.run('b', work('b2'))).toBeUndefined();
  end('a1');
  await first;
  end('b1');
  expect(await second).toBe('b1');
  expect(begun).toEqual(['a1', 'b1']);
});

test('work that fails frees its place', async () => {
  const slots = new FairSlots(1, 1);
  const failing = slots.run('a', () => Promise.reject(new Error('no')));
  const next = slots.run('b', () => Promise.resolve('done'));
  await expect(failing).rejects.toThrow('no');
  expect(await next).toBe('done');
});
