/**
 * A whole bot with many channels, each with an idle kernel whose websocket is open, on the local Slack without its rates and
 * the scripted gateway, on SQLite and on Redis: `node bench/stand/idle-channels.ts [channels=1000] [seconds=30]`. Prints memory
 * and processor time. Goal: 250 MB, 2 % of a core.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { findRedisServer, startRedisServer } from '../../test/support/redis-server.ts';
import { givenNumber } from '../given-number.ts';
import { addWarmChannels, startWatchedBot } from './watched-bot.ts';

const usage = 'node bench/stand/idle-channels.ts [channels=1000] [seconds=30]';
const channels = givenNumber(0, 1_000, usage);
const seconds = givenNumber(1, 30, usage);
/** By then everything that runs do after their answers is done. */
const SETTLED_MS = 15_000;
const mb = (bytes: number): string => (bytes / 1e6).toFixed(0);

await measure('SQLite', {});
const found = await findRedisServer();
if ('missing' in found) console.log(`without Redis: ${found.missing}`);
else {
  const redis = await startRedisServer(found.path);
  await measure('Redis', { STORE_URL: redis.url });
  await redis.kill();
}

async function measure(store: string, settings: Readonly<Record<string, string>>): Promise<void> {
  await using bot = await startWatchedBot({ USER_LIMIT: '1000', START_CONCURRENCY: '20', ...settings });
  const start = await bot.take('collect');
  await addWarmChannels(bot, channels);
  await delay(SETTLED_MS);
  const before = await bot.take('collect');
  await delay(seconds * 1_000);
  const after = await bot.take();
  const collected = await bot.take('collect');
  const sockets = [...bot.gateway.kernels.values()].reduce((sum, { sockets: open }) => sum + open.size, 0);
  console.log(
    `${store}: ${channels} channels, ${sockets} open websockets: memory ${mb(start.rssBytes)} MB at the start, ` +
      `${mb(collected.rssBytes)} MB now (heap ${mb(collected.heapBytes)} MB, outside it ${mb(collected.externalBytes)} MB); ` +
      `processor ${((after.cpuMs - before.cpuMs) / (seconds * 10)).toFixed(1)} % of a core over ${seconds} s`,
  );
}
