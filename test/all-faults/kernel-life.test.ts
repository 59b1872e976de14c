import { afterAll, describe, expect, inject, test } from 'vitest';
import { type KernelGateway, startKernelGateway } from '../../demo/gateway.ts';
import type { Playground } from '../../playground/playground.ts';
import { type Answered, askSlash, finalAnswer, untilShown } from '../support/ask.ts';
import { kernelIdsOf, useBotOnGateway } from '../support/bot-on-gateway.ts';
import type { StartedBot } from '../support/start-bot.ts';

/** A real kernel dies, is restarted, culled or deleted. The thread says so, with what is lost and what to do. */
let gateway: KernelGateway;
let playground: Playground;
let bot: StartedBot;

useBotOnGateway(
  {
    provisioned: () => inject('backends'),
    environment: {
      LOG_LEVEL: 'debug',
      DEFAULT_LANGUAGE: 'python3',
      KERNEL_LAUNCH_TIMEOUT: '20s',
      LANGUAGES: 'r=ir',
    },
  },
  (started) => ({ gateway, playground, bot } = started),
);
// The one that took the first one's place.
afterAll(() => gateway.stop());

const rest = async (method: string, path: string): Promise<Response> =>
  await fetch(`${gateway.url}api/kernels${path}`, {
    method,
    headers: { authorization: `token ${gateway.token}` },
  });

const kernelIds = () => kernelIdsOf(gateway);

const say = (channel: string, code: string): Promise<Answered> =>
  askSlash(playground, 'ana', channel, `/spark ${code}`);

/** A new channel with a new kernel, in which `x` is 1. */
async function freshKernel(name: string): Promise<{ channel: string; kernelId: string }> {
  const before = await kernelIds();
  const channel = playground.addChannel(name).id;
  await say(channel, 'python3 x = 1');
  const kernelId = (await kernelIds()).find((id) => !before.includes(id)) ?? '';
  expect(kernelId).not.toBe('');
  return { channel, kernelId };
}

/** Posts code; gives its thread once the kernel runs it. */
async function running(channel: string, code: string): Promise<string> {
  const posted = playground.as('ana').post(channel, `<@${playground.bot.id}>\n\`\`\`\n${code}\n\`\`\``);
  await untilShown(playground, channel, posted.ts, 'up and running');
  return posted.ts;
}
const sleeper = 'import time\nprint("up and running", flush=True)\ntime.sleep(600)';

describe('while a run is in flight', () => {
  test('the death of the kernel’s process is told', async () => {
    const { channel } = await freshKernel('dies');
    const answer = await say(channel, 'python3 import os; os._exit(1)');
    expect(answer.outcome).toBe('kernelDied');
    expect(answer.text).toMatch(/variables/i);
    const after = await say(channel, 'python3 x');
    expect(after.text).toContain('NameError');
  });

  test('a kill from outside, as by the out-of-memory killer, is told', async () => {
    const { channel } = await freshKernel('killed');
    const answer = await say(channel, 'python3 import os, signal; os.kill(os.getpid(), signal.SIGKILL)');
    expect(answer.outcome).toBe('kernelDied');
    expect(answer.text).toMatch(/memory/i);
  });

  test('exit() says that the variables are gone', async () => {
    const { channel } = await freshKernel('exits');
    const answer = await say(channel, 'python3 exit()');
    expect(answer.outcome).toBe('exited');
    expect(answer.text).toMatch(/variables/i);
    expect((await say(channel, 'python3 x')).text).toContain('NameError');
  });

  test('a restart by somebody else is told', async () => {
    const { channel, kernelId } = await freshKernel('restarted');
    const thread = await running(channel, sleeper);
    await rest('POST', `/${kernelId}/restart`);
    const answer = await finalAnswer(playground, channel, thread);
    expect(answer.outcome).toBe('kernelRestarted');
    expect(answer.text).toMatch(/variables/i);
  });

  test('a deletion by somebody else, or by the gateway’s culling, is told', async () => {
    const { channel, kernelId } = await freshKernel('deleted');
    const thread = await running(channel, sleeper);
    await rest('DELETE', `/${kernelId}`);
    const answer = await finalAnswer(playground, channel, thread);
    expect(answer.outcome).toBe('kernelGone');
    expect((await say(channel, 'python3 1')).outcome).toBe('ok');
  });

  test('a shutdown by an admin ends the run, and the next run starts a new kernel', async () => {
    const { channel } = await freshKernel('shut');
    const thread = await running(channel, sleeper);
    await playground.as('ana').slash(channel, '/spark shutdown');
    expect((await finalAnswer(playground, channel, thread)).outcome).toMatch(/kernelGone|kernelRestarted/);
    expect((await say(channel, 'python3 1')).outcome).toBe('ok');
  });
});

