import { mkdtempDisposable } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { PREFIX } from '../../src/store/redis/scripts.ts';
import { askSlash, finalAnswer, finals, untilShown } from '../support/ask.ts';
import { type Failover, type FailoverBot, hasNoRedis, startFailover } from '../support/failover.ts';
import { startFaultFront } from '../support/fault-front.ts';

/** One process leads and another one is its standby, on one Redis. */
const testFailover = test.skipIf(hasNoRedis);

async function read(bot: FailoverBot, path: string): Promise<{ status: number; body: unknown }> {
  const response = await fetch(`${bot.url}${path}`);
  return { status: response.status, body: await response.json() };
}

/** One run in the kernel, and one that waits behind it. */
async function withRuns({ playground, kernels, post }: Failover) {
  const channel = playground.addChannel('handed-over').id;
  const running = post(channel, 'first()');
  const run = await kernels.untilBegun('first()');
  const waiting = post(channel, 'second()');
  await untilShown(playground, channel, waiting, 'before yours');
  return { channel, running, waiting, run };
}

/** Measures from the end of the leader until the successor has accepted a snippet that is posted meanwhile. */
async function timeTakeover(
  failover: Failover,
  successor: FailoverBot,
  channel: string,
  end: () => Promise<unknown>,
) {
  const { playground } = failover;
  const before = performance.now();
  const ending = end();
  const third = failover.post(channel, 'third()');
  await ending;
  await successor.untilLeader();
  playground.retryNow();
  await playground.waitForReply(channel, third);
  return { third, seconds: (performance.now() - before) / 1000 };
}

testFailover.for([
  { how: 'SIGTERM', end: (bot: FailoverBot) => bot.stop(), leavesLease: false },
  { how: 'kill -9', end: (bot: FailoverBot) => bot.kill(), leavesLease: true },
])('$how: the standby takes over, each run ends once, in the order of acceptance', async (given) => {
  const { how, end, leavesLease } = given;
  await using failover = await startFailover();
  const { playground, kernels } = failover;
  const leader = await failover.start();
  const standby = await failover.start();
  expect([leader.role, standby.role]).toEqual(['leader', 'standby']);
  const { channel, running, waiting, run } = await withRuns(failover);
  const readLease = () => failover.redis.command('GET', `${PREFIX}lease`);
  const lease = await readLease();
  expect(lease).toMatch(/^\$\d+\r\n1 /);
  const { third, seconds } = await timeTakeover(failover, standby, channel, async () => {
    await end(leader);
    // A standby may already hold a lease that was released, with the next epoch.
    expect((await readLease()) === lease).toBe(leavesLease);
  });
  console.log(`${how}: the standby had accepted the next snippet after ${seconds.toFixed(1)} s`);
  run.end();
  expect((await finalAnswer(playground, channel, running)).outcome).toBe('ok');
  kernels.letRun();
  for (const thread of [waiting, third])
    expect((await finalAnswer(playground, channel, thread)).outcome).toBe('ok');
  expect(kernels.begun.map(({ code }) => code)).toEqual(['first()', 'second()', 'third()']);
  for (const thread of [running, waiting, third]) {
    expect(finals(playground, channel, thread)).toHaveLength(1);
    expect(playground.replies(channel, thread)).toHaveLength(1);
  }
  // The process that ended comes back as a standby.
  await leader.restart();
  expect(leader.role).toBe('standby');
});

testFailover('a standby opens no socket to Slack or to a kernel, and says that it is a standby', async () => {
  await using failover = await startFailover();
  const { playground, gateway, kernels } = failover;
  const leader = await failover.start();
  const standby = await failover.start();
  const { run } = await withRuns(failover);
  expect(await read(leader, '/readyz')).toMatchObject({
    status: 200,
    body: { ready: true, role: 'leader' },
  });
  expect(await read(standby, '/readyz')).toMatchObject({
    status: 200,
    body: { ready: true, role: 'standby' },
  });
  expect(await read(leader, '/leader')).toMatchObject({ status: 200, body: { leader: true } });
  expect(await read(standby, '/leader')).toMatchObject({ status: 503, body: { leader: false } });
  for (const bot of [leader, standby]) expect((await read(bot, '/healthz')).status).toBe(200);
  expect(playground.service.socket.connectionCount).toBe(1);
  expect(run.kernel.sockets.size).toBe(1);
  expect(gateway.calls.filter(({ isUpgrade }) => isUpgrade)).toHaveLength(1);
  kernels.letRun();
  expect(await standby.stop()).toBe(0);
  expect(standby.log.map(({ msg }) => msg)).toContain('the standby has stopped');
  expect((await askSlash(playground, 'ana', '#data', '/spark 1')).outcome).toBe('ok');
});

