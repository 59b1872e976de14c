import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { SlackMessage } from '../../playground/messages.ts';
import { type Playground, startPlayground } from '../../playground/playground.ts';
import type { PlaygroundOptions } from '../../playground/settings.ts';
import { askMessage, finalAnswer, finals, untilShown } from '../support/ask.ts';
import { type HeldKernels, holdKernels } from '../support/held-kernels.ts';
import { readStoreFile, untilPosted } from '../support/run-store-file.ts';
import {
  type ScriptedGateway,
  type ScriptedKernel,
  startScriptedGateway,
} from '../support/scripted-gateway.ts';
import { type StartedBot, startBot } from '../support/start-bot.ts';

/** The bot is killed, and the next process goes on with what it left. */
interface Scene extends AsyncDisposable {
  playground: Playground;
  gateway: ScriptedGateway;
  kernels: HeldKernels;
  bot: StartedBot;
  /** ana mentions the bot with this code. Gives the thread. */
  ask(channel: string, code: string): string;
  /** Resolves once the answer shows this text. */
  untilShown(channel: string, thread: string, text: string): Promise<void>;
}

async function startScene(options: PlaygroundOptions = {}): Promise<Scene> {
  const playground = await startPlayground({ rates: false, ...options });
  const gateway = await startScriptedGateway();
  const kernels = holdKernels(gateway);
  const environment = { DEFAULT_LANGUAGE: 'python3', USER_LIMIT: '1000', LOG_LEVEL: 'debug' };
  const bot = await startBot({ playground, gateway, environment });
  return {
    playground,
    gateway,
    kernels,
    bot,
    ask: (channel, code) => playground.as('ana').post(channel, `<@${playground.bot.id}> \`${code}\``).ts,
    async untilShown(channel, thread, text) {
      await untilShown(playground, channel, thread, text);
    },
    async [Symbol.asyncDispose]() {
      await bot[Symbol.asyncDispose]();
      await gateway.close();
      await playground.stop();
    },
  };
}

/** A run ends, but Slack gets no edit about it. Gives its thread. */
async function endWhileSlackIsAway(scene: Scene): Promise<string> {
  const { playground, kernels, bot } = scene;
  const thread = scene.ask('#data', 'away()');
  const run = await kernels.untilBegun('away()');
  await scene.untilShown('#data', thread, 'away() begins');
  playground.fail('chat.update', { kind: 'dropped' }, Infinity);
  run.end();
  await bot.untilLog((line) => line['event'] === 'run.ended');
  return thread;
}

const isRoot = ({ metadata }: SlackMessage): boolean => metadata?.event_type === 'sparkthread_root';

const answersIn = (playground: Playground, channel: string, thread: string): number =>
  playground.replies(channel, thread).filter((reply) => reply.metadata?.event_type === 'sparkthread_answer')
    .length;

test('a run whose answer was being posted when the bot was killed has one answer', async () => {
  await using scene = await startScene();
  const { playground, kernels, bot } = scene;
  await askHeld(scene, '#data', 'before');
  const held = playground.hold('chat.postMessage');
  const thread = scene.ask('#data', 'quick()');
  (await kernels.untilBegun('quick()')).end();
  await held.reached;
  await bot.kill();
  held.release();
  await bot.restart();
  const { outcome, text } = await finalAnswer(playground, '#data', thread);
  expect(outcome).toBe('ok');
  expect(text).toContain('quick() ends');
  expect(answersIn(playground, '#data', thread)).toBe(1);
  expect(kernels.begun.filter(({ code }) => code === 'quick()')).toHaveLength(1);
});

test('an answer that could not be posted before the bot was killed is posted by the next process, and nobody is told otherwise', async () => {
  await using scene = await startScene();
  const { playground, bot } = scene;
  const thread = await endWhileSlackIsAway(scene);
  await bot.kill();
  expect((await readStoreFile(bot.folder)).map(({ state }) => state)).toEqual(['ended']);
  playground.clearFaults();
  await bot.restart();
  const { outcome, text } = await finalAnswer(playground, '#data', thread);
  expect(outcome).toBe('ok');
  expect(text).toContain('away() ends');
  expect(text).not.toContain('may be missing');
  expect(answersIn(playground, '#data', thread)).toBe(1);
  expect(playground.ephemerals('ana')).toEqual([]);
});

test('when the output stayed behind on the first machine, the answer says so', async () => {
  await using scene = await startScene();
  const { playground, bot } = scene;
  const thread = await endWhileSlackIsAway(scene);
  await bot.kill();
  await rm(join(bot.folder, 'spool'), { recursive: true });
  playground.clearFaults();
  await bot.restart();
  const { outcome, text } = await finalAnswer(playground, '#data', thread);
  expect(outcome).toBe('ok');
  expect(text).toMatch(/may be missing (between|at) \d\d:\d\d:\d\d/);
});

