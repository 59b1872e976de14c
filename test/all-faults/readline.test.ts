import { expect, inject, test } from 'vitest';
import type { SlackMessage } from '../../playground/messages.ts';
import type { Playground } from '../../playground/playground.ts';
import { askSlash, finalAnswer, sendBox } from '../support/ask.ts';
import { useBotOnGateway } from '../support/bot-on-gateway.ts';
import type { StartedBot } from '../support/start-bot.ts';

/** Questions of a real IRkernel, which no interrupt ends: answered, stopped, timed out. R serves the next run each time. */
const isMissing = inject('backends').missing['ir'] !== undefined;

let playground: Playground;
let bot: StartedBot;

useBotOnGateway(
  {
    provisioned: () => inject('backends'),
    environment: { DEFAULT_LANGUAGE: 'ir' },
  },
  (started) => ({ playground, bot } = started),
);

/** Runs code that asks, in a channel of its own. Resolves once its answer has the Answer button. */
async function ask(name: string, code: string): Promise<{ channel: string; asked: SlackMessage }> {
  const channel = playground.addChannel(name).id;
  await askSlash(playground, 'ana', channel, '/spark kept <- 41');
  const posted = playground.as('ana').post(channel, `@sparkthread \`\`\`\n${code}\n\`\`\``);
  return { channel, asked: await untilAsked(channel, posted.ts) };
}

async function untilAsked(channel: string, thread: string, prompt = ''): Promise<SlackMessage> {
  return await playground.waitForReply(channel, thread, (reply) => {
    const blocks = JSON.stringify(reply.blocks);
    return blocks.includes('run:answerInput') && blocks.includes(prompt);
  });
}

async function type(asked: SlackMessage, line: string): Promise<void> {
  const ana = playground.as('ana');
  await ana.press(asked, 'run:answerInput');
  const box = await playground.waitFor(() => ana.modal);
  expect(await ana.submit(box, { line })).toMatchObject({ ok: true });
}

async function expectServing(channel: string): Promise<void> {
  expect((await askSlash(playground, 'ana', channel, '/spark kept + 1')).text).toContain('[1] 42');
}

test.skipIf(isMissing)('two questions of readline() are answered', async () => {
  const { channel, asked } = await ask(
    'lines',
    'a <- readline("Name? ")\nb <- readline("Age? ")\ncat("[", a, "|", b, "]", sep = "")',
  );
  const thread = asked.thread_ts ?? '';
  await type(asked, 'Ána “q” <b>');
  await type(await untilAsked(channel, thread, 'Age?'), '7');
  expect((await finalAnswer(playground, channel, thread)).text).toContain('[Ána “q” <b>|7]');
  await expectServing(channel);
});

test.skipIf(isMissing)('a run that asks can be stopped', async () => {
  const { channel, asked } = await ask('stopped', 'readline("Forever? ")');
  await playground.as('ana').press(asked, 'run:stop');
  expect((await finalAnswer(playground, channel, asked.thread_ts ?? '')).outcome).toBe('interrupted');
  await expectServing(channel);
});

test.skipIf(isMissing)(
  'when the bot dies while the run asks, the next process takes the answer',
  async () => {
    const { channel, asked } = await ask('died', 'cat("[", readline("Still there? "), "]", sep = "")');
    await bot.kill();
    await bot.restart();
    const ana = playground.as('ana');
    // While the next process looks for the run, its answer has no such button.
    await ana.press(await untilAsked(channel, asked.thread_ts ?? ''), 'run:answerInput');
    const box = await playground.waitFor(() => ana.modal);
    await sendBox(ana, box, 'yes');
    expect((await finalAnswer(playground, channel, asked.thread_ts ?? '')).text).toContain('[yes]');
    await expectServing(channel);
  },
);

test.skipIf(isMissing)('a question that nobody answers ends the run', async () => {
  await bot.stop();
  await bot.restart({ INPUT_TIMEOUT: '3s' });
  const channel = playground.addChannel('nobody').id;
  await askSlash(playground, 'ana', channel, '/spark kept <- 41');
  // On a slow machine the time may be over before the question is seen.
  const { ts: thread } = playground.as('ana').post(channel, '@sparkthread `readline("Anybody? ")`');
  expect((await finalAnswer(playground, channel, thread)).outcome).toBe('inputTimedOut');
  await bot.stop();
  await bot.restart({ INPUT_TIMEOUT: '' });
  await expectServing(channel);
});
