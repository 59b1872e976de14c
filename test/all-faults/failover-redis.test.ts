import { createHash } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { scriptText } from '../../src/store/redis/scripts.ts';
import { askSlash, finalAnswer, finals, untilShown } from '../support/ask.ts';
import { hasNoRedis, startFailover } from '../support/failover.ts';
import { startRedisProxy } from '../support/redis-proxy.ts';

/** Redis is away, comes back empty, or takes no writes: the leader doubts its lease, and goes on when it is sure again. */
const testFailover = test.skipIf(hasNoRedis);

/** Longer than the lease of 12 s. */
const LONG_MS = 16_000;

testFailover(
  'while Redis is away accepted runs are not lost, and the rest is refused in a sentence or repeated by Slack',
  async () => {
    await using failover = await startFailover();
    const { playground, redis, kernels, post } = failover;
    kernels.letRun();
    await failover.start();
    redis.pause();
    const refused = await playground.as('ana').slash('#data', '/spark refused()');
    expect(refused.text).toContain('could not be accepted');
    const ts = post('#data', 'repeated()');
    const isRepeat = (playgroundNow: typeof playground) =>
      playgroundNow.deliveries.some(
        (each) => JSON.stringify(each).includes('repeated()') && each.attempt > 0,
      );
    await playground.waitFor(isRepeat, { what: 'a repeated delivery' });
    redis.resume();
    playground.retryNow();
    expect((await finalAnswer(playground, '#data', ts)).outcome).toBe('ok');
    expect(kernels.begun.map(({ code }) => code)).toEqual(['repeated()']);
  },
);

testFailover.for([{ processes: 1 }, { processes: 2 }])(
  'Redis stands still for longer than a lease while the code ends, with $processes: the end is known, and told once',
  async ({ processes }) => {
    await using failover = await startFailover();
    const { playground, redis, kernels, post } = failover;
    const bots = [await failover.start()];
    if (processes === 2) bots.push(await failover.start());
    const channel = playground.addChannel('away').id;
    const ts = post(channel, 'run()');
    const run = await kernels.untilBegun('run()');
    await untilShown(playground, channel, ts, 'run() begins');
    redis.pause();
    run.print('said meanwhile\n');
    run.end();
    await pause(LONG_MS);
    // Nothing is sent to Slack while the lease is in doubt.
    expect(finals(playground, channel, ts)).toEqual([]);
    redis.resume();
    const { outcome, text } = await finalAnswer(playground, channel, ts);
    expect(outcome).toBe('ok');
    expect(text).toContain('said meanwhile');
    expect(text).toContain('run() ends');
    kernels.letRun();
    const next = post(channel, 'next()');
    expect((await finalAnswer(playground, channel, next)).outcome).toBe('ok');
    await playground.waitForQuiet();
    const ends = bots.flatMap((bot) => bot.log.filter(({ audit }) => audit === 'run'));
    expect(ends.map(({ outcome: how }) => how)).toEqual(['ok', 'ok']);
    expect(kernels.begun.map(({ code }) => code)).toEqual(['run()', 'next()']);
    expect(finals(playground, channel, ts)).toHaveLength(1);
  },
);

testFailover(
  'while Redis is away for longer than the lease a run goes on, and the next one waits on',
  async () => {
    await using failover = await startFailover();
    const { playground, redis, kernels, post } = failover;
    const leader = await failover.start();
    const standby = await failover.start();
    const ts = post('#data', 'run()');
    const run = await kernels.untilBegun('run()');
    await untilShown(playground, '#data', ts, 'run() begins');
    const next = post('#data', 'next()');
    await untilShown(playground, '#data', next, 'before yours');
    redis.pause();
    for (let beat = 0; beat < 28; beat += 1) {
      run.print(`beat ${beat}\n`);
      await pause(500);
    }
    redis.resume();
    await untilShown(playground, '#data', ts, 'beat 27');
    run.end();
    const { outcome, text } = await finalAnswer(playground, '#data', ts);
    expect(outcome).toBe('ok');
    expect(text).toContain('beat 0\n');
    kernels.letRun();
    expect((await finalAnswer(playground, '#data', next)).outcome).toBe('ok');
    expect([leader.role, standby.role]).toEqual(['leader', 'standby']);
  },
);

