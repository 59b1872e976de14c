import { expect, inject, test } from 'vitest';
import type { KernelGateway } from '../../demo/gateway.ts';
import type { Playground } from '../../playground/playground.ts';
import { finalAnswer, untilShown } from '../support/ask.ts';
import { kernelIdsOf, useBotOnGateway } from '../support/bot-on-gateway.ts';
import { type FaultFront, startFaultFront } from '../support/fault-front.ts';
import type { StartedBot } from '../support/start-bot.ts';

/** Real kernels while they start, and what is shown meanwhile. */
let gateway: KernelGateway;
let front: FaultFront;
let playground: Playground;
let bot: StartedBot;

useBotOnGateway(
  {
    provisioned: () => inject('backends'),
    environment: { LOG_LEVEL: 'debug', DEFAULT_LANGUAGE: 'python3' },
    front: async (url) => (front = await startFaultFront(url)),
  },
  (started) => ({ gateway, playground, bot } = started),
  'each',
);

const kernelIds = () => kernelIdsOf(gateway);

const ask = (channel: string, code: string): string =>
  playground.as('ana').post(channel, `<@${playground.bot.id}> \`${code}\``).ts;

const shown = (channel: string, thread: string, words: string): Promise<unknown> =>
  untilShown(playground, channel, thread, words);

test('with four channels at once each says how many starts are before its own, then shows its clock', async () => {
  const channels = ['one', 'two', 'three', 'four'].map((name) => playground.addChannel(name).id);
  const open = Promise.withResolvers<void>();
  // The gateway has not answered the first start yet, and the others wait for their turn behind it.
  front.faults = {
    delayCall: ({ method }) => (method === 'POST' ? open.promise : undefined),
  };
  const threads = channels.map((channel) => ask(channel, '40 + 2'));
  // Slack may deliver them in any order.
  const places = (): string =>
    channels
      .map((channel, at) => {
        const said = JSON.stringify(
          playground.replies(channel, threads[at] ?? '').map(({ blocks }) => blocks),
        );
        return /Waiting to start a kernel, (\d) before yours/.exec(said)?.[1] ?? '0';
      })
      .toSorted()
      .join(' ');
  await playground.waitFor(() => places() === '0 1 2 3');
  await playground.waitFor(
    () =>
      channels.some((channel, at) =>
        JSON.stringify(playground.replies(channel, threads[at] ?? '')).match(/Starting a kernel, \d+ s/),
      ),
    { what: 'a start with its clock' },
  );
  open.resolve();
  front.faults = {};
  for (const [at, channel] of channels.entries())
    expect((await finalAnswer(playground, channel, threads[at] ?? '')).text).toMatch(/│ 42\n/);
});

/** What happens to the bot while its kernel starts. */
const harms: Record<string, () => Promise<unknown>> = {
  'kill -9': () => bot.kill(),
  SIGTERM: () => bot.stop(),
};

test.each(Object.keys(harms))(
  '%s while a kernel starts: one kernel in the end, and the run has run once',
  async (harm) => {
    const upgrade = Promise.withResolvers<void>();
    front.faults = { delayCall: ({ isUpgrade }) => (isUpgrade ? upgrade.promise : undefined) };
    const thread = ask('#data', '40 + 2');
    await shown('#data', thread, 'Starting a kernel');
    await expect.poll(kernelIds, { timeout: 60_000, interval: 100 }).toHaveLength(1);
    await harms[harm]?.();
    upgrade.resolve();
    front.faults = {};
    await bot.restart();
    const { outcome, text } = await finalAnswer(playground, '#data', thread);
    expect(outcome).toBe('ok');
    expect(text).toMatch(/│ 42\n[^]*In \[1\]/);
    expect(await kernelIds()).toHaveLength(1);
  },
);

test('two kills in a row, the second during the search for the run, leave it run once', async () => {
  const thread = ask('#data', 'import time; time.sleep(8); print("over")');
  await shown('#data', thread, 'Running');
  await bot.kill();
  const starting = bot.restart().catch(() => undefined);
  await bot.kill();
  await starting;
  await bot.restart();
  await bot.kill();
  await bot.restart();
  const { outcome, text } = await finalAnswer(playground, '#data', thread);
  expect(outcome).toBe('ok');
  expect(text).toMatch(/over[^]*In \[1\]/);
});
