import { type FailoverBot, startFailover } from '../test/support/failover.ts';
import { median } from './gateway-setting.ts';
import { givenNumber } from './given-number.ts';

/**
 * A leader and a standby on one real Redis, the local Slack and the scripted gateway; a run is in the kernel and one waits
 * behind it. In turns the leader is ended by SIGTERM and by `kill -9`. Prints the times from the signal until the standby
 * leads, and until a mention that is posted in between has its answer.
 *
 *   node bench/takeover.ts [rounds=5]
 */

const rounds = givenNumber(0, 5, 'node bench/takeover.ts [rounds=5]');

interface Took {
  leadsS: number;
  acceptedS: number;
}

const ways: readonly { how: string; end: (bot: FailoverBot) => Promise<unknown>; took: Took[] }[] = [
  { how: 'SIGTERM', end: (bot) => bot.stop(), took: [] },
  { how: 'kill -9', end: (bot) => bot.kill(), took: [] },
];

await using failover = await startFailover();
const { playground, kernels, post } = failover;
let leader = await failover.start();
let standby = await failover.start();
for (let round = 0; round < rounds; round += 1)
  for (const { how, end, took } of ways) {
    const channel = playground.addChannel(`${how.replaceAll(/\W/g, '')}-${round}`.toLowerCase()).id;
    post(channel, `first(${how}, ${round})`);
    const run = await kernels.untilBegun(`first(${how}, ${round})`);
    const waiting = post(channel, `second(${how}, ${round})`);
    await playground.waitForReply(channel, waiting);

    const since = performance.now();
    const seconds = (): number => (performance.now() - since) / 1_000;
    const ended = end(leader);
    const third = post(channel, `third(${how}, ${round})`);
    await standby.untilLeader();
    const leadsS = seconds();
    // Slack repeats what nobody acknowledged, but only after a minute.
    playground.retryNow();
    await playground.waitForReply(channel, third);
    took.push({ leadsS, acceptedS: seconds() });

    await ended;
    run.end();
    for (const code of ['second', 'third']) (await kernels.untilBegun(`${code}(${how}, ${round})`)).end();
    await playground.waitForQuiet();
    await leader.restart();
    [leader, standby] = [standby, leader];
  }

console.log(`${rounds} rounds\n| | the standby leads after | the next mention is accepted after | longest |`);
console.log('|---|---|---|---|');
for (const { how, took } of ways) {
  const accepted = took.map(({ acceptedS }) => acceptedS);
  const cells = [
    `${median(took.map(({ leadsS }) => leadsS)).toFixed(1)} s`,
    `${median(accepted).toFixed(1)} s`,
    `${Math.max(...accepted).toFixed(1)} s`,
  ];
  console.log(`| ${how} | ${cells.join(' | ')} |`);
}
