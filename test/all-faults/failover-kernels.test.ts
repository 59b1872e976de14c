import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { type KernelGateway, startKernelGateway } from '../../demo/gateway.ts';
import { type Playground, startPlayground } from '../../playground/playground.ts';
import { askMessage, askSlash, finalAnswer } from '../support/ask.ts';
import { kernelIdsOf } from '../support/bot-on-gateway.ts';
import { findRedisServer, type RedisServer, startRedisServer } from '../support/redis-server.ts';
import { type StartedBot, startBot } from '../support/start-bot.ts';

/** Two processes of the bot on one Redis, with real kernels. */
const found = await findRedisServer();
const testRedis = test.skipIf('missing' in found);

let redis: RedisServer;
let gateway: KernelGateway;
let playground: Playground;
let leader: StartedBot;
let standby: StartedBot;

const start = (): Promise<StartedBot> =>
  startBot({
    playground,
    gateway: { httpUrl: gateway.url, token: gateway.token },
    environment: { STORE_URL: redis.url, LOG_LEVEL: 'debug', DEFAULT_LANGUAGE: 'python3' },
  });

beforeAll(async () => {
  if ('missing' in found) return;
  redis = await startRedisServer(found.path);
  gateway = await startKernelGateway({ provisioned: inject('backends') });
  playground = await startPlayground({ rates: false, retryDelaysMs: [300, 1_000, 3_000, 600_000] });
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

async function handOver(end: (bot: StartedBot) => Promise<unknown>): Promise<void> {
  await end(leader);
  await standby.untilLeader();
  await leader.restart();
  [leader, standby] = [standby, leader];
}

testRedis(
  'one kernel per channel even when the leader ends while it starts, order kept, each run once',
  async () => {
    const channel = playground.addChannel('fresh').id;
    const before = await kernelIdsOf(gateway);
    const mention = `<@${playground.bot.id}>`;
    const posts: string[] = [];
    for (let index = 0; index < 5; index += 1) {
      const code = `try:\n    seen.append(${index})\nexcept NameError:\n    seen = [${index}]`;
      posts.push(playground.as('ana').post(channel, `${mention}\n\`\`\`\n${code}\n\`\`\``).ts);
      await playground.waitForReply(channel, posts.at(-1) ?? '');
      if (index === 1) await handOver((bot) => bot.stop());
    }
    for (const ts of posts) expect((await finalAnswer(playground, channel, ts)).outcome).toBe('ok');
    expect((await askMessage(playground, 'ben', channel, `${mention} \`seen\``)).text).toMatch(
      /\[0, 1, 2, 3, 4\]/,
    );
    expect(await kernelIdsOf(gateway)).toHaveLength(before.length + 1);
  },
);

testRedis('stop works at the successor', async () => {
  await askSlash(playground, 'ana', '#data', '/spark 1');
  const posted = playground
    .as('ana')
    .post('#data', `<@${playground.bot.id}> \`import time; time.sleep(600)\``);
  await playground.waitForReply('#data', posted.ts, (reply) =>
    JSON.stringify(reply.blocks).includes('run:stop'),
  );
  await handOver((bot) => bot.stop());
  playground.as('ana').post('#data', '!stop', { thread: posted.ts });
  expect((await finalAnswer(playground, '#data', posted.ts)).outcome).toBe('interrupted');
});

testRedis('kill -9 of the one that runs it: the other finishes the answer, nothing runs twice', async () => {
  await askSlash(playground, 'ana', '#general', '/spark runs = 0');
  const code =
    'import time\nruns += 1\nfor i in range(40):\n    print("tick", i, flush=True)\n    time.sleep(0.5)';
  const posted = playground.as('ana').post('#general', `<@${playground.bot.id}>\n\`\`\`\n${code}\n\`\`\``);
  await playground.waitForReply('#general', posted.ts, (reply) =>
    JSON.stringify(reply.blocks).includes('tick 1'),
  );
  await handOver((bot) => bot.kill());
  const { outcome, text } = await finalAnswer(playground, '#general', posted.ts);
  expect(outcome).toBe('ok');
  expect(text).toContain('tick 39');
  expect((await askSlash(playground, 'ana', '#general', '/spark runs')).text).toMatch(/│ 1\n/);
});

testRedis(
  'Redis stands still for longer than a lease under a run: its answer comes whole, from the same process where nobody took over',
  async () => {
    // Once Redis goes on, a standby and the leader ask at the same time, and either may be first.
    await standby.stop();
    await askSlash(playground, 'ana', '#data', '/spark 1');
    const code = 'import time\nfor i in range(30):\n    print("beat", i, flush=True)\n    time.sleep(0.5)';
    const posted = playground.as('ana').post('#data', `<@${playground.bot.id}>\n\`\`\`\n${code}\n\`\`\``);
    await playground.waitForReply('#data', posted.ts, (reply) =>
      JSON.stringify(reply.blocks).includes('beat 1'),
    );
    redis.pause();
    await pause(18_000);
    redis.resume();
    const { outcome, text } = await finalAnswer(playground, '#data', posted.ts);
    expect(outcome).toBe('ok');
    expect(text).toContain('beat 29');
  },
);
