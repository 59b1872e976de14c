import { setTimeout as pause } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { startPlayground } from '../../playground/playground.ts';
import { finalAnswer, finals } from '../support/ask.ts';
import { findRedisServer, startRedisServer } from '../support/redis-server.ts';
import { startScriptedGateway } from '../support/scripted-gateway.ts';
import { startBot } from '../support/start-bot.ts';

const found = await findRedisServer();

test.skipIf('missing' in found)(
  'a replica that stood still while another one finished its runs writes nothing over their answers',
  async () => {
    if ('missing' in found) return;
    const redis = await startRedisServer(found.path);
    await using playground = await startPlayground({ rates: false });
    const gateway = await startScriptedGateway();
    const ending = new AbortController();
    gateway.onStart = (kernel) => {
      kernel.onExecute = (request) => {
        kernel.begin(request);
        void (async () => {
          for (let tick = 0; !ending.signal.aborted; tick += 1) {
            kernel.stream(request, `tick ${tick}\n`);
            await pause(100);
          }
          kernel.stream(request, 'the last word\n');
          kernel.reply(request);
          kernel.status('idle', request);
        })();
      };
    };
    const environment = { STORE_URL: redis.url, DEFAULT_LANGUAGE: 'python3' };
    await using frozen = await startBot({ playground, gateway, environment });
    await using other = await startBot({ playground, gateway, environment });
    await playground.waitForConnection(2);
    playground.deliverTo(0);
    const posts = ['ice-1', 'ice-2', 'ice-3'].map((name) => {
      const channel = playground.addChannel(name).id;
      return { channel, ts: playground.as('ana').post(channel, `<@${playground.bot.id}> \`run()\``).ts };
    });
    for (const { channel, ts } of posts)
      await playground.waitForReply(channel, ts, (reply) => JSON.stringify(reply.blocks).includes('tick 9'));
    process.kill(frozen.pid, 'SIGSTOP');
    playground.deliverTo(undefined);
    // What can be seen of the takeover is that the other one goes on with the answers.
    for (const { channel, ts } of posts) {
      const before = JSON.stringify(playground.replies(channel, ts));
      await playground.waitFor(() => JSON.stringify(playground.replies(channel, ts)) !== before, {
        timeoutMs: 60_000,
      });
    }
    ending.abort();
    for (const { channel, ts } of posts) await finalAnswer(playground, channel, ts);
    process.kill(frozen.pid, 'SIGCONT');
    for (let lost = 0, since = 0; lost < posts.length; lost += 1) {
      const line = await frozen.untilLog(
        ({ msg }) => msg === 'a lease was lost; its kernel is let go',
        since,
      );
      since = frozen.log.indexOf(line) + 1;
    }
    // What it still wants to show goes out with its end.
    expect(await frozen.stop()).toBe(0);
    for (const { channel, ts } of posts) {
      expect(finals(playground, channel, ts)).toHaveLength(1);
      expect((await finalAnswer(playground, channel, ts)).text).toContain('the last word');
    }
    await other.stop();
    await gateway.close();
    await redis.kill();
  },
);
