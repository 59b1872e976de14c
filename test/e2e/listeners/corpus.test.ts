import { expect, test } from 'vitest';
import { startScriptedGateway } from '../../support/scripted-gateway.ts';
import { typedCode } from '../../support/typed-code.ts';
import { startRig } from './listeners-rig.ts';

/** A slash command's text may be escaped or not, and nothing says which. Text that looks escaped counts as escaped (slack.md §4). */
const looksEscaped = /&(?:amp|lt|gt);|<[@#!a-z]/i;

/** The corpus again, through Slack, the store and the gateway: the kernel gets exactly what was typed. */
test('typed code reaches the kernel byte for byte except for its line ends, by mention, slash command and file', async () => {
  const gateway = await startScriptedGateway();
  const given: string[] = [];
  gateway.onStart = (kernel) => {
    kernel.onExecute = (request) => {
      given.push(String(request.content['code']));
      kernel.run(request);
    };
  };
  await using rig = await startRig(
    gateway,
    { DEFAULT_LANGUAGE: 'python3', USER_LIMIT: '1000', QUEUE_LIMIT: '1000' },
    { rates: false },
  );
  const { playground, bot } = rig;
  const ana = playground.as('ana');
  const codes = typedCode.filter(({ onlyRich, code }) => onlyRich !== true && code.trim() !== '');
  const isRun = (line: Readonly<Record<string, unknown>>): boolean => line['audit'] === 'run';
  const wanted: string[] = [];
  for (const { code } of codes) {
    const { id } = playground.addChannel(`corpus-${playground.service.world.nextTs().replace('.', '-')}`);
    ana.post(id, `@sparkthread \`\`\`\n${code}\n\`\`\``);
    ana.upload(id, { name: 'code.py', content: code }, '@sparkthread');
    const arrived = code.replaceAll(/\r\n?/g, '\n');
    wanted.push(arrived, arrived);
    if (!looksEscaped.test(code)) {
      const reaction = await ana.slash(id, `/spark \`\`\`\n${code}\n\`\`\``);
      expect([reaction.ok, reaction.text ?? '']).toEqual([true, '']);
      wanted.push(arrived);
    }
    // Of too many at once a slow machine would refuse some.
    await bot.untilLog(() => bot.log.filter(isRun).length >= wanted.length - 3);
  }
  await bot.untilLog(() => bot.log.filter(isRun).length >= wanted.length);
  expect(given.toSorted()).toEqual(wanted.toSorted());
  await gateway.close();
});
