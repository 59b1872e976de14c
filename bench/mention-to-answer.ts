import { setTimeout as pause } from 'node:timers/promises';
import { startKernelGateway } from '../demo/gateway.ts';
import { showProgress } from '../demo/provision/progress.ts';
import { provision } from '../demo/provision/provision.ts';
import { type BenchBot, refusedCalls, startBenchBot } from './bot-setting.ts';
import { median, quantile } from './gateway-setting.ts';
import { givenNumber } from './given-number.ts';

/**
 * From a mention of `1+1` to its final answer on a warm kernel: the whole bot, with its run store on disk, against
 * `straight-bot.ts`, on one gateway, each in a local Slack with Slack's rates, in turns. Prints both medians and
 * quartiles and the ratio.
 *
 *   node bench/mention-to-answer.ts [rounds=100]
 */

const rounds = givenNumber(0, 100, 'node bench/mention-to-answer.ts [rounds=100]');
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
await using ours = await startBenchBot('src/main.ts', setting, { DEFAULT_LANGUAGE: 'python3', PORT: '0' });
await using straight = await startBenchBot('bench/straight-bot.ts', setting);
const sides = [
  { bot: ours, times: [] as number[] },
  { bot: straight, times: [] as number[] },
] as const;

for (let round = -warmUpRounds; round < rounds; round += 1) {
  for (const { bot, times } of sides) {
    const tookMs = await mentionToAnswer(bot);
    if (round >= 0) times.push(tookMs);
    await pause(pauseMs);
  }
}
const [oursMs, straightMs] = [sides[0].times, sides[1].times];
console.log(`ours     ${show(oursMs)}`);
console.log(`straight ${show(straightMs)}`);
console.log(
  `${rounds} rounds each, ours/straight ${(median(oursMs) / median(straightMs)).toFixed(2)} at the median, ` +
    `calls refused for rate: ${refusedCalls(ours).length} and ${refusedCalls(straight).length}`,
);
