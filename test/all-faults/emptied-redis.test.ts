import { expect, test } from 'vitest';
import { startPlayground } from '../../playground/playground.ts';
import { finalAnswer } from '../support/ask.ts';
import { findRedisServer, startRedisServer } from '../support/redis-server.ts';
import { type ScriptMessage, startScriptedGateway } from '../support/scripted-gateway.ts';
import { startBot } from '../support/start-bot.ts';

const found = await findRedisServer();

test.skipIf('missing' in found)(
  'Redis comes back empty: the run in the kernel is answered, and one that waited is told that it is lost',
  async () => {
    if ('missing' in found) return;
    const redis = await startRedisServer(found.path);
    await using playground = await startPlayground({ rates: false });
    const gateway = await startScriptedGateway();
    const begun = Promise.withResolvers<() => void>();
    gateway.onStart = (kernel) => {
      kernel.onExecute = (request: ScriptMessage) => {
        kernel.begin(request);
        begun.resolve(() => {
          kernel.stream(request, 'the end\n');
          kernel.reply(request);
          kernel.status('idle', request);
        });
      };
    };
    const environment = { STORE_URL: redis.url, DEFAULT_LANGUAGE: 'python3' };
    await using bot = await startBot({ playground, gateway, environment });
    const channel = playground.addChannel('emptied').id;
    const post = (code: string): string =>
      playground.as('ana').post(channel, `<@${playground.bot.id}> \`${code}\``).ts;
    const running = post('first()');
    const end = await begun.promise;
    const waiting = post('second()');
    await playground.waitForReply(channel, waiting, (reply) =>
      JSON.stringify(reply).includes('before yours'),
    );
    await redis.kill();
    await redis.start();
    await bot.untilLog(({ msg }) => msg === 'the connection to Redis is back');
    end();
    expect((await finalAnswer(playground, channel, running)).text).toContain('the end');
    const { outcome, text } = await finalAnswer(playground, channel, waiting);
    expect(outcome).toBe('notStarted');
    expect(text).toContain('store has lost');
    await gateway.close();
    await redis.kill();
  },
);
