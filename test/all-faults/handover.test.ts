import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, inject, test } from 'vitest';
import type { Playground } from '../../playground/playground.ts';
import { askSlash, finalAnswer, sendBox, untilShown } from '../support/ask.ts';
import { useBotOnGateway } from '../support/bot-on-gateway.ts';
import { readStoreFile } from '../support/run-store-file.ts';
import type { StartedBot } from '../support/start-bot.ts';

/** One bot process ends and the next one goes on with the same run in a real kernel. */
let playground: Playground;
let bot: StartedBot;

useBotOnGateway(
  {
    provisioned: () => inject('backends'),
    environment: { LOG_LEVEL: 'debug', DEFAULT_LANGUAGE: 'python3', LANGUAGES: 'r=ir' },
  },
  (started) => ({ playground, bot } = started),
);

const shown = (thread: string, words: string, channel = '#data'): Promise<unknown> =>
  untilShown(playground, channel, thread, words);

const mention = (code: string, channel = '#data'): string =>
  playground.as('ana').post(channel, `<@${playground.bot.id}>\n\`\`\`\n${code}\n\`\`\``).ts;

test('over three orderly restarts all output of a printing run arrives, and nothing is said to be missing', async () => {
  const channel = playground.addChannel('printing').id;
  await askSlash(playground, 'ana', channel, '/spark python3 import itertools, os, time');
  const over = join(bot.folder, 'over');
  // Not faster than a busy gateway can pass on: a gateway that does not answer our close in time loses lines.
  const thread = mention(
    `python3\nfor i in itertools.count():\n    print("tick", i, flush=True)\n    if os.path.exists(${JSON.stringify(over)}): break\n    time.sleep(0.01)`,
    channel,
  );
  await shown(thread, 'tick', channel);
  for (let restart = 0; restart < 3; restart += 1) {
    expect(await bot.stop()).toBe(0);
    await bot.restart();
  }
  await writeFile(over, '');
  const { outcome, text } = await finalAnswer(playground, channel, thread);
  expect(outcome).toBe('ok');
  expect(text).not.toMatch(/may be missing/);
  const { bytes } = await playground.waitFor(() =>
    playground.files.find(({ file }) => file.name === 'output.txt' && file.channels.includes(channel)),
  );
  const printed = bytes.toString().split('\n').slice(0, -1);
  expect(printed).toEqual(printed.map((_, i) => `tick ${i}`));
  expect(text).toContain(printed.at(-1));
});

test('after kill -9 during such a run the answer says what may be missing', async () => {
  const thread = mention(
    'python3\nimport time\nfor i in range(3000):\n    print("tick", i, flush=True)\n    time.sleep(0.002)',
  );
  await shown(thread, 'tick');
  await bot.kill();
  await bot.restart();
  const { outcome, text } = await finalAnswer(playground, '#data', thread);
  expect(outcome).toBe('ok');
  expect(text).toMatch(/may be missing (at|between)/);
});

test('kill -9 under a run whose kernel says nothing: the answer lacks nothing, and nothing is said to be missing', async () => {
  const file = JSON.stringify(join(bot.folder, 'go-on'));
  const code = `import os, time\nprint("begun", flush=True)\nwhile not os.path.exists(${file}): time.sleep(0.05)\nprint("over")`;
  const thread = mention(`python3\n${code}`);
  await shown(thread, 'begun');
  await expect
    .poll(async () => {
      const [run] = (await readStoreFile(bot.folder)).filter((row) => row.thread === thread);
      return run?.data;
    })
    .toContain('"checkpoint"');
  await bot.kill();
  await writeFile(join(bot.folder, 'go-on'), '');
  await bot.restart();
  const { outcome, text } = await finalAnswer(playground, '#data', thread);
  expect(outcome).toBe('ok');
  expect(text).toContain('over');
  expect(text).not.toMatch(/may be missing/);
});

test('after a restart a long silent run still shows its clock and can be stopped', async () => {
  const thread = mention('python3\nimport time\nprint("asleep", flush=True)\ntime.sleep(600)');
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

/** Answers the question in the thread. `meanwhile` happens after the box is opened and before it is sent. */
async function typeLine(
  channel: string,
  thread: string,
  line: string,
  meanwhile: () => Promise<unknown> = async () => undefined,
): Promise<void> {
  const ana = playground.as('ana');
  const asked = await untilShown(playground, channel, thread, 'run:answerInput');
  await ana.press(asked, 'run:answerInput');
  const box = await playground.waitFor(() => ana.modal);
  await meanwhile();
  await sendBox(ana, box, line);
}

test.for([
  { language: 'python3', code: 'a = input("first? ")\nb = input("second? ")\nprint(a + b)' },
  { language: 'r', code: 'a <- readline("first? ")\nb <- readline("second? ")\ncat(paste0(a, b), "\\n")' },
])(
  'what $language code asks for is still asked after a restart, and so is what it asks then',
  async ({ language, code }) => {
    const channel = playground.addChannel(`asks-${language}`).id;
    const thread = mention(`${language}\n${code}`, channel);
    await shown(thread, 'first?', channel);
    expect(await bot.stop()).toBe(0);
    await bot.restart();
    await typeLine(channel, thread, '40');
    await shown(thread, 'second?', channel);
    await bot.kill();
    await bot.restart();
    await typeLine(channel, thread, '2');
    const { outcome, text } = await finalAnswer(playground, channel, thread);
    expect(outcome).toBe('ok');
    expect(text).toMatch(/│ 402 ?\n/);
  },
);

test('a box for a line that is open over a restart and a crash of the bot takes what is typed', async () => {
  const channel = playground.addChannel('asks-open').id;
  const thread = mention('python3\na = input("first? ")\nb = input("second? ")\nprint(a + b)', channel);
  await typeLine(channel, thread, '40', async () => {
    await bot.stop();
    await bot.restart();
  });
  await shown(thread, 'second?', channel);
  await typeLine(channel, thread, '2', async () => {
    await bot.kill();
    await bot.restart();
  });
  expect((await finalAnswer(playground, channel, thread)).text).toMatch(/│ 402 ?\n/);
});

test('code that asks for input after a restart is not given an empty line', async () => {
  const channel = playground.addChannel('asks-late').id;
  const file = JSON.stringify(join(bot.folder, 'ask'));
  const code = `import os, time\nprint("begun", flush=True)\nwhile not os.path.exists(${file}): time.sleep(0.05)\nprint("hello " + input("Name? "))`;
  const thread = mention(`python3\n${code}`, channel);
  await shown(thread, 'begun', channel);
  await bot.stop();
  await bot.restart();
  await writeFile(join(bot.folder, 'ask'), '');
  await typeLine(channel, thread, 'Ana');
  expect((await finalAnswer(playground, channel, thread)).text).toContain('hello Ana');
});
