import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startPlayground } from '../../../playground/playground.ts';
import { askMessage } from '../../support/ask.ts';
import { readStoreFile } from '../../support/run-store-file.ts';
import { startScriptedGateway } from '../../support/scripted-gateway.ts';
import { startBot } from '../../support/start-bot.ts';

test('an orderly end leaves no output of answered runs on the disk', async () => {
  await using playground = await startPlayground({ rates: false });
  const gateway = await startScriptedGateway();
  gateway.onStart = (kernel) => {
    kernel.onExecute = (request) => kernel.run(request, 'printed\n');
  };
  await using bot = await startBot({ playground, gateway });
  for (const code of ['a()', 'b()'])
    await askMessage(playground, 'ana', '#data', `<@${playground.bot.id}> \`${code}\``);
  expect(await bot.stop()).toBe(0);
  // One whose last word was not noted in time is the successor's.
  const left = (await readStoreFile(bot.folder)).filter(({ state }) => state !== 'posted');
  expect(await readdir(join(bot.folder, 'spool'))).toEqual(left.map(({ id }) => id));
  await gateway.close();
});
