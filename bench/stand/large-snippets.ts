/**
 * Messages with more code than a run may have, then answered runs of much code: `node bench/stand/large-snippets.ts [runs=60]
 * [megabytes=5]`, on SQLite and on Redis. Prints what was refused, the bot's memory, what the store holds, and how long the
 * next start takes. Goals: refused in words without a download, memory flat, the next start in no time.
 */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { finals } from '../../test/support/ask.ts';
import { findRedisServer, type RedisServer, startRedisServer } from '../../test/support/redis-server.ts';
import { givenNumber } from '../given-number.ts';
import { startWatchedBot } from './watched-bot.ts';

const usage = 'node bench/stand/large-snippets.ts [runs=60] [megabytes=5]';
const runs = givenNumber(0, 60, usage);
const megabytes = givenNumber(1, 5, usage);
const TOO_LONG = '#'.repeat(90e6);
const AFTER_MS = 5_000;
const mb = (bytes: number): string => `${(bytes / 1e6).toFixed(0)} MB`;

await measure('SQLite', undefined);
const found = await findRedisServer();
if ('missing' in found) console.log(`without Redis: ${found.missing}`);
else {
  const redis = await startRedisServer(found.path);
  await measure('Redis', redis);
  await redis.kill();
}

async function measure(store: string, redis: RedisServer | undefined): Promise<void> {
  const settings = {
    MAX_CODE: `${megabytes + 1}MB`,
    USER_LIMIT: '1000',
    ...(redis === undefined ? {} : { STORE_URL: redis.url }),
  };
  await using bot = await startWatchedBot(settings);
  const { playground, folder } = bot;
  const ana = playground.as('ana');
  const stored = async (): Promise<number> => {
    if (redis === undefined) return (await stat(join(folder, 'sparkthread.db'))).size;
    return Number(/used_memory:(\d+)/.exec(await redis.command('INFO', 'memory'))?.[1]);
  };
  await ask('1+1');
  await delay(AFTER_MS);
  const before = await bot.take('collect');
  const storedBefore = await stored();
  for (const name of ['first.py', 'second.py']) {
    const seen = playground.ephemerals('ana').length;
    ana.upload('#data', { name, content: TOO_LONG }, '@sparkthread');
    const refusal = await playground.waitFor(() => playground.ephemerals('ana')[seen], { what: 'a refusal' });
    console.log(`${store}: 90 MB: “${refusal.text}”, memory ${mb((await bot.take()).rssBytes)}`);
  }
  let peak = 0;
  for (let n = 0; n < runs; n += 1) {
    await ask(`# ${n} ${'x'.repeat(megabytes * 1e6)}`);
    peak = Math.max(peak, (await bot.take()).rssBytes);
  }
  await delay(AFTER_MS);
  const after = await bot.take('collect');
  console.log(
    `${store}: ${runs} runs of ${megabytes} MB: memory ${mb(before.rssBytes)} before, ${mb(peak)} at most between runs, ${mb(after.rssBytes)} after (heap ${mb(before.heapBytes)}, ${mb(after.heapBytes)}); the store ${mb(storedBefore)} before, ${mb(await stored())} after`,
  );
  const { text } = await ana.slash('#data', '/spark history');
  console.log(
    `${store}: history after it: ${text?.split('\n').length} lines, memory ${mb((await bot.take('collect')).rssBytes)}`,
  );

  async function ask(code: string): Promise<void> {
    const { ts } = ana.upload('#data', { name: 'code.py', content: code }, '@sparkthread');
    await playground.waitFor(() => finals(playground, '#data', ts)[0], {
      timeoutMs: 60_000,
      what: 'an answer',
    });
  }
}