testFailover('a standby that the gateway refuses says so before it is needed', async () => {
  await using failover = await startFailover();
  await failover.start();
  failover.gateway.answer = () => ({ status: 401 });
  const standby = await failover.start();
  const { detail } = await standby.untilLog(({ event }) => event === 'gateway.away');
  expect(detail).toContain('does not accept our user, password or token');
});

testFailover('a message deleted while the successor reads an edit of it leaves nothing behind', async () => {
  await using failover = await startFailover();
  const { playground, kernels } = failover;
  kernels.letRun();
  const leader = await failover.start();
  const standby = await failover.start();
  const channel = playground.addChannel('changes').id;
  const ana = playground.as('ana');
  const posted = ana.post(channel, `<@${playground.bot.id}> \`before()\``);
  await finalAnswer(playground, channel, posted.ts);
  await leader.stop();
  await standby.untilLeader();
  // The successor has not looked ana up yet.
  const lookup = playground.hold('users.info');
  ana.edit(posted, `<@${playground.bot.id}> \`after()\``);
  await lookup.reached;
  ana.delete(posted);
  lookup.release();
  await playground.waitForQuiet();
  await playground.waitFor(() => playground.replies(channel, posted.ts).length === 0);
  expect(await standby.stop()).toBe(0);
  expect(playground.replies(channel, posted.ts)).toEqual([]);
});

testFailover(
  'SIGTERM in the middle of a takeover, while Slack gives no websocket: it ends, and the next one takes over',
  async () => {
    await using failover = await startFailover();
    const { playground, kernels } = failover;
    const leader = await failover.start();
    const standby = await failover.start();
    const { channel, running, waiting } = await withRuns(failover);
    playground.fail('apps.connections.open', { kind: 'status', status: 503 }, 1_000);
    expect(await leader.stop()).toBe(0);
    await standby.untilLog(({ msg }) => msg === 'this process leads');
    await playground.waitFor(() => playground.callsOf('apps.connections.open').length > 1);
    expect(await standby.stop()).toBe(0);
    playground.clearFaults();
    await leader.restart();
    await leader.untilLeader();
    kernels.letRun();
    for (const thread of [running, waiting])
      expect((await finalAnswer(playground, channel, thread)).outcome).toBe('ok');
    expect(kernels.begun.map(({ code }) => code)).toEqual(['first()', 'second()']);
  },
);

testFailover(
  'a leader that has lost Slack ends in order: of a run that prints meanwhile nothing is missing',
  async () => {
    await using failover = await startFailover();
    await using folder = await mkdtempDisposable(join(tmpdir(), 'sparkthread-spool-'));
    const { playground, kernels } = failover;
    await using front = await startFaultFront(playground.apiUrl);
    const spool = { SPOOL_DIR: folder.path };
    const leader = await failover.start({ ...spool, SLACK_API_URL: `${front.httpUrl}/` });
    const standby = await failover.start(spool);
    const thread = failover.post('#data', 'run()');
    const run = await kernels.untilBegun('run()');
    await playground.waitForReply('#data', thread, (reply) => JSON.stringify(reply).includes('begins'));
    front.faults.answer = () => ({ status: 503 });
    playground.drop();
    let beats = 0;
    const printing = setInterval(() => run.print(`beat ${(beats += 1)}\n`), 50);
    expect(await leader.untilEnded()).toBe(1);
    await standby.untilLeader();
    clearInterval(printing);
    run.end();
    const { outcome, text } = await finalAnswer(playground, '#data', thread);
    expect(outcome).toBe('ok');
    expect(text).not.toContain('may be missing');
    expect(text).toContain(`beat ${beats}`);
  },
);
