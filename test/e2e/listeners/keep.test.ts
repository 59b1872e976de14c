import { expect, test } from 'vitest';
import { ageKernels, buttonsOf, startRig } from './listeners-rig.ts';
import { startWordGateway } from './scripted-kernel.ts';

test('a kernel that was kept is not called broken where its warning was deleted meanwhile', async () => {
  await using gateway = await startWordGateway();
  await using rig = await startRig(gateway, { DEFAULT_LANGUAGE: 'python3' });
  const { playground, bot } = rig;
  await rig.slash('ana', '#data', '/spark 1');
  await bot.stop();
  ageKernels(bot, 12 * 3_600_000 - 5 * 60_000);
  await bot.restart();
  const warning = await playground.waitForMessage('#data', (message) =>
    buttonsOf(message).includes('kernel:keep'),
  );
  playground.service.conversation.remove(warning);
  await playground.as('ana').press(warning, 'kernel:keep');
  const said = await bot.untilLog(({ msg }) => /pressed message|kept/.test(String(msg)));
  expect(said['msg']).toBe('a pressed message could not be replaced');
  expect(playground.ephemerals('ana')).toEqual([]);
});
