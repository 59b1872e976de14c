import { setTimeout as pause } from 'node:timers/promises';
import { startKernelGateway } from '../demo/gateway.ts';
import { showProgress } from '../demo/provision/progress.ts';
import { provision } from '../demo/provision/provision.ts';
import type { Playground } from '../playground/playground.ts';
import { refusedCalls, OURS, startBenchBot } from './bot-setting.ts';
import { quantile } from './gateway-setting.ts';
import { givenNumber } from './given-number.ts';

/**
 * The whole bot under load: cells in as many channels print ten lines a second and all end in the same second, on real
 * kernels and a local Slack with Slack's rates; meanwhile `/spark status` and `/spark <code>` go on in other channels.
 * Prints how long each answer took to be complete (final, with its files) after its code had ended, how long Slack
 * waited for each acknowledgement, and the calls that Slack refused.
 *
 *   node bench/commands-under-load.ts [cells=20] [seconds=60]
 */

const usage = 'node bench/commands-under-load.ts [cells=20] [seconds=60]';
const cells = givenNumber(0, 20, usage);
const seconds = givenNumber(1, 60, usage);
const commandEveryMs = 500;
/** Slack takes one post per second and channel; each `/spark <code>` makes two. */
const quietChannels = ['quiet-0', 'quiet-1', 'quiet-2', 'quiet-3'];
const patience = { timeoutMs: 300_000 };

const provisioned = await provision(process.env, showProgress(process.stderr));
await using server = await startKernelGateway({ provisioned });
const setting = { DEFAULT_LANGUAGE: 'python3', USER_LIMIT: '100', PORT: '0' };
await using bot = await startBenchBot(OURS, { provisioned, server }, setting);
const { playground } = bot;

function mention(channel: string, code: string): string {
  return playground.as('ana').post(channel, `<@${playground.bot.id}>\n\`\`\`\n${code}\n\`\`\``).ts;
}

/** True once the thread holds the final answer and every file that it speaks of. */
function isComplete(channel: string, thread: string): boolean {
  const replies = playground.replies(channel, thread);
  const final = replies.find(({ metadata }) => metadata?.event_payload['state'] === 'final');
  const files = replies.flatMap((reply) => reply.files ?? []).length;
  return final !== undefined && files >= Number(final.metadata?.event_payload['files']);
}

async function untilComplete(channel: string, thread: string): Promise<number> {
  await playground.waitFor(() => isComplete(channel, thread), {
    ...patience,
    what: `an answer in ${channel}`,
  });
  return Date.now();
}

/** How long it takes the bot to acknowledge, in ms; each command after the time of the one before, answered or not. */
async function sendCommands(untilMs: number): Promise<Record<'status' | 'code', number[]>> {
  const took = { status: [] as number[], code: [] as number[] };
  const sent: Promise<void>[] = [];
  const send = async (kind: 'status' | 'code', channel: string, typed: string): Promise<void> => {
    const since = performance.now();
    const reaction = await playground.as('ben').slash(channel, typed);
    if (!reaction.ok) throw new Error(`${typed} was not acknowledged: ${reaction.error}`);
    took[kind].push(performance.now() - since);
  };
  for (let round = 0; Date.now() < untilMs; round += 1) {
    const channel = quietChannels[round % quietChannels.length] ?? '';
    sent.push(send('status', channel, '/spark status'));
    await pause(commandEveryMs);
    sent.push(send('code', channel, '/spark 1+1'));
    await pause(commandEveryMs);
  }
  await Promise.all(sent);
  return took;
}

function show(times: readonly number[]): string {
  const [middle, high] = [0.5, 0.95].map((part) => quantile(times, part).toFixed(0));
  return `p50 ${middle} ms, p95 ${high} ms, max ${Math.max(...times).toFixed(0)} ms (${times.length})`;
}

function editsOf(slack: Playground): number {
  return slack.callsOf('chat.update').length;
}

const busyChannels = Array.from({ length: cells }, (_, number) => `busy-${number}`);
const channels = [...busyChannels, ...quietChannels];
for (const channel of channels) playground.addChannel(channel);
await Promise.all(channels.map((channel) => untilComplete(channel, mention(channel, 'import time'))));
console.log(`${channels.length} kernels are up`);
// A new minute of Slack's rates begins, so the edits for the kernels' starts do not count any more.
await pause(61_000);

const callsBefore = playground.calls.length;
const editsBefore = editsOf(playground);
const endMs = Date.now() + seconds * 1000;
const code = `line = 0\nwhile time.time() < ${endMs / 1000}:\n    print("line", line, flush=True)\n    line += 1\n    time.sleep(0.1)`;
const commands = sendCommands(endMs + 5_000);
const complete = await Promise.all(
  busyChannels.map(async (channel) => (await untilComplete(channel, mention(channel, code))) - endMs),
);
const acknowledged = await commands;
console.log(`${cells} cells, ${seconds} s`);
console.log(`answers complete after their code's end: ${show(complete)}`);
console.log(`/spark status acknowledged: ${show(acknowledged.status)}`);
console.log(`/spark <code> acknowledged: ${show(acknowledged.code)}`);
console.log(
  `edits ${editsOf(playground) - editsBefore}, calls ${playground.calls.length - callsBefore}, ` +
    `refused for rate: ${refusedCalls(bot).join(', ') || 'none'}`,
);
