import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { expect, test, vi } from 'vitest';
import { startPlayground } from '../../playground/playground.ts';
import { askSlash, finalAnswer, untilShown } from '../support/ask.ts';
import { compiledCode } from '../support/compiled-code.ts';
import { holdKernels } from '../support/held-kernels.ts';
import { startScriptedGateway } from '../support/scripted-gateway.ts';
import { startBot } from '../support/start-bot.ts';

const environment = { DEFAULT_LANGUAGE: 'python3', LOG_LEVEL: 'debug' };

/** A bot whose kernel runs ana's `long()` until the test ends that. */
async function startLong() {
  const all = new AsyncDisposableStack();
  const playground = all.use(await startPlayground({ rates: false }));
  const gateway = await startScriptedGateway();
  all.defer(() => gateway.close());
  const kernels = holdKernels(gateway);
  const bot = all.use(await startBot({ playground, gateway, environment }));
  const { ts } = playground.as('ana').post('#data', `<@${playground.bot.id}> \`long()\``);
  const run = await kernels.untilBegun('long()');
  return { playground, gateway, kernels, bot, ts, run, [Symbol.asyncDispose]: () => all.disposeAsync() };
}

test('at SIGTERM the last edits go out, and the successor goes on with the same run', async () => {
  await using long = await startLong();
  const { playground, kernels, bot, ts, run } = long;
  const shown = (words: string): Promise<unknown> => untilShown(playground, '#data', ts, words);
  await shown('long() begins');
  run.print('edited now\n');
  await shown('edited now');
  // The bot may not edit again for a second.
  run.print('last words\n');
  await untilSpooled(bot.folder, 'last words');
  const before = performance.now();
  expect(await bot.stop()).toBe(0);
  console.log(`SIGTERM: gone after ${((performance.now() - before) / 1000).toFixed(1)} s`);
  await shown('last words');
  expect(run.kernel.sockets.size).toBe(0);

  const posted = playground.as('ana').post('#data', `<@${playground.bot.id}> \`next()\``);
  run.print('said to nobody\n');
  await bot.restart();
  playground.retryNow();
  run.end();
  const { outcome, text: answer } = await finalAnswer(playground, '#data', ts);
  expect(outcome).toBe('ok');
  expect(answer).toMatch(/long\(\) begins\n.*edited now\n.*last words\n.*said to nobody\n.*long\(\) ends\n/);
  expect(answer).not.toMatch(/may be missing/);
  (await kernels.untilBegun('next()')).end();
  await finalAnswer(playground, '#data', posted.ts);
  expect(kernels.begun.map(({ code }) => code)).toEqual(['long()', 'next()']);
});

test('at SIGTERM the process ends by itself although Slack does not answer', async () => {
  await using long = await startLong();
  const { playground, bot, ts, run } = long;
  const held = playground.hold('chat.update');
  await playground.waitForReply('#data', ts);
  run.print('more\n');
  await held.reached;
  const before = performance.now();
  expect(await bot.stop()).toBe(0);
  console.log(`SIGTERM, Slack hanging: gone after ${((performance.now() - before) / 1000).toFixed(1)} s`);
  // The bot has closed its websocket in order, so the gateway keeps what the kernel says from now on.
  expect(run.kernel.sockets.size).toBe(0);
  held.release();
  await bot.restart();
  run.end();
  const { text: answer } = await finalAnswer(playground, '#data', ts);
  expect(answer).toMatch(/long\(\) begins\n.*more\n.*long\(\) ends\n/);
});

test('a second SIGTERM, as from a process group and its supervisor, does not disturb the orderly end', async () => {
  await using long = await startLong();
  const { playground, bot, ts, run } = long;
  // The last edit is held up, so that the second SIGTERM comes while the bot is ending.
  const held = playground.hold('chat.update');
  await playground.waitForReply('#data', ts);
  run.print('more\n');
  await held.reached;
  const ended = bot.stop();
  await bot.untilLog((line) => String(line['msg']).startsWith('stopping'));
  process.kill(bot.pid, 'SIGTERM');
  expect(await ended).toBe(0);
  held.release();
  await bot.restart();
  run.end();
  const { text: answer } = await finalAnswer(playground, '#data', ts);
  expect(answer).toMatch(/long\(\) begins\n.*more\n.*long\(\) ends\n/);
  expect(answer).not.toMatch(/may be missing/);
});

