import { expect, test } from 'vitest';
import { StoreError, UserError } from '../../../../src/errors.ts';
import { GatewayError } from '../../../../src/gateway/errors.ts';
import { type Bot, createListenerMemory } from '../../../../src/slack/context.ts';
import { runOnce } from '../../../../src/slack/listeners/requests.ts';

const storeError = new StoreError('silent', 'no answer');

/** A store of claims that can be away. */
function createBot() {
  const claims = new Set<string>();
  const store = { isAway: false };
  const bot = {
    memory: createListenerMemory(),
    async markSeen(request: string) {
      if (store.isAway) throw storeError;
      return !claims.has(request) && claims.add(request).has(request);
    },
    async forgetSeen(request: string) {
      if (store.isAway) throw storeError;
      claims.delete(request);
    },
  } as unknown as Bot;
  return { bot, store };
}

test('a request acts once, however often it comes', async () => {
  const { bot } = createBot();
  const acts: number[] = [];
  const act = async () => acts.push(1);
  expect(await runOnce('press', bot, act)).toBe(1);
  expect(await runOnce('press', bot, act)).toBeUndefined();
  expect(acts).toHaveLength(1);
});

test.each([
  ['the gateway', new GatewayError('unreachable', 'refused')],
  ['the store', storeError],
  ['a refusal', new UserError('nothingToStop', 'No.')],
  ['a bug', new TypeError('x')],
])('a request that failed may come again: %s', async (_what, error) => {
  const { bot } = createBot();
  await expect(runOnce('press', bot, () => Promise.reject(error))).rejects.toBe(error);
  expect(await runOnce('press', bot, () => Promise.resolve('done'))).toBe('done');
  expect(await runOnce('press', bot, () => Promise.resolve('twice'))).toBeUndefined();
});

test('a request may come again even if the store could not forget it', async () => {
  const { bot, store } = createBot();
  const fail = async () => {
    store.isAway = true;
    throw storeError;
  };
  await expect(runOnce('press', bot, fail)).rejects.toBe(storeError);
  store.isAway = false;
  expect(await runOnce('press', bot, () => Promise.resolve('done'))).toBe('done');
  expect(await runOnce('press', bot, () => Promise.resolve('twice'))).toBeUndefined();
});

test('a request may come again if the store gave no answer', async () => {
  const { bot, store } = createBot();
  store.isAway = true;
  await expect(runOnce('press', bot, () => Promise.resolve('done'))).rejects.toBe(storeError);
  store.isAway = false;
  expect(await runOnce('press', bot, () => Promise.resolve('done'))).toBe('done');
});
