import { resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { startKernelGateway } from '../demo/gateway.ts';
import { showProgress } from '../demo/provision/progress.ts';
import { provision } from '../demo/provision/provision.ts';
import { findRedisServer, startRedisServer } from '../test/support/redis-server.ts';
import { type BenchBot, OURS, refusedCalls, startBenchBot, STRAIGHT } from './bot-setting.ts';
import { quantile } from './gateway-setting.ts';
import { givenNumber } from './given-number.ts';

/**
 * From a mention of `1+1` to its final answer on a warm kernel: the whole bot, with its run store on disk and, where there
 * is a redis-server, in a real Redis, against `straight-bot.ts`, on one gateway, each in a local Slack with Slack's rates,
 * in turns. Prints medians, quartiles and the 95th of a hundred, and the ratios. With another checkout of this repository, installed, its bot takes its turns too: before
 * and after in one run.
 *
 *   node bench/mention-to-answer.ts [rounds=100] [checkout]
 */

const rounds = givenNumber(0, 100, 'node bench/mention-to-answer.ts [rounds=100] [checkout]');
const otherCheckout = process.argv[3];
const warmUpRounds = 8;
/** Slack takes one post per second and channel; each side posts once in two pauses. */
const pauseMs = 560;

async function mentionToAnswer({ playground }: BenchBot): Promise<number> {
  const since = performance.now();
  const posted = playground.as('ana').post('#data', `<@${playground.bot.id}> \`1+1\``);
  await playground.waitForReply('#data', posted.ts, isAnswer);
  return performance.now() - since;
}

/** The plain bot's only message, or our final one. */
function isAnswer({
  text,
  blocks,
  metadata,
}: {
  text: string;
  blocks?: unknown;
  metadata?: Metadata;
}): boolean {
  const isOpen = metadata !== undefined && metadata.event_payload['state'] !== 'final';
  return !isOpen && `${text}${JSON.stringify(blocks)}`.includes('2');
}

type Metadata = { event_payload: Readonly<Record<string, unknown>> };

function show(times: readonly number[]): string {
  const [low, middle, high, slow] = [0.25, 0.5, 0.75, 0.95].map((part) => quantile(times, part).toFixed(1));
  return `${middle} ms (quartiles ${low} to ${high}, p95 ${slow})`;
}

const provisioned = await provision(process.env, showProgress(process.stderr));
await using parts = new AsyncDisposableStack();
const server = parts.use(await startKernelGateway({ provisioned }));
const settings = { DEFAULT_LANGUAGE: 'python3', PORT: '0' };
const sides: { name: string; bot: BenchBot; times: number[] }[] = [];
async function addSide(
  name: string,
  program: readonly string[],
  more: Record<string, string> = {},
): Promise<void> {
  const bot = await startBenchBot(
    program,
    { provisioned, server },
    program === STRAIGHT ? {} : { ...settings, ...more },
  );
  sides.push({ name, bot: parts.use(bot), times: [] });
}
await addSide('the straight bot', STRAIGHT);
await addSide('ours', OURS);
const found = await findRedisServer();
if ('path' in found) {
  const redis = await startRedisServer(found.path);
  parts.defer(() => redis.kill());
  await addSide('ours on Redis', OURS, { STORE_URL: redis.url });
}
if (otherCheckout !== undefined) {
  await addSide('the other checkout’s', [resolve(otherCheckout, 'bin/sparkthread.js'), 'start']);
}

for (let round = -warmUpRounds; round < rounds; round += 1) {
  for (const { bot, times } of sides) {
    const tookMs = await mentionToAnswer(bot);
    if (round >= 0) times.push(tookMs);
    await pause(pauseMs);
  }
}
const [base = []] = sides.map(({ times }) => times);
console.log(`${rounds} rounds each`);
for (const { name, bot, times } of sides) {
  const [middle, slow] = [0.5, 0.95].map((part) => (quantile(times, part) / quantile(base, part)).toFixed(2));
  console.log(
    `${name}: ${show(times)}, beside the straight bot ${middle}, at p95 ${slow}; calls refused for rate ${refusedCalls(bot).length}`,
  );
}
