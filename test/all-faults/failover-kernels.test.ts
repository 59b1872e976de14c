import { setTimeout as pause } from 'node:timers/promises';
import { expect, inject, test } from 'vitest';
import type { Playground } from '../../playground/playground.ts';
import { askMessage, askSlash, finalAnswer, untilShown } from '../support/ask.ts';
import { kernelIdsOf } from '../support/bot-on-gateway.ts';
import { hasNoRedis, type LeaderAndStandby, useLeaderAndStandby } from '../support/failover.ts';

/** Two processes of the bot on one Redis, with real kernels. */
const testRedis = test.skipIf(hasNoRedis);
let pair: LeaderAndStandby;
let playground: Playground;

useLeaderAndStandby(
  () => inject('backends'),
  (started) => {
    pair = started;
    ({ playground } = started);
  },
  { retryDelaysMs: [300, 1_000, 3_000, 600_000] },
);

testRedis(
  'a channel gets one kernel even if the leader ends while it starts, and runs keep their order, each once',
  async () => {
    const channel = playground.addChannel('fresh').id;
    const before = await kernelIdsOf(pair.gateway);
    const mention = `<@${playground.bot.id}>`;
    const posts: string[] = [];
    for (let index = 0; index < 5; index += 1) {
      const code = `try:\n    seen.append(${index})\nexcept NameError:\n    seen = [${index}]`;
      posts.push(playground.as('ana').post(channel, `${mention}\n\`\`\`\n${code}\n\`\`\``).ts);
      await playground.waitForReply(channel, posts.at(-1) ?? '');
      if (index === 1) await pair.handOver();
    }
    for (const ts of posts) expect((await finalAnswer(playground, channel, ts)).outcome).toBe('ok');
    expect((await askMessage(playground, 'ben', channel, `${mention} \`seen\``)).text).toMatch(
      /\[0, 1, 2, 3, 4\]/,
    );
    expect(await kernelIdsOf(pair.gateway)).toHaveLength(before.length + 1);
  },
);

testRedis('Stop works at the successor', async () => {
  await askSlash(playground, 'ana', '#data', '/spark 1');
  const posted = playground
    .as('ana')
    .post('#data', `<@${playground.bot.id}> \`import time; time.sleep(600)\``);
  await untilShown(playground, '#data', posted.ts, 'run:stop');
  await pair.handOver();
  playground.as('ana').post('#data', '!stop', { thread: posted.ts });
  expect((await finalAnswer(playground, '#data', posted.ts)).outcome).toBe('interrupted');
});

testRedis('after kill -9 of the leader the standby finishes the answer, and nothing runs twice', async () => {
  await askSlash(playground, 'ana', '#general', '/spark runs = 0');
  const code =
    'import time\nruns += 1\nfor i in range(40):\n    print("tick", i, flush=True)\n    time.sleep(0.5)';
  const posted = playground.as('ana').post('#general', `<@${playground.bot.id}>\n\`\`\`\n${code}\n\`\`\``);
  await untilShown(playground, '#general', posted.ts, 'tick 1');
  await pair.handOver((leader) => leader.kill());
  const { outcome, text } = await finalAnswer(playground, '#general', posted.ts);
  expect(outcome).toBe('ok');
  expect(text).toContain('tick 39');
  expect((await askSlash(playground, 'ana', '#general', '/spark runs')).text).toMatch(/│ 1\n/);
});

testRedis(
  'after a Redis that stood still for longer than a lease the same process completes the answer, if nobody took over',
  async () => {
    // When Redis goes on, a standby and the leader would both ask for the lease, and either could be first.
    await pair.standby.stop();
    await askSlash(playground, 'ana', '#data', '/spark 1');
    const code = 'import time\nfor i in range(30):\n    print("beat", i, flush=True)\n    time.sleep(0.5)';
    const posted = playground.as('ana').post('#data', `<@${playground.bot.id}>\n\`\`\`\n${code}\n\`\`\``);
    await untilShown(playground, '#data', posted.ts, 'beat 1');
    pair.redis.pause();
    await pause(18_000);
    pair.redis.resume();
    const { outcome, text } = await finalAnswer(playground, '#data', posted.ts);
    expect(outcome).toBe('ok');
    expect(text).toContain('beat 29');
  },
);
