import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { startPlayground } from '../../playground/playground.ts';
import { finalAnswer, untilShown } from '../support/ask.ts';
import { holdKernels } from '../support/held-kernels.ts';
import { findRedisServer, type RedisServer, startRedisServer } from '../support/redis-server.ts';
import { startScriptedGateway } from '../support/scripted-gateway.ts';
import { startBot } from '../support/start-bot.ts';

const found = await findRedisServer();

/** Longer than the bot waits for Redis' answer to a command, shorter than a lease. */
const AWAY_MS = 2_500;

async function standStill(redis: RedisServer): Promise<void> {
  redis.pause();
  await pause(AWAY_MS);
  redis.resume();
}

test.skipIf('missing' in found)(
  'when Redis is away while a run is resumed, the bot waits for it, and the run ends as it ended',
  async () => {
    if ('missing' in found) return;
    const redis = await startRedisServer(found.path);
    await using playground = await startPlayground({ rates: false });
    const gateway = await startScriptedGateway();
    const held = holdKernels(gateway);
    const environment = { STORE_URL: redis.url, DEFAULT_LANGUAGE: 'python3' };
    await using bot = await startBot({ playground, gateway, environment });
    const channel = playground.addChannel('taken-up').id;
    const { ts } = playground.as('ana').post(channel, `<@${playground.bot.id}> \`run()\``);
    await untilShown(playground, channel, ts, 'run:stop');
    await bot.kill();
    const upgrade = gateway.untilCall(({ isUpgrade }) => isUpgrade);
    const away = upgrade.then(() => standStill(redis));
    await bot.restart();
    await away;
    held.letRun();
    expect((await finalAnswer(playground, channel, ts)).outcome).toBe('ok');
    await gateway.close();
    await redis.kill();
  },
);

test.skipIf('missing' in found)(
  'when Redis is away while the gateway starts a kernel, the run gets that kernel, and no other is left behind',
  async () => {
    if ('missing' in found) return;
    const redis = await startRedisServer(found.path);
    await using playground = await startPlayground({ rates: false });
    const gateway = await startScriptedGateway();
    holdKernels(gateway).letRun();
    const environment = { STORE_URL: redis.url, DEFAULT_LANGUAGE: 'python3' };
    await using bot = await startBot({ playground, gateway, environment });
    const away = Promise.withResolvers<void>();
    gateway.answer = ({ method, body }) => {
      if (method !== 'POST') return undefined;
      // Like Kernel Gateway 2, which chooses the ids itself.
      Object.assign(body as object, { kernel_id: randomUUID() });
      if (gateway.kernels.size === 0) away.resolve(standStill(redis));
      return undefined;
    };
    const channel = playground.addChannel('started').id;
    const { ts } = playground.as('ana').post(channel, `<@${playground.bot.id}> \`run()\``);
    await away.promise;
    expect((await finalAnswer(playground, channel, ts)).outcome).toBe('ok');
    expect(gateway.kernels.size).toBe(1);
    await bot.stop();
    await gateway.close();
    await redis.kill();
  },
);
