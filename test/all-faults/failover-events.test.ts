import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { type KernelGateway, startKernelGateway } from '../../demo/gateway.ts';
import type { SlackMessage } from '../../playground/messages.ts';
import { type Playground, startPlayground } from '../../playground/playground.ts';
import { finalAnswer, finals } from '../support/ask.ts';
import { findRedisServer, type RedisServer, startRedisServer } from '../support/redis-server.ts';
import { type LogLine, type StartedBot, startBot } from '../support/start-bot.ts';

/** One process runs it, another one takes over (SIGTERM), and what people do about it arrives at the successor. */
const found = await findRedisServer();
let redis: RedisServer;
let gateway: KernelGateway;
let playground: Playground;
let leader: StartedBot;
let standby: StartedBot;

beforeAll(async () => {
  if ('missing' in found) return;
  redis = await startRedisServer(found.path);
  gateway = await startKernelGateway({ provisioned: inject('backends') });
  playground = await startPlayground({ rates: false });
  const start = (): Promise<StartedBot> =>
    startBot({
      playground,
      gateway: { httpUrl: gateway.url, token: gateway.token },
      environment: { STORE_URL: redis.url, LOG_LEVEL: 'debug', DEFAULT_LANGUAGE: 'python3' },
    });
  leader = await start();
  standby = await start();
});
afterAll(async () => {
  await leader?.[Symbol.asyncDispose]();
  await standby?.[Symbol.asyncDispose]();
  await playground?.stop();
  await gateway?.[Symbol.asyncDispose]();
  await redis?.kill();
});

const typed = (code: string): string => `<@${playground.bot.id}>\n\`\`\`\n${code}\n\`\`\``;

/** Posted so that the leader runs it. */
async function runAtFirst(channel: string, code: string, words: string): Promise<SlackMessage> {
  const posted = playground.as('ana').post(channel, typed(code));
  await shown(channel, posted.ts, words);
  const isSent = (line: LogLine): boolean =>
    line['msg'] === 'sent to the kernel' && line['thread'] === posted.ts;
  await leader.untilLog(isSent);
  expect(standby.log.some(isSent)).toBe(false);
  return posted;
}

/** The leader ends; from now on everything arrives at its successor. The one that ended comes back as a standby. */
async function handOver(): Promise<void> {
  expect(await leader.stop()).toBe(0);
  await standby.untilLeader();
  await leader.restart();
  [leader, standby] = [standby, leader];
}

const shown = (channel: string, thread: string, words: string): Promise<SlackMessage> =>
  playground.waitForReply(channel, thread, (reply) => JSON.stringify(reply.blocks).includes(words), {
    timeoutMs: 60_000,
  });

const answers = (channel: string, thread: string): SlackMessage[] =>
  playground.replies(channel, thread).filter(({ metadata }) => metadata?.event_type === 'sparkthread_answer');

/** Prints its name, and stops when it is told so and not before. */
const sleeper = 'import time\nprint("asleep", flush=True)\ntime.sleep(600)';