test('after SIGTERM while Slack is away the end is left to the next process', async () => {
  await using scene = await startScene();
  const { playground, bot } = scene;
  const thread = await endWhileSlackIsAway(scene);
  expect(await bot.stop()).toBe(0);
  expect((await readStoreFile(bot.folder)).map(({ state }) => state)).toEqual(['ended']);
  playground.clearFaults();
  await bot.restart();
  expect((await finalAnswer(playground, '#data', thread)).text).toContain('away() ends');
  expect(playground.ephemerals('ana')).toEqual([]);
});

test('waiting runs run in the old order', async () => {
  await using scene = await startScene();
  const { playground, kernels, bot } = scene;
  const codes = ['one()', 'two()', 'three()', 'four()', 'five()'];
  const threads: string[] = [];
  for (const code of codes) {
    threads.push(scene.ask('#data', code));
    await playground.waitForQuiet();
  }
  await kernels.untilBegun('one()');
  await bot.kill();
  await bot.restart();
  kernels.letRun();
  for (const thread of threads) await finalAnswer(playground, '#data', thread);
  expect(kernels.begun.map(({ code }) => code)).toEqual(codes);
});

test.each([
  {
    what: 'is gone',
    outcome: 'kernelGone',
    happen: (kernel: ScriptedKernel) => void (kernel.isDeleted = true),
  },
  {
    what: 'was restarted',
    outcome: 'kernelRestarted',
    happen: (kernel: ScriptedKernel) => {
      kernel.comeUp();
      kernel.executionState = 'idle';
    },
  },
])('if the kernel $what meanwhile, the answer says so and what is lost', async ({ outcome, happen }) => {
  await using scene = await startScene();
  const { playground, kernels, bot } = scene;
  const thread = scene.ask('#data', 'long()');
  const run = await kernels.untilBegun('long()');
  await scene.untilShown('#data', thread, 'long() begins');
  await bot.kill();
  happen(run.kernel);
  await bot.restart();
  const final = await finalAnswer(playground, '#data', thread);
  expect(final.outcome).toBe(outcome);
  expect(final.text).toContain('long() begins');
  expect(final.text).toMatch(/variables are gone/i);
});

test('output goes on where it was, a possible gap is said, and spools of other runs are removed', async () => {
  await using scene = await startScene();
  const { playground, kernels, bot } = scene;
  await askHeld(scene, '#data', 'done()');
  const thread = scene.ask('#data', 'long()');
  const run = await kernels.untilBegun('long()');
  await scene.untilShown('#data', thread, 'long() begins');
  await bot.kill();
  const spool = join(bot.folder, 'spool');
  await mkdir(join(spool, 'left-by-somebody'));
  await writeFile(join(spool, 'left-by-somebody', 'output.txt'), 'x');
  run.print('while nobody listened\n');
  await bot.restart();
  const unfinished = (await readdir(spool)).toSorted();
  run.print('and afterwards\n');
  run.end();
  const { outcome, text } = await finalAnswer(playground, '#data', thread);
  expect(outcome).toBe('ok');
  expect(text).toMatch(/long\(\) begins\n.*while nobody listened\n.*and afterwards\n.*long\(\) ends\n/);
  expect(text).toMatch(/may be missing (at|between \d\d:\d\d:\d\d and) \d\d:\d\d:\d\d/);
  await untilPosted(bot.folder, thread);
  await bot.stop();
  const kept = await readStoreFile(bot.folder);
  expect(unfinished).toEqual(kept.filter((row) => row.thread === thread).map(({ id }) => id));
  await bot.restart();
  expect(await readdir(spool)).toEqual([]);
});

test('a request without a trace, on which the bot was killed, does not run again; the answer says so, and Run again works', async () => {
  await using scene = await startScene();
  const { playground, gateway, kernels, bot } = scene;
  await askHeld(scene, '#data', 'before()');
  const [kernel] = gateway.kernels.values();
  if (kernel === undefined) throw new Error('no kernel was started');
  const taught = kernel.onExecute;
  const killed = new Promise<void>((resolve) => {
    kernel.onExecute = () => {
      process.kill(bot.pid, 'SIGKILL');
      kernel.onExecute = taught;
      resolve();
    };
  });
  const thread = scene.ask('#data', 'risky()');
  await killed;
  await bot.kill();
  expect((await readStoreFile(bot.folder)).map(({ state }) => state)).toEqual(['posted', 'sending']);
  await bot.restart();
  const { outcome, text, message } = await finalAnswer(playground, '#data', thread);
  expect(outcome).toBe('unknown');
  expect(text).toContain('It is not known whether this ran');
  expect(kernels.begun.map(({ code }) => code)).toEqual(['before()']);
  kernels.letRun();
  await playground.as('ana').press(message, 'run:runAgain');
  expect((await finalAnswer(playground, '#data', thread, 1)).text).toContain('risky() ends');
});