describe('while nothing runs', () => {
  test('a deletion by somebody else is told in the next answer’s first line', async () => {
    const { channel, kernelId } = await freshKernel('idle-deleted');
    const since = bot.log.length;
    await rest('DELETE', `/${kernelId}`);
    await bot.untilLog((line) => line['kind'] === 'kernelGone', since);
    const answer = await say(channel, 'python3 1+1');
    expect(answer.outcome).toBe('ok');
    expect(answer.text).toMatch(/kernel was gone.*variables are lost/i);
  });

  test('an autorestart is told, even one while nobody was connected', async () => {
    const { channel } = await freshKernel('idle-died');
    const before = restarts();
    await say(channel, 'python3 import os, threading; threading.Timer(1, os._exit, [1]).start()');
    await bot.kill();
    await untilRestarted(before);
    await bot.restart();
    const answer = await say(channel, 'python3 1+1');
    expect(answer.text).toMatch(/restarted meanwhile/i);
  });

  /** How often the gateway's log says that it restarted a kernel. */
  function restarts(): number {
    return gateway.log().split('restarting kernel').length;
  }

  async function untilRestarted(before: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const look = setInterval(() => {
      if (restarts() > before) resolve();
    }, 100);
    await promise;
    clearInterval(look);
  }
});

describe('starts', () => {
  test('a kernelspec whose program exits is told', async () => {
    const channel = playground.addChannel('exits-at-once').id;
    const answer = await say(channel, 'broken-exit 1+1');
    expect(answer.outcome).toBe('notStarted');
    expect(answer.text).toMatch(/gave no answer|did not start|gave it up/i);
  });

  test('a kernelspec whose program never answers is told at KERNEL_LAUNCH_TIMEOUT, and no kernel is left', async () => {
    const before = await kernelIds();
    const channel = playground.addChannel('hangs').id;
    const answer = await say(channel, 'broken-hang 1+1');
    expect(answer.outcome).toBe('notStarted');
    expect((await kernelIds()).filter((id) => !before.includes(id))).toEqual([]);
  });
});

test('a kernel whose next process never answers is told at KERNEL_LAUNCH_TIMEOUT and removed', async () => {
  const before = await kernelIds();
  const channel = playground.addChannel('never-again').id;
  expect((await say(channel, 'broken-later import os; os._exit(1)')).outcome).toBe('kernelDied');
  const waits = await say(channel, 'broken-later 1');
  expect(waits.outcome).toBe('notStarted');
  expect(waits.text).toContain('gives no answer for 20 s');
  expect((await say(channel, 'broken-later 40+2')).text).toMatch(/a new one was started[^]*│ 42\n/);
  expect((await kernelIds()).filter((id) => !before.includes(id))).toHaveLength(1);
});

describe('the gateway', () => {
  test('a gateway that is restarted in the middle of a run loses its kernels, and that is said', async () => {
    const { channel } = await freshKernel('gateway-restart');
    const thread = await running(channel, sleeper);
    const port = Number(new URL(gateway.url).port);
    await gateway.stop();
    gateway = await startKernelGateway({ provisioned: inject('backends'), port, token: gateway.token });
    const answer = await finalAnswer(playground, channel, thread);
    expect(answer.outcome).toBe('kernelGone');
    expect((await say(channel, 'python3 40+2')).text).toMatch(/│ 42\n/);
  });
});
