import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Gateway, Kernelspecs } from '../../../../src/gateway/gateway.ts';
import { silentLog } from '../../../../src/log.ts';
import { startKernelspecCache } from '../../../../src/runs/languages/kernelspecs.ts';

beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'] }));
afterEach(() => void vi.useRealTimers());

const listOf = (...names: string[]): Kernelspecs => ({
  default: '',
  list: names.map((name) => ({ name, displayName: name, language: 'python' })),
});

test('the first reader after a while gets what was installed meanwhile', async () => {
  let there = listOf('old');
  const gateway: Pick<Gateway, 'readKernelspecs'> = { readKernelspecs: () => Promise.resolve(there) };
  const cache = startKernelspecCache(gateway, silentLog);
  expect(await cache.read()).toEqual(listOf('old'));
  there = listOf('old', 'new');
  expect(await cache.read()).toEqual(listOf('old'));
  vi.advanceTimersByTime(61_000);
  expect(await cache.read()).toEqual(listOf('old', 'new'));
});

test.each([
  ['gives no answer', () => new Promise<Kernelspecs>(() => undefined)],
  ['fails', () => Promise.reject(new Error('away'))],
])('the list in memory is used where the gateway %s', async (_, answer) => {
  let answering: () => Promise<Kernelspecs> = () => Promise.resolve(listOf('old'));
  const cache = startKernelspecCache({ readKernelspecs: () => answering() }, silentLog);
  await cache.read();
  answering = answer;
  vi.advanceTimersByTime(61_000);
  expect(await cache.read()).toEqual(listOf('old'));
});
