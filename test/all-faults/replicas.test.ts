import { createHash } from 'node:crypto';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { type KernelGateway, startKernelGateway } from '../../demo/gateway.ts';
import { type Playground, startPlayground } from '../../playground/playground.ts';
import { askMessage, askSlash, finalAnswer, finals } from '../support/ask.ts';
import { findRedisServer, type RedisServer, startRedisServer } from '../support/redis-server.ts';
import { type LogLine, type StartedBot, startBot } from '../support/start-bot.ts';

/** Two processes of the bot on one Redis: events arrive at either, everything happens once. */
const found = await findRedisServer();
const testRedis = test.skipIf('missing' in found);

let redis: RedisServer;
let gateway: KernelGateway;
let playground: Playground;
let bots: StartedBot[];

const startReplica = (): Promise<StartedBot> =>
  startBot({
    playground,
    gateway: { httpUrl: gateway.url, token: gateway.token },
    environment: { STORE_URL: redis.url, LOG_LEVEL: 'debug', DEFAULT_LANGUAGE: 'python3' },
  });

beforeAll(async () => {
  if ('missing' in found) return;
  redis = await startRedisServer(found.path);
  gateway = await startKernelGateway({ provisioned: inject('backends') });
  playground = await startPlayground({ rates: false });
  bots = [await startReplica(), await startReplica()];
  await playground.waitForConnection(2);
});
afterAll(async () => {
  await Promise.all((bots ?? []).map((bot) => bot[Symbol.asyncDispose]()));
  await playground?.stop();
  await gateway?.[Symbol.asyncDispose]();
  await redis?.kill();
});

/** The audit line of a run of this code. */
function isEndOf(code: string): (line: LogLine) => boolean {
  const sha = createHash('sha256').update(code).digest('hex');
  return (line) => line['audit'] === 'run' && line['codeSha256'] === sha;
}

const kernelCount = async (): Promise<number> => {
  const response = await fetch(`${gateway.url}api/kernels`, {
    headers: { authorization: `token ${gateway.token}` },
  });
  const models: unknown = await response.json();
  return Array.isArray(models) ? models.length : -1;
};

testRedis('one kernel per channel even when both start it at once, order kept, each run once', async () => {
  const channel = playground.addChannel('fresh').id;
  const before = await kernelCount();
  const mention = `<@${playground.bot.id}>`;
  const posts = Array.from({ length: 5 }, (_, i) =>
    playground
      .as('ana')
      .post(
        channel,
        `${mention}\n\`\`\`\ntry:\n    seen.append(${i})\nexcept NameError:\n    seen = [${i}]\n\`\`\``,
      ),
  );
  await Promise.all(posts.map((post) => finalAnswer(playground, channel, post.ts)));
  await playground.waitForQuiet();
  expect((await askMessage(playground, 'ben', channel, `${mention} \`seen\``)).text).toMatch(
    /\[0, 1, 2, 3, 4\]/,
  );
  expect(await kernelCount()).toBe(before + 1);
});

testRedis('stop works at whichever replica it lands', async () => {
  await askSlash(playground, 'ana', '#data', '/spark 1');
  const posted = playground
    .as('ana')
    .post('#data', `<@${playground.bot.id}> \`import time; time.sleep(600)\``);
  await playground.waitForReply('#data', posted.ts, (reply) =>
    JSON.stringify(reply.blocks).includes('run:stop'),
  );
  for (let i = 0; finals(playground, '#data', posted.ts).length === 0 && i < 4; i++) {
    playground.as('ana').post('#data', '!stop', { thread: posted.ts });
    await playground.waitForQuiet();
  }
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
  const victim = await Promise.race(
    bots.map(async (bot) => {
      await bot.untilLog((line) => line['msg'] === 'sent to the kernel' && line['thread'] === posted.ts);
      return bot;
    }),
  );
  await victim.kill();
  const { outcome, text } = await finalAnswer(playground, '#general', posted.ts);
  expect(outcome).toBe('ok');
  expect(text).toContain('tick 39');
  expect((await askSlash(playground, 'ana', '#general', '/spark runs')).text).toMatch(/│ 1\n/);
  await victim.restart();
});