test('SIGTERM while a command is judged: Slack hears that it was accepted, and it runs once', async () => {
  await using long = await startLong();
  const { playground, kernels, bot, run } = long;
  const held = playground.hold('users.info');
  const command = playground.as('ben').slash('#data', '/spark next()');
  await held.reached;
  const ended = bot.stop();
  await bot.untilLog(({ event }) => event === 'bot.stopping');
  held.release();
  expect(await command).toMatchObject({ ok: true });
  expect(await ended).toBe(0);
  await bot.restart();
  run.end();
  (await kernels.untilBegun('next()')).end();
  expect(kernels.begun.map(({ code }) => code)).toEqual(['long()', 'next()']);
});

test.each(['SIGTERM', 'SIGHUP'] as const)(
  '%s while Slack gives no websocket at the start: the process ends by itself',
  async (signal) => {
    await using playground = await startPlayground({ rates: false });
    const gateway = await startScriptedGateway();
    playground.fail('apps.connections.open', { kind: 'status', status: 503 }, 1_000);
    const bot = spawn(process.execPath, [fileURLToPath(new URL('../../src/main.ts', import.meta.url))], {
      env: {
        ...compiledCode,
        ...playground.environment,
        KG_URL: gateway.httpUrl,
        STORE_URL: 'memory:',
        PORT: '0',
      },
      stdio: 'ignore',
    });
    await playground.waitFor(() => playground.callsOf('apps.connections.open').length === 1);
    bot.kill(signal);
    expect(await once(bot, 'exit')).toEqual([0, null]);
    await gateway.close();
  },
);

test('a second process on one SQLite file waits for the first, then says why and exits with 78', async () => {
  await using playground = await startPlayground({ rates: false });
  const gateway = await startScriptedGateway();
  holdKernels(gateway).letRun();
  await using bot = await startBot({ playground, gateway, environment });
  const second = spawn(process.execPath, [fileURLToPath(new URL('../../src/main.ts', import.meta.url))], {
    cwd: bot.folder,
    env: {
      ...compiledCode,
      ...playground.environment,
      KG_URL: gateway.httpUrl,
      STORE_URL: `sqlite:${join(bot.folder, 'sparkthread.db')}`,
      PORT: '0',
    },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const [said, [code]] = await Promise.all([text(second.stderr), once(second, 'exit')]);
  expect(code).toBe(78);
  expect(said).toMatch(/held by another process, which did not release it within 15000 ms/);
  expect((await askSlash(playground, 'ana', '#data', '/spark 1')).outcome).toBe('ok');
  await gateway.close();
});

test('a second process that starts within the wait takes over', async () => {
  await using long = await startLong();
  const { playground, gateway, bot, ts, run } = long;
  const coming = startBot({
    playground,
    gateway,
    environment: { ...environment, STORE_URL: `sqlite:${join(bot.folder, 'sparkthread.db')}` },
  });
  await bot.stop();
  await using successor = await coming;
  run.end();
  expect((await finalAnswer(playground, '#data', ts)).outcome).toBe('ok');
  await successor.stop();
});

/** Resolves once some run has this text on disk. */
async function untilSpooled(folder: string, words: string): Promise<void> {
  const spool = join(folder, 'spool');
  const look = async (): Promise<void> => {
    const names = await readdir(spool);
    const texts = await Promise.all(names.map((name) => readFile(join(spool, name, 'output.txt'), 'utf8')));
    expect(texts.join('')).toContain(words);
  };
  await vi.waitFor(look, { timeout: 100_000, interval: 20 });
}
