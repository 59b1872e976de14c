import { expect, test } from 'vitest';
import { startPlayground } from '../../playground/playground.ts';
import { askSlash } from '../support/ask.ts';
import { holdKernels } from '../support/held-kernels.ts';
import { startRedisProxy } from '../support/redis-proxy.ts';
import { findRedisServer, startRedisServer } from '../support/redis-server.ts';
import { startScriptedGateway } from '../support/scripted-gateway.ts';
import { startBot } from '../support/start-bot.ts';

const found = await findRedisServer();

test.skipIf('missing' in found)(
  'a command that was answered with “nothing ran” does not run later, although Redis had stored it',
  async () => {
    if ('missing' in found) return;
    await using playground = await startPlayground({ rates: false });
    const gateway = await startScriptedGateway();
    const kernels = holdKernels(gateway);
    kernels.letRun();
    const redis = await startRedisServer(found.path);
    await using proxy = await startRedisProxy(redis.port);
    await using bot = await startBot({
      playground,
      gateway,
      environment: { STORE_URL: proxy.url, DEFAULT_LANGUAGE: 'python3' },
    });
    await askSlash(playground, 'ana', '#data', '/spark before()');

    proxy.swallowAfter('refused()');
    const reaction = await playground.as('ana').slash('#data', '/spark refused()');
    expect(reaction.text).toContain('could not be accepted, nothing ran');
    // Redis had stored it.
    await bot.untilLog((line) => line['msg'] === 'a refused snippet was withdrawn');
    await askSlash(playground, 'ana', '#data', '/spark after()');
    await bot.stop();
    await bot.restart();
    await askSlash(playground, 'ana', '#data', '/spark at the end()');
    expect(kernels.begun.map(({ code }) => code)).toEqual(['before()', 'after()', 'at the end()']);

    await bot.kill();
    await redis.kill();
    await gateway.close();
  },
);

test.skipIf('missing' in found)(
  'while Redis is silent, a press and a shortcut are told at once that nothing ran, and nothing runs later',
  async () => {
    if ('missing' in found) return;
    await using playground = await startPlayground({ rates: false });
    const gateway = await startScriptedGateway();
    const kernels = holdKernels(gateway);
    kernels.letRun();
    const redis = await startRedisServer(found.path);
    const environment = { STORE_URL: redis.url, DEFAULT_LANGUAGE: 'python3' };
    await using bot = await startBot({ playground, gateway, environment });
    const ana = playground.as('ana');
    const { message: answer } = await askSlash(playground, 'ana', '#data', '/spark before()');
    const talk = playground.as('ben').post('#data', '`refused()`');

    redis.pause();
    await bot.untilLog(
      ({ msg }) => typeof msg === 'string' && msg.startsWith('the leader lease is in doubt'),
    );
    const reactions = await Promise.all([
      ana.press(answer, 'run:runAgain'),
      ana.messageShortcut('run_message', talk),
    ]);
    expect(reactions).toMatchObject([{ ok: true }, { ok: true }]);
    await playground.waitFor(() => ana.ephemerals.length === 2);
    for (const { text } of ana.ephemerals) expect(text).toContain('could not be accepted, nothing ran');

    redis.resume();
    await bot.untilLog((line) => line['msg'] === 'a refused snippet was withdrawn');
    await askSlash(playground, 'ana', '#data', '/spark after()');
    expect(kernels.begun.map(({ code }) => code)).toEqual(['before()', 'after()']);

    await bot.stop();
    await gateway.close();
    await redis.kill();
  },
);
