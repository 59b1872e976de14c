/**
 * What one process carries: many channels with a kernel each, so many runs a second among them in turn, on the local Slack
 * and the scripted gateway, whose kernels are done at once. Prints how long Slack waited for each acknowledgement, how long
 * after its message the kernel had the code, how long after the first message the last answer stood, memory and processor
 * time. Goals for 1,000 channels and 50 runs a second: p99 100 ms, 150 ms, memory flat. With Slack's own rates a run costs a
 * post, and a channel has one a second (five at once), so that fewer channels than runs a second cannot be answered as they
 * are asked: the ratio to the least time that these rates allow is printed; goal 1.1.
 *
 *   node bench/stand/throughput.ts free|slack [channels=1000] [per-second=50] [seconds=60]
 */
import { setTimeout as delay } from 'node:timers/promises';
import { finals } from '../../test/support/ask.ts';
import { quantile } from '../gateway-setting.ts';
import { givenNumber } from '../given-number.ts';
import { addWarmChannels, startWatchedBot } from './watched-bot.ts';

const usage = 'node bench/stand/throughput.ts free|slack [channels=1000] [per-second=50] [seconds=60]';
const [, , rates = ''] = process.argv;
const count = givenNumber(1, 1_000, usage);
const perSecond = givenNumber(2, 50, usage);
const seconds = givenNumber(3, 60, usage);
if (rates !== 'free' && rates !== 'slack') throw new Error(usage);
const hasRates = rates === 'slack';
/** By then Slack's rates have recovered from the channels' first runs. */
const SETTLED_MS = hasRates ? 62_000 : 10_000;
/** Slack's own for posts in a channel. */
const POSTS_AT_ONCE = 5;
const LONGEST_MS = 300_000;

const settings = { USER_LIMIT: '100000', QUEUE_LIMIT: '100000', START_CONCURRENCY: '20' };
await using bot = await startWatchedBot(settings, { rates: hasRates });
const { playground, gateway } = bot;
const sentAt = new Map<number, number>();
const atKernel: number[] = [];
gateway.onStart = (kernel) => {
  let executions = 0;
  kernel.onExecute = (request) => {
    executions += 1;
    const number = Number(/^run (\d+)$/m.exec(String(request.content['code']))?.[1]);
    const since = sentAt.get(number);
    if (since !== undefined) atKernel.push(performance.now() - since);
    kernel.begin(request, executions);
    kernel.stream(request, `${number}\n`);
    kernel.reply(request, { execution_count: executions });
    kernel.status('idle', request);
  };
};
const channels = await addWarmChannels(bot, count);
await delay(SETTLED_MS);

const before = await bot.take('collect');
const ownBefore = process.cpuUsage();
const deliveriesBefore = playground.deliveries.length;
const asked: { channel: string; ts: string }[] = [];
const beganMs = performance.now();
const beganAt = Date.now();
for (let number = 0; number < perSecond * seconds; number += 1) {
  const waitMs = beganMs + (number * 1_000) / perSecond - performance.now();
  if (waitMs > 0) await delay(waitMs);
  const channel = channels[number % count] ?? '';
  sentAt.set(number, performance.now());
  const { ts } = playground.as('ana').post(channel, `<@${playground.bot.id}>\n\`\`\`\nrun ${number}\n\`\`\``);
  asked.push({ channel, ts });
}
const askedMs = performance.now() - beganMs;
const during = await bot.take();
const ownCpu = process.cpuUsage(ownBefore);
const show = (times: readonly number[]): string =>
  `${[0.5, 0.99, 1].map((part) => quantile(times, part).toFixed(1)).join(' / ')} ms (${times.length})`;
const mb = (bytes: number): string => (bytes / 1e6).toFixed(0);
const percent = (cpuMs: number): string => `${((cpuMs / askedMs) * 100).toFixed(0)} %`;
let lastAt = 0;
for (const { channel, ts } of asked) {
  const what = `an answer in ${channel}`;
  const final = await playground.waitFor(() => finals(playground, channel, ts)[0], {
    timeoutMs: LONGEST_MS,
    what,
  });
  lastAt = Math.max(lastAt, Number(final.edited?.ts ?? final.ts) * 1_000);
}
// The last ones were on their way when the last message was sent.
const acknowledged = playground.deliveries
  .slice(deliveriesBefore)
  .flatMap(({ name, ackAfterMs }) => (name === 'app_mention' ? [ackAfterMs ?? Infinity] : []));
console.log(`${asked.length} runs in ${count} channels, ${perSecond} a second, p50 / p99 / longest:`);
console.log(
  `acknowledged ${show(acknowledged)}, at the kernel ${show(atKernel)}; ` +
    `longest stall of the bot ${during.wallMs.toFixed(0)} ms (own ${during.ownMs.toFixed(0)})`,
);
console.log(
  `processor while it lasted: the bot ${percent(during.cpuMs - before.cpuMs)} of a core, ` +
    `Slack, gateway and people ${percent((ownCpu.user + ownCpu.system) / 1_000)}`,
);
const tookMs = lastAt - beganAt;
const after = await bot.take('collect');

console.log(
  `memory ${mb(before.rssBytes)} MB before (heap ${mb(before.heapBytes)}), ${mb(during.rssBytes)} at the end of the load, ` +
    `${mb(after.rssBytes)} after it (heap ${mb(after.heapBytes)})`,
);
const perChannel = (perSecond * seconds) / count;
const leastMs = hasRates ? Math.max(askedMs, (perChannel - POSTS_AT_ONCE) * 1_000) : askedMs;
const refused = playground.calls.filter(({ status }) => status === 429);
const methods = Object.entries(Object.groupBy(refused, ({ method }) => method)).map(
  ([method, calls]) => `${method} ${calls?.length}`,
);
console.log(
  `the last answer ${(tookMs / 1_000).toFixed(1)} s after the first message, least ${(leastMs / 1_000).toFixed(1)} s, ` +
    `ratio ${(tookMs / leastMs).toFixed(3)}; refused for rate: ${methods.join(', ') || 'none'}`,
);
