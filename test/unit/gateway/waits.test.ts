import { expect, test } from 'vitest';
import { Turns } from '../../../src/gateway/waits.ts';

/** Takes a turn for each owner at once; gives who began in which order, each ending its turn as soon as it has it. */
async function orderOf(most: number, owners: readonly string[]): Promise<string> {
  const turns = new Turns(most);
  const begun: string[] = [];
  await Promise.all(
    owners.map(async (owner) => {
      const done = await turns.take({ owner });
      begun.push(owner);
      await new Promise(setImmediate);
      done();
    }),
  );
  return begun.join(' ');
}

test('owners take turns: many requests of one do not delay another’s single request', async () => {
  expect(await orderOf(1, ['ana', 'ana', 'ana', 'ana', 'bob', 'eve', 'bob'])).toBe(
    'ana bob eve ana bob ana ana',
  );
});

test('a single owner gets turns first come, first served, as many at once as there are', async () => {
  const turns = new Turns(2);
  const begun: number[] = [];
  const takes = [1, 2, 3].map((each) =>
    turns.take({}).then((done) => {
      begun.push(each);
      return done;
    }),
  );
  const first = await takes[0];
  await takes[1];
  expect(begun).toEqual([1, 2]);
  first?.();
  await takes[2];
  expect(begun).toEqual([1, 2, 3]);
});

test('an owner who asks again after a turn alternates with one who asked for many', async () => {
  const turns = new Turns(1);
  const begun: string[] = [];
  const take = async (owner: string): Promise<() => void> => {
    const done = await turns.take({ owner });
    begun.push(owner);
    return done;
  };
  const first = await take('bob');
  const waiting = [take('ana'), take('ana'), take('ana')];
  first();
  const ofAna = await waiting[0];
  const again = take('bob');
  ofAna?.();
  (await again)();
  (await waiting[1])?.();
  await waiting[2];
  expect(begun).toEqual(['bob', 'ana', 'bob', 'ana', 'ana']);
});

test('each learns its place when it changes, even if a later request goes first', async () => {
  const turns = new Turns(1);
  const places: Record<string, number[]> = { second: [], third: [], bob: [] };
  const take = (owner: string, name: string, signal?: AbortSignal) =>
    turns.take({ owner, onTurn: (before) => places[name]?.push(before), ...(signal ? { signal } : {}) });
  const done = await take('ana', 'first');
  const second = take('ana', 'second');
  const given = new AbortController();
  const third = take('ana', 'third', given.signal);
  const bob = take('bob', 'bob');
  given.abort(new Error('not wanted'));
  await expect(third).rejects.toThrow('not wanted');
  done();
  (await bob)();
  await second;
  expect(places).toEqual({ second: [1, 2, 1], third: [2, 3], bob: [1] });
});
