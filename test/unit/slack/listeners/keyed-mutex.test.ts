import { expect, test } from 'vitest';
import { startTurns } from '../../../../src/slack/listeners/keyed-mutex.ts';

test('one after the other for one key, side by side for others, also after a failure', async () => {
  const turns = startTurns();
  const order: string[] = [];
  const gate = Promise.withResolvers<void>();
  const first = turns.take('a', async () => {
    await gate.promise;
    order.push('a1');
    throw new Error('broke');
  });
  const second = turns.take('a', async () => void order.push('a2'));
  await turns.take('b', async () => void order.push('b'));
  gate.resolve();
  await expect(first).rejects.toThrow('broke');
  await second;
  expect(order).toEqual(['b', 'a1', 'a2']);
});
