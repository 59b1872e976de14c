import { rm, writeFile } from 'node:fs/promises';
import { expect, inject, onTestFinished, test } from 'vitest';
import { type KernelGateway, startKernelGateway } from '../../demo/gateway.ts';
import type { Playground } from '../../playground/playground.ts';
import { askSlash, finalAnswer, untilShown } from '../support/ask.ts';
import { useBotOnGateway } from '../support/bot-on-gateway.ts';
import { type FaultFront, startFaultFront } from '../support/fault-front.ts';
import type { StartedBot } from '../support/start-bot.ts';

/** A real gateway goes away, or refuses the bot, while runs are under way. The thread says so, and the runs are finished. */
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

/** Before so many attempts the delays between them add up to less than 10 s, within which an outage has to be named. */
const ATTEMPTS = 7;

const mention = (code: string): string =>
  playground.as('ana').post('#data', `<@${playground.bot.id}>\n\`\`\`\n${code}\n\`\`\``).ts;

const shown = (thread: string, words: string | RegExp): Promise<unknown> =>
  untilShown(playground, '#data', thread, words);

/** Starts code that prints ticks until the test ends it. Gives its thread once some are shown. */
async function ticking(): Promise<string> {
  await askSlash(playground, 'ana', '#data', '/spark import time, os; kept = 41');
  const thread = mention(
    [
      'n = 0',
      `while not os.path.exists(${JSON.stringify(endFile())}):`,
      '    n += 1',
      '    print("tick", n, flush=True)',
      '    time.sleep(0.2)',
      `    if not os.path.exists(${JSON.stringify(holdFile())}): continue`,
      '    print("held", flush=True)',
      `    while os.path.exists(${JSON.stringify(holdFile())}): time.sleep(0.05)`,
      'print("last tick", n)',
    ].join('\n'),
  );
  await shown(thread, 'tick 3');
  return thread;
}
const endFile = (): string => `${bot.folder}/end`;

const letEnd = (): Promise<void> => writeFile(endFile(), '');

/** Pauses the code, and resolves once all that it has printed is shown, so that a cut connection loses nothing. */
async function holdTicks(thread: string): Promise<void> {
  await writeFile(holdFile(), '');
  await shown(thread, 'held');
}
const holdFile = (): string => `${bot.folder}/hold`;

const letGoOn = (): Promise<void> => rm(holdFile());

/** The code has printed some ticks, and the answer does not say that output may be missing. */
function expectWhole(text: string): void {
  const last = Number(/last tick (\d+)/.exec(text)?.[1]);
  expect(last).toBeGreaterThanOrEqual(3);
  expect(text).not.toMatch(/may be missing/);
}

const refusals = {
  'credentials refused (401)': {
    answer: { status: 401, body: '{"reason":"Unauthorized","message":""}' },
    words: /does not accept our user, password or token/,
  },
  'credentials refused (403)': {
    answer: { status: 403, body: '<html>403 Forbidden</html>' },
    words: /does not accept our user, password or token/,
  },
  'the proxy has no gateway (502)': {
    answer: { status: 502, body: '<html>502 Bad Gateway</html>' },
    words: /not there behind its proxy/,
  },
};

test.each(Object.entries(refusals))('%s in the middle of a run', async (_, { answer, words }) => {
  const thread = await ticking();
  await holdTicks(thread);
  front.faults = { answer: () => answer };
  front.drop();
  await shown(thread, words);
  const named = bot.log.findIndex(({ event }) => event === 'gateway.outage');
  const attempts = bot.log.slice(0, named).filter(({ event }) => event === 'socket.unopened');
  expect(attempts.length).toBeLessThan(ATTEMPTS);
  await letGoOn();
  await shown(thread, /variables/);
  front.faults = {};
  await letEnd();
  const { outcome, text } = await finalAnswer(playground, '#data', thread);
  expect(outcome).toBe('ok');
  expect(text).not.toMatch(words);
  expectWhole(text);
  expect((await askSlash(playground, 'ana', '#data', '/spark kept + 1')).text).toMatch(/│ 42\n/);
});

test('a connection that goes dead without a sign is found', async () => {
  const thread = await ticking();
  front.faults = { answer: () => 'silence' };
  front.stall();
  await shown(thread, /gives no answer/);
  const since = bot.log.length;
  front.faults = {};
  await bot.untilLog((line) => line['kind'] === 'reconnected', since);
  await letEnd();
  const { outcome, text } = await finalAnswer(playground, '#data', thread);
  expect(outcome).toBe('ok');
  // The gateway took the websocket for open, so it kept nothing for later.
  expect(text).toMatch(/may be missing/);
});

