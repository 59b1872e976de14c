import { resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { startKernelGateway } from '../demo/gateway.ts';
import { showProgress } from '../demo/provision/progress.ts';
import { provision } from '../demo/provision/provision.ts';
import { type BenchBot, OURS, refusedCalls, startBenchBot, STRAIGHT } from './bot-setting.ts';
import { median, quantile } from './gateway-setting.ts';
import { givenNumber } from './given-number.ts';

/**
 * From a mention of `1+1` to its final answer on a warm kernel: the whole bot, with its run store on disk, against
 * `straight-bot.ts`, on one gateway, each in a local Slack with Slack's rates, in turns. Prints both medians and
 * quartiles and the ratio. With another checkout of this repository, installed, its bot takes its turns too: before
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

/** The straight bot's only word, or our final one. */
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
  const [low, middle, high] = [0.25, 0.5, 0.75].map((part) => quantile(times, part).toFixed(1));
  return `${middle} ms (quartiles ${low} to ${high})`;
}

const provisioned = await provision(process.env, showProgress(process.stderr));
await using server = await startKernelGateway({ provisioned });
const setting = { provisioned, server };
const settings = { DEFAULT_LANGUAGE: 'python3', PORT: '0' };
await using ours = await startBenchBot(OURS, setting, settings);
await using straight = await startBenchBot(STRAIGHT, setting);
await using other =
  otherCheckout === undefined
    ? undefined
    : await startBenchBot([resolve(otherCheckout, 'bin/sparkthread.js'), 'start'], setting, settings);

const sides = [
  { name: 'ours', bot: ours },
  { name: 'straight', bot: straight },
  ...(other === undefined ? [] : [{ name: 'other checkout', bot: other }]),
].map((side) => ({ ...side, times: [] as number[] }));

for (let round = -warmUpRounds; round < rounds; round += 1) {
  for (const { bot, times } of sides) {
    const tookMs = await mentionToAnswer(bot);
    if (round >= 0) times.push(tookMs);
    await pause(pauseMs);
  }
}
const oursMs = median(sides[0]?.times ?? []);
console.log(`${rounds} rounds each`);
for (const { name, bot, times } of sides) {
  const ratio = name === 'ours' ? '' : `, ours/${name} ${(oursMs / median(times)).toFixed(2)} at the median`;
  console.log(`${name}: ${show(times)}, calls refused for rate ${refusedCalls(bot).length}${ratio}`);
}
