import { expect, test } from 'vitest';
import { startPlayground } from '../../playground/playground.ts';
import { askMessage } from '../support/ask.ts';
import { startScriptedGateway } from '../support/scripted-gateway.ts';
import { startBot } from '../support/start-bot.ts';
import { startTokenCommand } from '../support/token-command.ts';

test('behind a front whose tokens expire each second, runs go on over five tokens, also when websockets are cut', async () => {
  await using playground = await startPlayground({ rates: false });
  await using tokens = await startTokenCommand(1_000);
  const gateway = await startScriptedGateway();
  gateway.onStart = (kernel) => {
    kernel.onExecute = (request) => kernel.run(request, 'printed\n');
  };
  // A token may expire on its way. The client then repeats the upgrade with the next one.
  let refusedUpgrades = 0;
  gateway.answer = ({ headers, isUpgrade }) => {
    if (tokens.isValid(headers.authorization)) return undefined;
    if (isUpgrade) refusedUpgrades += 1;
    return { status: 401, body: { message: 'Unauthorized' } };
  };
  await using bot = await startBot({
    playground,
    gateway,
    environment: { KG_AUTH_COMMAND: tokens.setting, KG_AUTH_SCHEME: 'Bearer', LOG_LEVEL: 'trace' },
  });

  const answers: string[] = [];
  let cuts = 0;
  while (tokens.tokens().length <= 5) {
    const answer = await askMessage(playground, 'ana', '#data', `<@${playground.bot.id}> \`a()\``);
    answers.push(answer.text);
    // After each cut the client waits longer before it reconnects, so a few cuts are enough.
    if (answers.length % 3 !== 0) continue;
    cuts += 1;
    for (const kernel of gateway.kernels.values()) {
      kernel.drop();
      await kernel.untilConnected();
    }
  }
  expect(answers.filter((text) => !text.includes('printed'))).toEqual([]);
  expect(gateway.kernels.size).toBe(1);
  expect(cuts).toBeGreaterThan(1);
  expect(gateway.calls.filter(({ isUpgrade }) => isUpgrade).length - refusedUpgrades).toBe(1 + cuts);

  await bot.stop();
  const runs = await tokens.runs();
  expect(runs).toEqual(runs.map((_, index) => (index % 2 === 0 ? 'begin' : 'end')));
  const said = JSON.stringify([bot.lines, playground.calls.map(({ args }) => args)]);
  expect(tokens.tokens().filter((token) => said.includes(token))).toEqual([]);
  await gateway.close();
});