test('a root message that was being posted when the bot was killed is there once', async () => {
  await using scene = await startScene();
  const { playground, kernels, bot } = scene;
  kernels.letRun();
  const held = playground.hold('chat.postMessage');
  await playground.as('ana').slash('#data', '/spark slashed()');
  await held.reached;
  await bot.kill();
  held.release();
  await bot.restart();
  const root = await playground.waitForMessage('#data', isRoot);
  expect((await finalAnswer(playground, '#data', root.ts)).text).toContain('slashed() ends');
  expect(playground.messages('#data').filter(isRoot)).toHaveLength(1);
});

test('with 200 unfinished runs in all states an edit is among the first calls, and Slack’s limits are kept', async () => {
  await using scene = await startScene({ rates: true });
  const { playground, kernels, bot } = scene;
  const channels = Array.from({ length: 20 }, (_, index) => playground.addChannel(`full-${index}`).id);
  const threads = channels.map((channel) =>
    Array.from({ length: 10 }, (_, nth) => scene.ask(channel, `run(${channel}, ${nth})`)),
  );
  const allShown = (): boolean =>
    channels.every((channel, at) =>
      threads[at]?.every((thread) => answersIn(playground, channel, thread) === 1),
    );
  await playground.waitFor(allShown, { what: '200 answers' });
  playground.fail('chat.update', { kind: 'dropped' }, Infinity);
  for (const channel of channels.slice(0, 5)) {
    (await kernels.untilBegun(`run(${channel}, 0)`)).end();
    await kernels.untilBegun(`run(${channel}, 1)`);
  }
  await bot.kill();
  playground.clearFaults();
  const states = (await readStoreFile(bot.folder)).map(({ state }) => state);
  const count = (state: string): number => states.filter((each) => each === state).length;
  expect([count('waiting'), count('sending') + count('running'), count('ended')]).toEqual([175, 20, 5]);

  const before = playground.calls.length;
  const restarted = bot.restart();
  const since = () => playground.calls.slice(before);
  const firstEdit = () =>
    since().findIndex(({ method, answer }) => method === 'chat.update' && answer?.['ok'] === true);
  await playground.waitFor(() => firstEdit() !== -1);
  // What the bot looks for in Slack first does not hold the edits up.
  expect(firstEdit()).toBeLessThan(10);
  await restarted;
  kernels.letRun();
  // More than Slack takes in one minute, so that a loop of refusals would show. Some refusals are normal (0 to 9 were seen),
  // because the killed process has used up a part of the first minute.
  const written = () =>
    since().filter(
      ({ method, answer }) => /^chat\.(update|postMessage)$/.test(method) && answer?.['ok'] === true,
    );
  await playground.waitFor(() => written().length >= 70, { timeoutMs: 150_000, what: '70 messages' });
  const refused = since().filter(({ status }) => status === 429);
  expect(refused.length).toBeLessThanOrEqual(20);
}, 300_000);

test('killed in the middle of a command: its author is told once that nobody knows whether it was done', async () => {
  await using scene = await startScene();
  const { playground, gateway, bot } = scene;
  await askHeld(scene, '#data', 'before()');
  const [kernel] = gateway.kernels.values();
  if (kernel === undefined) throw new Error('no kernel was started');
  let restarts = 0;
  const killed = new Promise<void>((resolve) => {
    kernel.onRestart = () => {
      restarts += 1;
      process.kill(bot.pid, 'SIGKILL');
      resolve();
    };
  });
  playground.as('ana').post('#data', '@sparkthread restart');
  await killed;
  await bot.kill();
  await bot.restart();
  playground.retryNow();
  await playground.waitFor(() => playground.ephemerals('ana').length > 0);
  await playground.waitForQuiet();
  expect(playground.ephemerals('ana').map(({ text }) => text)).toEqual([
    'The bot was restarted while it did this, so it is not known whether it was done. Look, and type it again if it was not.',
  ]);
  expect(restarts).toBe(1);
});

/** One run from its post until the store has it as posted. */
async function askHeld({ playground, kernels, bot }: Scene, channel: string, code: string): Promise<void> {
  const asked = askMessage(playground, 'ana', channel, `<@${playground.bot.id}> \`${code}\``);
  (await kernels.untilBegun(code)).end();
  const { outcome, thread } = await asked;
  expect(outcome).toBe('ok');
  expect(finals(playground, channel, thread)).toHaveLength(1);
  await untilPosted(bot.folder, thread);
}
