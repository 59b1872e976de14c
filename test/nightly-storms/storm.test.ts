import { inject, test } from 'vitest';
import { hasNoRedis } from '../support/failover.ts';
import { stormOnRealKernels, stormOnScriptedKernels } from '../support/storms/one-process.ts';
import { stormOnTwoProcesses } from '../support/storms/two-processes.ts';

/** The storms of all-faults, for minutes. */

test('1,000 snippets over 50 channels, the bot killed every few seconds: each answered once, none run twice', async () => {
  await stormOnScriptedKernels({ snippets: 1_000, channels: 50, longestLifeMs: 9_000 });
});

test('100 snippets on a real gateway, counted by a file that each of them writes to', async () => {
  await stormOnRealKernels(inject('backends'), { snippets: 100, longestLifeMs: 9_000 });
});

test.skipIf(hasNoRedis)(
  '300 snippets with two processes, one or the other ended: each is answered once, none runs twice',
  async () => {
    await stormOnTwoProcesses(300);
  },
);