test('when calls are refused while the websocket lives, that is said, and a stop gets through', async () => {
  const thread = await ticking();
  front.faults = { answer: () => refusals['credentials refused (401)'].answer };
  playground.as('ana').post('#data', '!stop', { thread });
  expect((await finalAnswer(playground, '#data', thread)).outcome).toBe('interrupted');
  const sleeping = mention('print("asleep", flush=True); time.sleep(600)');
  await shown(sleeping, /asleep/);
  await shown(sleeping, /does not accept our user, password or token.*Output still comes/);
  playground.as('ana').post('#data', '!stop', { thread: sleeping });
  expect((await finalAnswer(playground, '#data', sleeping)).outcome).toBe('interrupted');
  front.faults = {};
  expect((await askSlash(playground, 'ana', '#data', '/spark kept + 1')).text).toMatch(/│ 42\n/);
});

test('a stop while the gateway is away is carried out when it is back', async () => {
  const thread = await ticking();
  await holdTicks(thread);
  front.faults = { answer: () => refusals['the proxy has no gateway (502)'].answer };
  front.drop();
  await shown(thread, refusals['the proxy has no gateway (502)'].words);
  await letGoOn();
  playground.as('ana').post('#data', '!stop', { thread });
  await bot.untilLog((line) => line['msg'] === 'an interrupt could not be sent');
  front.faults = {};
  expect((await finalAnswer(playground, '#data', thread)).outcome).toBe('interrupted');
});

test('after a restart with another token the refusal is named; with the right token the loss of the kernel is told', async () => {
  const port = Number(new URL(gateway.url).port);
  const thread = await ticking();
  const queued = mention('40 + 2');
  await gateway.stop();
  gateway = await startKernelGateway({ provisioned: inject('backends'), port });
  onTestFinished(() => gateway.stop());
  await shown(thread, /does not accept our user, password or token/);
  await bot.stop();
  await bot.restart({ KG_AUTH_TOKEN: gateway.token });
  const { outcome, text } = await finalAnswer(playground, '#data', thread);
  expect(outcome).toBe('kernelGone');
  expect(text).toMatch(/variables are gone/i);
  expect((await finalAnswer(playground, '#data', queued)).text).toMatch(/│ 42\n/);
});

test('a bot that starts while the gateway is away waits for it and finishes the runs', async () => {
  const thread = await ticking();
  const queued = mention('kept + 1');
  await shown(queued, /before yours/);
  await bot.kill();
  front.faults = { answer: () => refusals['the proxy has no gateway (502)'].answer };
  front.drop();
  const restarted = bot.restart();
  await shown(thread, refusals['the proxy has no gateway (502)'].words);
  await restarted;
  front.faults = {};
  await letEnd();
  const { outcome, text } = await finalAnswer(playground, '#data', thread);
  expect(outcome).toBe('ok');
  expect(text).toMatch(/last tick \d+/);
  expect((await finalAnswer(playground, '#data', queued)).text).toMatch(/│ 42\n/);
});

test('a bot that starts while the gateway is away says that the kernels are gone when it comes back without them', async () => {
  const port = Number(new URL(gateway.url).port);
  const thread = await ticking();
  const queued = mention('40 + 2');
  await shown(queued, /before yours/);
  await bot.kill();
  await gateway.stop();
  await bot.restart();
  await shown(thread, refusals['the proxy has no gateway (502)'].words);
  gateway = await startKernelGateway({ provisioned: inject('backends'), port, token: gateway.token });
  onTestFinished(() => gateway.stop());
  const { outcome, text } = await finalAnswer(playground, '#data', thread);
  expect(outcome).toBe('kernelGone');
  expect(text).toMatch(/variables are gone/i);
  expect((await finalAnswer(playground, '#data', queued)).text).toMatch(/│ 42\n/);
});

test('a snippet sent while the gateway is away for a moment runs when it is back, and can be cancelled', async () => {
  await askSlash(playground, 'ana', '#data', '/spark 1');
  front.faults = { answer: () => refusals['the proxy has no gateway (502)'].answer };
  await bot.stop();
  front.drop();
  await bot.restart();
  front.faults = {};
  // The bot has read the list of languages before the gateway goes away.
  await askSlash(playground, 'ana', '#data', '/spark kept = 41');
  front.faults = { answer: () => refusals['the proxy has no gateway (502)'].answer };
  const elsewhere = playground.addChannel('elsewhere').id;
  const post = (code: string): string =>
    playground.as('ana').post(elsewhere, `<@${playground.bot.id}> \`${code}\``).ts;
  const taken = post('1');
  await untilShown(playground, elsewhere, taken, 'Nothing has run yet');
  playground.as('ana').post(elsewhere, '!stop', { thread: taken });
  expect((await finalAnswer(playground, elsewhere, taken)).outcome).toBe('cancelled');
  const waiting = post('40 + 2');
  await untilShown(playground, elsewhere, waiting, 'Nothing has run yet');
  front.faults = {};
  expect((await finalAnswer(playground, elsewhere, waiting)).text).toMatch(/│ 42\n/);
});
