import { inject, test } from 'vitest';
import { hasNoRedis } from '../support/failover.ts';
import { stormOnRealKernels, stormOnScriptedKernels } from '../support/storms/one-process.ts';
import { stormOnTwoProcesses } from '../support/storms/two-processes.ts';

/** Storms of some twenty seconds. The long ones are in `nightly-storms`. */

test('100 snippets over 10 channels, the bot killed every few seconds: each answered once, none run twice', async () => {
  await stormOnScriptedKernels({ snippets: 100, channels: 10, longestLifeMs: 4_000 });
});

test('25 snippets on a real gateway, counted by a file that each of them writes to', async () => {
  await stormOnRealKernels(inject('backends'), { snippets: 25, longestLifeMs: 5_000 });
});

test.skipIf(hasNoRedis)(
  '100 snippets with two processes, one or the other ended: each is answered once, none runs twice',
  async () => {
    await stormOnTwoProcesses(100);
  },
);
