import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { GatewayError } from '../../../../src/gateway/errors.ts';
import type { Gateway, Kernelspecs } from '../../../../src/gateway/gateway.ts';
import { silentLog } from '../../../../src/log.ts';
import { startKernelspecCache } from '../../../../src/runs/languages/kernelspecs.ts';

beforeEach(() => void vi.useFakeTimers({ toFake: ['Date', 'performance'] }));
afterEach(() => void vi.useRealTimers());

const never = new AbortController().signal;

const listOf = (...names: string[]): Kernelspecs => ({
  default: '',
  list: names.map((name) => ({ name, displayName: name, language: 'python' })),
});

test('the first read after a while has newly installed kernelspecs, also if the clock was set back', async () => {
  let there = listOf('old');
  const gateway: Pick<Gateway, 'readKernelspecs'> = { readKernelspecs: () => Promise.resolve(there) };
  const cache = startKernelspecCache(gateway, never, silentLog);
  expect(await cache.read()).toEqual(listOf('old'));
  there = listOf('old', 'new');
  expect(await cache.read()).toEqual(listOf('old'));
  vi.setSystemTime(Date.now() - 3_600_000);
  vi.advanceTimersByTime(61_000);
  expect(await cache.read()).toEqual(listOf('old', 'new'));
});

test.each([
  ['gives no answer', () => new Promise<Kernelspecs>(() => undefined)],
  ['fails', () => Promise.reject(new Error('away'))],
])('the list in memory is used where the gateway %s', async (_, answer) => {
  let answering: () => Promise<Kernelspecs> = () => Promise.resolve(listOf('old'));
  const cache = startKernelspecCache({ readKernelspecs: () => answering() }, never, silentLog);
  await cache.read();
  answering = answer;
  vi.advanceTimersByTime(61_000);
  expect(await cache.read()).toEqual(listOf('old'));
});

test('the list of a stopped server is assumed until it runs; a read does not start it', async () => {
  const specs = listOf('spark');
  let state: 'stopped' | 'running' = 'stopped';
  const started = Promise.withResolvers<void>();
  const starts: string[] = [];
  const gateway = {
    async readKernelspecs() {
      if (state === 'stopped') throw new GatewayError('serverStopped', 'stopped', { status: 424 });
      return specs;
    },
    startServer() {
      starts.push('started');
      return started.promise;
    },
  };
  const cache = startKernelspecCache(gateway, never, silentLog);
  for (const list of [await cache.read(), await cache.read(), await cache.refresh()]) {
    expect(cache.isAssumed(list)).toBe(true);
    expect(list.list.map(({ name }) => name)).toEqual(['python3']);
  }
  expect(starts).toEqual([]);
  cache.learn();
  cache.learn();
  expect(starts).toHaveLength(1);
  state = 'running';
  started.resolve();
  await expect.poll(async () => cache.isAssumed(await cache.read())).toBe(false);
  // Stopped again: the list is known, and nobody wants the server for it.
  state = 'stopped';
  expect(await cache.refresh()).toBe(specs);
  expect(starts).toHaveLength(1);
});

test('without a hub a stopped server is an error', async () => {
  const stopped = new GatewayError('serverStopped', 'stopped', { status: 424 });
  const cache = startKernelspecCache({ readKernelspecs: () => Promise.reject(stopped) }, never, silentLog);
  await expect(cache.read()).rejects.toBe(stopped);
});
