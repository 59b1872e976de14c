import { expect, test, vi } from 'vitest';
import { finalAnswer, finals, untilShown } from '../support/ask.ts';
import { type Failover, type FailoverBot, hasNoRedis, startFailover } from '../support/failover.ts';
import { startRedisProxy } from '../support/redis-proxy.ts';

/** The leader is suspended (SIGSTOP) for longer than its lease, and goes on after a standby has taken over. */
const testFailover = test.skipIf(hasNoRedis);

const stop = (bot: FailoverBot): void => void process.kill(bot.pid, 'SIGSTOP');

/** Lets the suspended process go on. It may only log one line and end: it changes nothing in store, kernels or Slack. */
async function goOn({ redis, kernels, gateway }: Failover, stopped: FailoverBot): Promise<void> {
  const runs = () => redis.command('EVAL', dumpRuns, '0');
  await vi.waitFor(async () => expect(await runs()).not.toMatch(/"state","(?!posted)/), { timeout: 100_000 });
  const before = { runs: await runs(), begun: kernels.begun.length, log: stopped.log.length };
  const received = () =>
    [...gateway.kernels.values()].flatMap((kernel) =>
      kernel.received.map(({ header }) => `${header.msg_type} ${header.date}`),
    );
  const sent = received();
  process.kill(stopped.pid, 'SIGCONT');
  expect(await stopped.untilEnded()).toBe(1);
  const said = stopped.log.slice(before.log).filter(({ level }) => level === 60 || level === 'fatal');
  expect(said.map(({ msg }) => msg)).toEqual(['another process is the leader now, so this process ends']);
  expect(await runs()).toBe(before.runs);
  expect(received()).toEqual(sent);
  expect(kernels.begun).toHaveLength(before.begun);
}

/** A Lua script that returns every run of the store with its code. */
const dumpRuns = `
local keys, found = redis.call('KEYS', 'sparkthread:*:run:*'), {}
table.sort(keys)
for _, key in ipairs(keys) do table.insert(found, key .. cjson.encode(redis.call('HGETALL', key))) end
return table.concat(found, ' ')`;

testFailover(
  'a leader suspended in the middle of a run: the successor goes on with the run, and nothing overwrites its answer',
  async () => {
    await using failover = await startFailover();
    const { playground, kernels, post } = failover;
    const leader = await failover.start();
    const standby = await failover.start();
    const channels = ['ice-1', 'ice-2', 'ice-3'].map((name) => playground.addChannel(name).id);
    const posts = channels.map((channel, index) => ({ channel, ts: post(channel, `run(${index})`), index }));
    for (const { channel, ts, index } of posts) {
      const run = await kernels.untilBegun(`run(${index})`);
      run.print('before\n');
      await untilShown(playground, channel, ts, 'before');
      run.print('said to nobody\n');
    }
    stop(leader);
    await standby.untilLeader();
    for (const { index } of posts) (await kernels.untilBegun(`run(${index})`)).end();
    for (const { channel, ts, index } of posts) {
      const { outcome, text } = await finalAnswer(playground, channel, ts);
      expect(outcome).toBe('ok');
      expect(text).toContain(`run(${index}) ends`);
    }
    // Without the person's own message: the successor may still add its reaction there.
    const shown = () =>
      posts.map(({ channel, ts }) => JSON.stringify(playground.thread(channel, ts).slice(1)));
    const before = shown();
    await goOn(failover, leader);
    expect(shown()).toEqual(before);
    for (const { channel, ts } of posts) expect(finals(playground, channel, ts)).toHaveLength(1);
  },
);

testFailover(
  'a leader suspended between `sending` and the write to the kernel: the kernel never gets the code, and that is said',
  async () => {
    await using failover = await startFailover();
    const { playground, redis, kernels, post } = failover;
    await using proxy = await startRedisProxy(redis.port);
    const leader = await failover.start({ STORE_URL: proxy.url });
    const channel = playground.addChannel('between').id;
    const first = post(channel, 'first()');
    (await kernels.untilBegun('first()')).end();
    await finalAnswer(playground, channel, first);
    const standby = await failover.start();
    const confirmation = proxy.holdAnswer('sending');
    const ts = post(channel, 'second()');
    await confirmation.reached;
    stop(leader);
    confirmation.release();
    await standby.untilLeader();
    const { outcome, text } = await finalAnswer(playground, channel, ts);
    expect(outcome).toBe('unknown');
    expect(text).toContain('It is not known whether this ran');
    await goOn(failover, leader);
    expect(kernels.begun.map(({ code }) => code)).toEqual(['first()']);
    expect(finals(playground, channel, ts)).toHaveLength(1);
  },
);

testFailover.for([
  { what: 'a run message', posted: 'mention', type: 'sparkthread_answer' },
  { what: 'a root message', posted: 'slash', type: 'sparkthread_root' },
])(
  'a leader suspended in the middle of a post to Slack: $what that is there twice is removed',
  async ({ posted, type }) => {
    await using failover = await startFailover();
    const { playground, kernels, post } = failover;
    const leader = await failover.start();
    const standby = await failover.start();
    const channel = playground.addChannel('double').id;
    const held = playground.hold('chat.postMessage');
    if (posted === 'slash') await playground.as('ana').slash(channel, '/spark run()');
    else post(channel, 'run()');
    await held.reached;
    stop(leader);
    const ofType = () => playground.messages(channel).filter(({ metadata }) => metadata?.event_type === type);
    await standby.untilLeader();
    (await kernels.untilBegun('run()')).end();
    const isFinal = () =>
      playground.messages(channel).find(({ metadata }) => metadata?.event_payload['state'] === 'final');
    const final = await playground.waitFor(isFinal);
    held.release();
    await playground.waitFor(() => ofType().length === 2);
    await playground.waitFor(() => ofType().length === 1);
    expect(isFinal()).toEqual(final);
    if (posted === 'slash') expect(ofType()[0]?.ts).toBe(final.thread_ts);
    await goOn(failover, leader);
    expect(ofType()).toHaveLength(1);
  },
);
