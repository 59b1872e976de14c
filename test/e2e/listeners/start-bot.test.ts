import { expect, test } from 'vitest';
import { startPlayground } from '../../../playground/playground.ts';
import { startScriptedGateway } from '../../support/scripted-gateway.ts';
import { type LogLine, startBot } from '../../support/start-bot.ts';

test('the bot runs a slash command and comes back after kill -9; a second one on another store warns', async () => {
  await using playground = await startPlayground();
  const gateway = await startScriptedGateway();
  await using bot = await startBot({ playground, gateway });
  gateway.onStart = (kernel) => {
    kernel.onExecute = (request) => kernel.run(request, 'hello');
  };
  const reaction = await playground.as('ana').slash('#data', '/spark 1+1');
  expect(reaction).toMatchObject({ ok: true });
  const answer = await playground.waitForMessage('#data', (m) => m.text.includes('hello'));
  await bot.kill();
  await bot.restart();
  await playground.as('ana').slash('#data', '/spark 2+2');
  await playground.waitForMessage('#data', (m) => m.ts !== answer.ts && m.text.includes('hello'));
  const isWarning = ({ msg }: LogLine): boolean => String(msg).includes('Slack counts 2 connections');
  expect(bot.log.some(isWarning)).toBe(false);
  await using second = await startBot({ playground, gateway });
  await second.untilLog(isWarning);
  await gateway.close();
});