describe.skipIf('missing' in found)('what arrives at the successor', () => {
  test('the message is deleted while it runs: stopped and taken away', async () => {
    const channel = playground.addChannel('deleted').id;
    const posted = await runAtFirst(channel, sleeper, 'asleep');
    await handOver();
    playground.as('ana').delete(posted);
    await playground.waitFor(() => answers(channel, posted.ts).length === 0, { timeoutMs: 60_000 });
    const next = playground.as('ana').post(channel, typed('40 + 2'));
    expect((await finalAnswer(playground, channel, next.ts)).text).toMatch(/│ 42\n/);
  });

  test('the message is deleted while it waits: it never runs', async () => {
    const channel = playground.addChannel('deleted-waiting').id;
    const running = await runAtFirst(channel, `ran = False\n${sleeper}`, 'asleep');
    const waiting = playground.as('ana').post(channel, typed('ran = True'));
    await shown(channel, waiting.ts, 'before yours');
    await handOver();
    playground.as('ana').delete(waiting);
    await playground.waitFor(() => answers(channel, waiting.ts).length === 0, { timeoutMs: 60_000 });
    playground.as('ana').post(channel, '!stop', { thread: running.ts });
    await finalAnswer(playground, channel, running.ts);
    const next = playground.as('ana').post(channel, typed('ran'));
    expect((await finalAnswer(playground, channel, next.ts)).text).toMatch(/│ False\n/);
  });

  test('Delete is pressed on an answer that the one before has given', async () => {
    const channel = playground.addChannel('pressed').id;
    const posted = await runAtFirst(channel, 'print("to be erased")', 'to be erased');
    const { message } = await finalAnswer(playground, channel, posted.ts);
    await handOver();
    await playground.as('ana').press(message, 'run:delete');
    await playground.waitFor(() => answers(channel, posted.ts).length === 0, { timeoutMs: 60_000 });
  });

  test('input() is answered', async () => {
    const channel = playground.addChannel('asked').id;
    const posted = await runAtFirst(channel, 'print("hello " + input("Name? "))', 'Name?');
    const asked = await shown(channel, posted.ts, 'run:answerInput');
    const ana = playground.as('ana');
    await ana.press(asked, 'run:answerInput');
    const box = await playground.waitFor(() => ana.modal);
    await handOver();
    // Not yet, while the run is being resumed.
    for (let tries = 0; ana.modal?.id === box.id && tries < 30; tries += 1)
      await ana.submit(box, { line: 'Ana' });
    expect((await finalAnswer(playground, channel, posted.ts)).text).toContain('hello Ana');
  });

  test('a running message is edited: run 2 waits behind run 1', async () => {
    const channel = playground.addChannel('edited').id;
    const posted = await runAtFirst(channel, sleeper, 'asleep');
    await handOver();
    playground.as('ana').edit(posted, typed('print("second", "edition")'));
    await shown(channel, posted.ts, 'edited');
    await playground.as('ana').slash(channel, '/spark stop');
    const final = await playground.waitFor(
      () =>
        finals(playground, channel, posted.ts).find((each) => JSON.stringify(each).includes('edited, run 2')),
      { timeoutMs: 60_000, what: 'the final answer of run 2' },
    );
    expect(JSON.stringify(final)).toContain('second edition');
  });

  test('a waiting message is edited: the new code takes the place', async () => {
    const channel = playground.addChannel('edited-waiting').id;
    const running = await runAtFirst(channel, sleeper, 'asleep');
    const waiting = playground.as('ana').post(channel, typed('print("old")'));
    const behind = playground.as('ana').post(channel, typed('print("behind")'));
    await shown(channel, behind.ts, 'before yours');
    await handOver();
    playground.as('ana').edit(waiting, typed('print("new")'));
    await playground.waitForQuiet();
    playground.as('ana').post(channel, '!stop', { thread: running.ts });
    const { text } = await finalAnswer(playground, channel, waiting.ts);
    expect(text).toContain('│ new\n');
    expect(text).not.toMatch(/run 2/);
    expect((await finalAnswer(playground, channel, behind.ts)).text).toMatch(/behind[^]*In \[3\]/);
  });

  test('a waiting run is cancelled by its button', async () => {
    const channel = playground.addChannel('cancelled').id;
    const running = await runAtFirst(channel, sleeper, 'asleep');
    const waiting = playground.as('ana').post(channel, typed('1'));
    const answer = await shown(channel, waiting.ts, 'run:cancel');
    await handOver();
    await playground.as('ana').press(answer, 'run:cancel');
    expect((await finalAnswer(playground, channel, waiting.ts)).outcome).toBe('cancelled');
    await playground.as('ana').slash(channel, '/spark stop');
    expect((await finalAnswer(playground, channel, running.ts)).outcome).toBe('interrupted');
  });

  test('status tells of the run, a restart by command ends it', async () => {
    const channel = playground.addChannel('restarted').id;
    const running = await runAtFirst(channel, sleeper, 'asleep');
    await handOver();
    await playground.as('ana').slash(channel, '/spark status');
    await playground.waitForEphemeral('ana', ({ text }) => /python3.*busy/s.test(text));
    await playground.as('ana').slash(channel, '/spark restart');
    expect((await finalAnswer(playground, channel, running.ts)).outcome).toBe('kernelRestarted');
    const next = playground.as('ana').post(channel, typed('40 + 2'));
    expect((await finalAnswer(playground, channel, next.ts)).text).toMatch(/│ 42\n/);
  });
});
