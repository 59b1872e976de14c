import { expect, test } from 'vitest';
import { KeyedMutex } from '../../src/keyed-mutex.ts';

test('one after the other for one key, side by side for others, also after a failure', async () => {
  const mutex = new KeyedMutex();
  const order: string[] = [];
  const gate = Promise.withResolvers<void>();
  const first = mutex.run('a', async () => {
    await gate.promise;
    order.push('a1');
    throw new Error('broke');
  });
  const second = mutex.run('a', async () => void order.push('a2'));
  await mutex.run('b', async () => void order.push('b'));
  gate.resolve();
  await expect(first).rejects.toThrow('broke');
  await second;
  expect(order).toEqual(['b', 'a1', 'a2']);
});
