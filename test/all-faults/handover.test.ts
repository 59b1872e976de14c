import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { type KernelGateway, startKernelGateway } from '../../demo/gateway.ts';
import { type Playground, startPlayground } from '../../playground/playground.ts';
import { askSlash, finalAnswer } from '../support/ask.ts';
import { readLedgerFile } from '../support/ledger-file.ts';
import { type StartedBot, startBot } from '../support/start-bot.ts';

/** One bot after another on the same run in a real kernel. */
let gateway: KernelGateway;
let playground: Playground;
let bot: StartedBot;

beforeAll(async () => {
  gateway = await startKernelGateway({ provisioned: inject('backends') });
  playground = await startPlayground({ rates: false });
  bot = await startBot({
    playground,
    gateway: { httpUrl: gateway.url, token: gateway.token },
    environment: { LOG_LEVEL: 'debug', DEFAULT_LANGUAGE: 'python3', LANGUAGES: 'r=ir' },
  });
});
afterAll(async () => {
  await bot?.[Symbol.asyncDispose]();
  await playground?.stop();
  await gateway?.[Symbol.asyncDispose]();
});

const shown = (thread: string, words: string): Promise<unknown> =>
  playground.waitForReply('#data', thread, (reply) => JSON.stringify(reply).includes(words), {
    timeoutMs: 60_000,
  });

const mention = (code: string): string =>
  playground.as('ana').post('#data', `<@${playground.bot.id}>\n\`\`\`\n${code}\n\`\`\``).ts;

test('three orderly restarts under a run that prints all the time: all of it comes, and nothing is said to be missing', async () => {
  await askSlash(playground, 'ana', '#data', '/spark python3 import time');
  const thread = mention(
    'python3\nfor i in range(6000):\n    print("tick", i, flush=True)\n    time.sleep(0.002)',
  );
  await shown(thread, 'tick');
  for (let restart = 0; restart < 3; restart += 1) {
    expect(await bot.stop()).toBe(0);
    await bot.restart();
  }
  const { outcome, text } = await finalAnswer(playground, '#data', thread);
  expect(outcome).toBe('ok');
  expect(text).not.toMatch(/may be missing/);
  const [run] = (await readLedgerFile(bot.folder)).filter((row) => row.thread === thread);
  const printed = await readFile(join(bot.folder, 'spool', run?.id ?? '', 'output.txt'), 'utf8');
  expect(printed).toBe(Array.from({ length: 6000 }, (_, i) => `tick ${i}\n`).join(''));
});

test('kill -9 under the same run: what may be missing is said', async () => {
  const thread = mention(
    'python3\nfor i in range(3000):\n    print("tick", i, flush=True)\n    time.sleep(0.002)',
  );
  await shown(thread, 'tick');
  await bot.kill();
  await bot.restart();
  const { outcome, text } = await finalAnswer(playground, '#data', thread);
  expect(outcome).toBe('ok');
  expect(text).toMatch(/may be missing (at|between)/);
});

test('a long silent run goes on on the screen after a restart: its clock runs, and it can be stopped', async () => {
  const thread = mention('python3\nprint("asleep", flush=True)\ntime.sleep(600)');
  await shown(thread, 'asleep');
  await bot.stop();
  const before = playground.calls.length;
  await bot.restart();
  await playground.waitFor(() =>
    playground.calls
      .slice(before)
      .some(({ method, args }) => method === 'chat.update' && JSON.stringify(args).includes('Running, ')),
  );
  playground.as('ana').post('#data', '!stop', { thread });
  expect((await finalAnswer(playground, '#data', thread)).outcome).toBe('interrupted');
});
