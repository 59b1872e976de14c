import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startPlayground } from '../../../playground/playground.ts';
import { askMessage } from '../../support/ask.ts';
import { startScriptedGateway } from '../../support/scripted-gateway.ts';
import { startBot } from '../../support/start-bot.ts';

test('SIGUSR2 makes a backup, from which another bot knows the channel’s kernel', async () => {
  await using playground = await startPlayground({ rates: false });
  const gateway = await startScriptedGateway();
  gateway.onStart = (kernel) => {
    kernel.onExecute = (request) => kernel.run(request, 'printed\n');
  };
  await using bot = await startBot({ playground, gateway });
  const typed = `<@${playground.bot.id}> \`a()\``;
  await askMessage(playground, 'ana', '#data', typed);
  process.kill(bot.pid, 'SIGUSR2');
  const path = join(bot.folder, 'sparkthread.db.backup');
  expect(await bot.untilLog(({ event }) => event === 'backup.made')).toMatchObject({
    path,
    bytes: (await stat(path)).size,
    ms: expect.any(Number),
  });
  const again = await askMessage(playground, 'ana', '#data', typed);
  expect(again.text).toContain('printed');
  await bot.stop();
  await bot.restart({ STORE_URL: `sqlite:${path}` });
  const restored = await askMessage(playground, 'ana', '#data', typed);
  expect(restored.text).toContain('printed');
  expect(gateway.kernels.size).toBe(1);
  await bot.stop();
  await gateway.close();
});