testFailover(
  'when Redis comes back empty, the run in the kernel is answered, and a waiting run is told that it is lost',
  async () => {
    await using failover = await startFailover();
    const { playground, redis, kernels, post } = failover;
    const leader = await failover.start();
    const standby = await failover.start();
    const channel = playground.addChannel('emptied').id;
    await playground.as('ana').slash(channel, '/spark auto on');
    const running = post(channel, 'first()');
    const run = await kernels.untilBegun('first()');
    const waiting = post(channel, 'second()');
    await untilShown(playground, channel, waiting, 'before yours');
    await redis.command('FLUSHALL');
    const { outcome, text } = await finalAnswer(playground, channel, waiting);
    expect(outcome).toBe('notStarted');
    expect(text).toContain('store has lost');
    run.end();
    expect((await finalAnswer(playground, channel, running)).text).toContain('first() ends');
    kernels.letRun();
    expect((await askSlash(playground, 'ana', channel, '/spark third()')).outcome).toBe('ok');
    const ended = [leader, standby].filter(({ log }) => log.some(({ event }) => event === 'leader.lost'));
    expect(ended).toEqual([]);
    // The leader has written the channel's settings to the store again, so its successor finds them.
    await leader.stop();
    await standby.untilLeader();
    await playground.waitForConnection();
    const fence = playground.as('ana').post(channel, '```fourth()```').ts;
    expect((await finalAnswer(playground, channel, fence)).outcome).toBe('ok');
  },
);

testFailover('when Redis starts again, empty, the leader goes on, and the run is answered once', async () => {
  await using failover = await startFailover();
  const { playground, redis, kernels, post } = failover;
  await failover.start();
  const channel = playground.addChannel('anew').id;
  const running = post(channel, 'first()');
  const run = await kernels.untilBegun('first()');
  await playground.waitForReply(channel, running);
  await redis.kill();
  await redis.start();
  run.end();
  expect((await finalAnswer(playground, channel, running)).text).toContain('first() ends');
  kernels.letRun();
  expect((await askSlash(playground, 'ana', channel, '/spark second()')).outcome).toBe('ok');
  expect(finals(playground, channel, running)).toHaveLength(1);
});

testFailover('a Redis that takes no writes puts the lease in doubt and ends nobody', async () => {
  await using failover = await startFailover();
  const { playground, redis, kernels, post } = failover;
  const leader = await failover.start();
  const standby = await failover.start();
  const ts = post('#data', 'run()');
  const run = await kernels.untilBegun('run()');
  await playground.waitForReply('#data', ts);
  // Like a former master after a failover, Redis refuses writes with READONLY.
  await redis.command('REPLICAOF', '127.0.0.1', '1');
  await leader.untilLog(({ msg }) => String(msg).startsWith('the leader lease is in doubt'));
  run.end();
  expect((await fetch(`${leader.url}/leader`)).status).toBe(503);
  await redis.command('REPLICAOF', 'NO', 'ONE');
  expect((await finalAnswer(playground, '#data', ts)).outcome).toBe('ok');
  expect([leader, standby].flatMap(({ log }) => log.filter(({ event }) => event === 'leader.lost'))).toEqual(
    [],
  );
  expect(kernels.begun).toHaveLength(1);
});

testFailover(
  'SIGTERM while Redis stands still: the process ends by itself and says what becomes of the lease',
  async () => {
    await using failover = await startFailover();
    const { playground, redis, kernels, post } = failover;
    const leader = await failover.start();
    const ts = post('#data', 'run()');
    const run = await kernels.untilBegun('run()');
    await playground.waitForReply('#data', ts);
    redis.pause();
    await leader.stop();
    const said = leader.log.map(({ msg }) => String(msg));
    expect(said).toContain('the leader lease could not be released; it expires by itself');
    expect(run.kernel.sockets.size).toBe(0);
    redis.resume();
    await leader.restart();
    run.end();
    expect((await finalAnswer(playground, '#data', ts)).outcome).toBe('ok');
  },
);

testFailover(
  'when Redis breaks off in the middle of a takeover, the successor waits for it, and the runs end as they ended',
  async () => {
    await using failover = await startFailover();
    const { playground, redis, kernels, post } = failover;
    await using proxy = await startRedisProxy(redis.port);
    const leader = await failover.start();
    const standby = await failover.start({ STORE_URL: proxy.url });
    const ts = post('#data', 'run()');
    const run = await kernels.untilBegun('run()');
    await playground.waitForReply('#data', ts);
    proxy.swallowAfter(createHash('sha1').update(scriptText('unposted')).digest('hex'));
    await leader.kill();
    await standby.untilLeader();
    run.end();
    expect((await finalAnswer(playground, '#data', ts)).outcome).toBe('ok');
    expect(standby.log.filter(({ event }) => event === 'store.retry')).toHaveLength(1);
    expect(kernels.begun).toHaveLength(1);
  },
);
