/**
 * A whole bot with many channels, each with an idle kernel whose websocket is open, on the local Slack without its rates and
 * the scripted gateway: `node bench/stand/idle-channels.ts [channels=1000] [seconds=30]`. Prints memory and processor time.
 * Goal: 250 MB, 2 % of a core.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { finals } from '../../test/support/ask.ts';
import { givenNumber } from '../given-number.ts';
import { startWatchedBot } from './watched-bot.ts';

const usage = 'node bench/stand/idle-channels.ts [channels=1000] [seconds=30]';
const channels = givenNumber(0, 1_000, usage);
const seconds = givenNumber(1, 30, usage);
/** Kernels that are asked for at once. */
const AT_ONCE = 20;
/** What runs leave to do behind their answers is done by then. */
const SETTLED_MS = 15_000;

await using bot = await startWatchedBot({ USER_LIMIT: '1000', START_CONCURRENCY: '20' });
const { playground } = bot;
const start = await bot.take('collect');
const names = Array.from({ length: channels }, (_, n) => `idle-${n}`);
for (let at = 0; at < names.length; at += AT_ONCE) {
  const asked = names.slice(at, at + AT_ONCE).map((name) => {
    const { id } = playground.addChannel(name);
    const { ts } = playground.as('ana').post(id, `<@${playground.bot.id}> \`1+1\``);
    return { id, ts };
  });
  for (const { id, ts } of asked)
    await playground.waitFor(() => finals(playground, id, ts)[0], { timeoutMs: 60_000, what: 'an answer' });
}
await delay(SETTLED_MS);
const before = await bot.take('collect');
await delay(seconds * 1_000);
const after = await bot.take();
const collected = await bot.take('collect');
const sockets = [...bot.gateway.kernels.values()].reduce((sum, { sockets: open }) => sum + open.size, 0);
const mb = (bytes: number): string => (bytes / 1e6).toFixed(0);
console.log(`${channels} channels, ${sockets} open websockets`);
console.log(
  `memory: ${mb(start.rssBytes)} MB at the start, ${mb(collected.rssBytes)} MB now (heap ${mb(collected.heapBytes)} MB, outside it ${mb(collected.externalBytes)} MB)`,
);
console.log(
  `processor: ${((after.cpuMs - before.cpuMs) / (seconds * 10)).toFixed(1)} % of a core over ${seconds} s`,
);
