import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { startKernelGateway } from '../demo/gateway.ts';
import { showProgress } from '../demo/provision/progress.ts';
import { provision } from '../demo/provision/provision.ts';
import { type BenchBot, startBenchBot, STRAIGHT } from './bot-setting.ts';
import { median } from './gateway-setting.ts';
import { givenNumber } from './given-number.ts';
import type { Moments } from './moments-preload.ts';

/**
 * Where the time of one answer goes: the two bots of `mention-to-answer.ts`, in turns, each with a clock in its process. Prints
 * the medians of each stretch between Slack's event and Slack's answer to the post, as a table.
 *
 *   node bench/time-of-an-answer.ts [rounds=60]
 */

const rounds = givenNumber(0, 60, 'node bench/time-of-an-answer.ts [rounds=60]');
const WARM_UP_ROUNDS = 10;
/** Slack takes one post per second and channel; each side posts once in two pauses. */
const PAUSE_MS = 560;

const STRETCHES: { name: string; ms: (moments: Moments) => number }[] = [
  { name: 'event → code written to the kernel', ms: ({ written = NaN }) => written },
  { name: '  of it in transactions of the store', ms: ({ storeBeforeKernelMs }) => storeBeforeKernelMs },
  { name: 'written → kernel at work', ms: ({ written = NaN, busy = NaN }) => busy - written },
  { name: 'at work → kernel idle', ms: ({ busy = NaN, idle = NaN }) => idle - busy },
  { name: '  of it in transactions of the store', ms: ({ storeAfterKernelMs }) => storeAfterKernelMs },
  { name: 'idle → post on its way', ms: ({ idle = NaN, sent = NaN }) => sent - idle },
  { name: 'post → Slack’s answer', ms: ({ sent = NaN, answered = NaN }) => answered - sent },
  { name: 'event → Slack’s answer', ms: ({ answered = NaN }) => answered },
];

const folder = await mkdtemp(join(tmpdir(), 'sparkthread-moments-'));

async function startTimed(
  program: readonly string[],
  name: string,
): Promise<{ bot: BenchBot; file: string }> {
  const file = join(folder, name);
  const bot = await startBenchBot(program, setting, {
    DEFAULT_LANGUAGE: 'python3',
    PORT: '0',
    MOMENTS_FILE: file,
    NODE_OPTIONS: `--import=${join(import.meta.dirname, 'moments-preload.ts')}`,
  });
  return { bot, file };
}

async function readMoments(file: string): Promise<Moments[]> {
  const lines = (await readFile(file, 'utf8')).trim().split('\n');
  return lines.slice(WARM_UP_ROUNDS).map((line): Moments => JSON.parse(line));
}

const provisioned = await provision(process.env, showProgress(process.stderr));
await using server = await startKernelGateway({ provisioned });
const setting = { provisioned, server };
try {
  // From the source, because the clock is put into packages that the built bot contains.
  const ours = await startTimed([join(import.meta.dirname, '../src/main.ts')], 'ours');
  await using oursBot = ours.bot;
  const straight = await startTimed(STRAIGHT, 'straight');
  await using straightBot = straight.bot;
  for (let round = -WARM_UP_ROUNDS; round < rounds; round += 1) {
    for (const { playground } of [oursBot, straightBot]) {
      const posted = playground.as('ana').post('#data', `<@${playground.bot.id}> \`1+1\``);
      await playground.waitForReply('#data', posted.ts, ({ text, blocks }) =>
        `${text}${JSON.stringify(blocks)}`.includes('2'),
      );
      await pause(PAUSE_MS);
    }
  }
  const sides = [await readMoments(ours.file), await readMoments(straight.file)];
  console.log(`${rounds} rounds each; ms at the median: ours, straight bot`);
  for (const { name, ms } of STRETCHES) {
    const shown = sides.map((side) => median(side.map(ms)).toFixed(2).padStart(8));
    console.log(`${name.padEnd(40)}${shown.join('')}`);
  }
} finally {
  await rm(folder, { recursive: true });
}
