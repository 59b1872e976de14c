import { expect, test } from 'vitest';
import { OutputQueue } from '../../../../src/gateway/execution/output-queue.ts';

const line = { kind: 'stream', name: 'stdout', text: 'x' } as const;

test('OutputQueue: gives outputs in order, and ends after the last', async () => {
  const queue = new OutputQueue(() => undefined);
  const reader = queue.read();
  const waiting = reader.next();
  queue.push({ kind: 'started' });
  queue.push(line);
  queue.end();
  queue.push(line);
  expect([await waiting, await reader.next(), await reader.next()]).toEqual([
    { done: false, value: { kind: 'started' } },
    { done: false, value: line },
    { done: true, value: undefined },
  ]);
});

test('OutputQueue: is full by the bytes of frames, whatever they contain, until half of them are read', async () => {
  const full: boolean[] = [];
  const queue = new OutputQueue((isFull) => void full.push(isFull));
  const reader = queue.read();
  for (let n = 0; n < 5; n += 1) queue.push(line, 500_000);
  expect(full).toEqual([true]);
  for (let n = 0; n < 2; n += 1) await reader.next();
  expect(full).toEqual([true]);
  await reader.next();
  expect(full).toEqual([true, false]);
});

test('OutputQueue: a reader that leaves drops the rest, and nothing is kept for it', async () => {
  const full: boolean[] = [];
  const queue = new OutputQueue((isFull) => void full.push(isFull));
  for (let n = 0; n < 5; n += 1) queue.push(line, 1_000_000);
  const reader = queue.read();
  await reader.return?.();
  for (let n = 0; n < 5; n += 1) queue.push(line, 1_000_000);
  expect(full).toEqual([true, false]);
  expect(await reader.next()).toEqual({ done: true, value: undefined });
});
