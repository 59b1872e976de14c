import { expect, test } from 'vitest';
import { startPlayground } from '../../playground/playground.ts';

test('a wait ends with its result at the change that brings it', async () => {
  await using playground = await startPlayground();
  const waiting = playground.waitForMessage('#data', ({ text }) => text === 'second');
  playground.as('ana').post('#data', 'first');
  const second = playground.as('ana').post('#data', 'second');
  expect(await waiting).toBe(second);
});

test('a wait that times out says for what, and what happened meanwhile', async () => {
  await using playground = await startPlayground({ waitTimeoutMs: 20 });
  await fetch(`${playground.apiUrl}auth.test`, { method: 'POST' });
  playground.as('ana').post('#data', 'hello');
  const waiting = playground.waitForReply('#data', '1.000000', undefined, { what: 'the answer' });
  await expect(waiting).rejects.toThrow(
    /waited 20 ms for the answer\nlast calls:\n {2}auth\.test not_authed\nlast deliveries:\n {2}message undeliverable/,
  );
});

test('a `find` that throws ends the wait', async () => {
  await using playground = await startPlayground();
  const waiting = playground.waitFor(() => {
    throw new Error('wrong question');
  });
  await expect(waiting).rejects.toThrow('wrong question');
});