testRedis(
  'Redis away: what is accepted is not lost, the rest is refused in a sentence or left for Slack to repeat',
  async () => {
    await askSlash(playground, 'ana', '#data', '/spark away = 0');
    redis.pause();
    const refused = await playground.as('ana').slash('#data', '/spark away += 100');
    expect(refused.text).toContain('could not be accepted');
    const posted = playground.as('ana').post('#data', `<@${playground.bot.id}> \`away += 1\``);
    await playground.waitFor(
      () =>
        playground.deliveries.some(
          (delivery) => JSON.stringify(delivery).includes('away += 1') && delivery.attempt > 0,
        ),
      {
        timeoutMs: 30_000,
        what: 'a repeated delivery',
      },
    );
    redis.resume();
    playground.retryNow();
    await finalAnswer(playground, '#data', posted.ts);
    expect((await askSlash(playground, 'ana', '#data', '/spark away')).text).toMatch(/│ 1\n/);
  },
);

testRedis('Redis away in the middle of a run: the run goes on and its answer comes whole', async () => {
  await askSlash(playground, 'ana', '#data', '/spark 1');
  const code = 'import time\nfor i in range(12):\n    print("beat", i, flush=True)\n    time.sleep(0.5)';
  const posted = playground.as('ana').post('#data', `<@${playground.bot.id}>\n\`\`\`\n${code}\n\`\`\``);
  await playground.waitForReply('#data', posted.ts, (reply) =>
    JSON.stringify(reply.blocks).includes('beat 1'),
  );
  redis.pause();
  const { promise, resolve } = Promise.withResolvers<void>();
  setTimeout(resolve, 8_000);
  await promise;
  redis.resume();
  const { outcome, text } = await finalAnswer(playground, '#data', posted.ts);
  expect(outcome).toBe('ok');
  expect(text).toContain('beat 11');
});

testRedis(
  'Redis away for longer than a lease while the code ends: the end is known, and told once',
  async () => {
    await askSlash(playground, 'ana', '#data', '/spark 1');
    const code = 'import time\nprint("begun", flush=True)\ntime.sleep(7)\nprint("done")';
    const posted = playground.as('ana').post('#data', `<@${playground.bot.id}>\n\`\`\`\n${code}\n\`\`\``);
    await playground.waitForReply('#data', posted.ts, (reply) =>
      JSON.stringify(reply.blocks).includes('begun'),
    );
    const lost = Promise.race(
      bots.map((bot) =>
        bot.untilLog((line) => line['msg'] === 'a lease was lost; its kernel is let go', bot.log.length),
      ),
    );
    redis.pause();
    await lost;
    // Whatever still waited for the ledger when the queue was let go has given up by then.
    const { promise, resolve } = Promise.withResolvers<void>();
    setTimeout(resolve, 4_000);
    await promise;
    redis.resume();
    // Behind it in the queue: what was left of it has been taken up by then.
    const next = playground.as('ana').post('#data', `<@${playground.bot.id}> \`40 + 2\``);
    expect((await finalAnswer(playground, '#data', next.ts)).text).toMatch(/│ 42\n/);
    const { outcome, text } = await finalAnswer(playground, '#data', posted.ts);
    expect(text).toContain('done');
    expect(outcome).toBe('ok');
    // Written behind that of the one before it, if there is another one.
    await Promise.race(bots.map((bot) => bot.untilLog(isEndOf('40 + 2'))));
    const ends = bots.flatMap((bot) => bot.log.filter(isEndOf(code)));
    expect(ends.map((line) => line['outcome'])).toEqual(['ok']);
  },
);
