import { expect, test } from 'vitest';
import { startPlayground } from '../../playground/playground.ts';
import { finalAnswer } from '../support/ask.ts';
import { findRedisServer, startRedisServer } from '../support/redis-server.ts';
import { type ScriptMessage, startScriptedGateway } from '../support/scripted-gateway.ts';
import { startBot } from '../support/start-bot.ts';

const found = await findRedisServer();

test.skipIf('missing' in found)(
  'a stop whose signal never reached the process that runs the code is done all the same',
  async () => {
    if ('missing' in found) return;
    const redis = await startRedisServer(found.path);
    await using playground = await startPlayground({ rates: false });
    const gateway = await startScriptedGateway();
    gateway.onStart = (kernel) => {
      const running: ScriptMessage[] = [];
      kernel.onExecute = (request) => {
        running.push(request);
        kernel.begin(request);
        kernel.stream(request, 'begun\n');
      };
      kernel.onInterrupt = () => {
        for (const request of running.splice(0)) {
          const error = { ename: 'KeyboardInterrupt', evalue: '', traceback: [] };
          kernel.send('error', error, { parent: request });
          kernel.reply(request, { status: 'error', ...error });
          kernel.status('idle', request);
        }
      };
    };
    const environment = { STORE_URL: redis.url, DEFAULT_LANGUAGE: 'python3' };
    await using runs = await startBot({ playground, gateway, environment });
    await playground.waitForConnection(1);
    await using other = await startBot({ playground, gateway, environment });
    await playground.waitForConnection(2);
    playground.deliverTo(0);
    const channel = playground.addChannel('unheard').id;
    const posted = playground.as('ana').post(channel, `<@${playground.bot.id}> \`run()\``);
    await playground.waitForReply(channel, posted.ts, (reply) => JSON.stringify(reply).includes('begun'));
    expect(await redis.command('ACL', 'SETUSER', 'default', '-publish')).toContain('OK');
    playground.deliverTo(1);
    playground.as('ana').post(channel, '!stop', { thread: posted.ts });
    await other.untilLog(({ msg }) => msg === 'the other processes were not told');
    expect((await finalAnswer(playground, channel, posted.ts)).outcome).toBe('interrupted');
    expect(runs.log.some((line) => line['audit'] === 'run')).toBe(true);
    await gateway.close();
    await redis.kill();
  },
);
