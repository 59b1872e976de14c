import { expect, inject, test } from 'vitest';
import type { KernelGateway } from '../../demo/gateway.ts';
import type { SlackMessage } from '../../playground/messages.ts';
import type { Playground } from '../../playground/playground.ts';
import { type Answered, askSlash } from '../support/ask.ts';
import { kernelIdsOf, useBotOnGateway } from '../support/bot-on-gateway.ts';
import type { StartedBot } from '../support/start-bot.ts';

/** A kernel that nobody uses, on a real gateway with a short IDLE_TIMEOUT: the warning, Keep, and its end. */
let gateway: KernelGateway;
let playground: Playground;
let bot: StartedBot;

useBotOnGateway(
  {
    provisioned: () => inject('backends'),
    environment: { LOG_LEVEL: 'debug', DEFAULT_LANGUAGE: 'python3', IDLE_TIMEOUT: '16s' },
  },
  (started) => ({ gateway, playground, bot } = started),
);

const say = (code: string): Promise<Answered> => askSlash(playground, 'ana', '#data', `/spark ${code}`);

/** The channel's first message after `since` (a ts) with such words. It may not be in a thread, where few would see it. */
const told = (since: string, words: RegExp): Promise<SlackMessage> =>
  playground.waitForMessage(
    '#data',
    ({ ts, text, thread_ts: thread }) => ts > since && thread === undefined && words.test(text),
  );

test('an idle kernel is warned of in the channel, kept by a press, and warned of again before its end', async () => {
  await say('x = 41');
  const { thread } = await say('x');
  const warning = await told(thread, /Nobody has used the python3 kernel/);
  expect(JSON.stringify(warning.blocks)).toContain('Keep');
  await playground.as('ben').press(warning, 'kernel:keep');
  await told(thread, /kept the kernel/);
  // After another IDLE_TIMEOUT the kernel is still there, so a second warning comes.
  await told(warning.ts, /Nobody has used the python3 kernel/);
  expect(await kernelIdsOf(gateway)).toHaveLength(1);
  expect((await say('x + 1')).text).toMatch(/│ 42\n/);
});

test('an idle kernel is shut down although the bot was killed after the warning; the next run’s first line says so', async () => {
  const { thread } = await say('x = 1');
  const since = bot.log.length;
  await told(thread, /Nobody has used the python3 kernel/);
  await bot.untilLog((line) => line['msg'] === 'the channel of an idle kernel was warned', since);
  await bot.kill();
  await bot.restart();
  await told(thread, /was shut down after .* without use; its variables are gone/);
  expect(await kernelIdsOf(gateway)).toEqual([]);
  const warnings = playground
    .messages('#data')
    .filter(({ ts, text }) => ts > thread && text.startsWith('Nobody has used'));
  expect(warnings).toHaveLength(1);
  const next = await say('x');
  expect(next.text).toMatch(/shut down because nobody had used it[^]*NameError/);
  expect((await say('1')).text).not.toMatch(/nobody had used/);
});
