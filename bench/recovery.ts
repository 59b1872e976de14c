import { startPlayground } from '../playground/playground.ts';
import { PREFIX } from '../src/store/redis/scripts.ts';
import { holdKernels } from '../test/support/held-kernels.ts';
import { findRedisServer, startRedisServer } from '../test/support/redis-server.ts';
import { startScriptedGateway } from '../test/support/scripted-gateway.ts';
import { startBot } from '../test/support/start-bot.ts';
import { median } from './gateway-setting.ts';
import { givenNumber } from './given-number.ts';

/**
 * 200 unfinished runs in 20 channels, each with its message in Slack: 20 in their kernels, the others behind them. The bot
 * is killed (`kill -9`), each kernel prints a line meanwhile, and the bot is started again as `npm start` does it, in the
 * local Slack without its rates: a minute whose edits are used up is Slack's own wait. Prints the times from the start of
 * the process until it is ready and until the first edit has gone through, on SQLite and on a real Redis (with its
 * predecessor's lease gone).
 *
 *   node bench/recovery.ts [rounds=5]
 */

const rounds = givenNumber(0, 5, 'node bench/recovery.ts [rounds=5]');
const CHANNELS = 20;
const RUNS_A_CHANNEL = 10;

async function measure(environment: Readonly<Record<string, string>>, release: () => Promise<unknown>) {
  await using playground = await startPlayground({ waitTimeoutMs: 120_000 });
  const gateway = await startScriptedGateway();
  const kernels = holdKernels(gateway);
  const settings = { DEFAULT_LANGUAGE: 'python3', USER_LIMIT: '1000', ...environment };
  await using bot = await startBot({ playground, gateway, environment: settings });
  const channels = Array.from({ length: CHANNELS }, (_, at) => playground.addChannel(`full-${at}`).id);
  const asked = channels.map((channel) =>
    Array.from({ length: RUNS_A_CHANNEL }, (_, nth) => {
      const code = `run(${channel}, ${nth})`;
      return playground.as('ana').post(channel, `<@${playground.bot.id}> \`${code}\``).ts;
    }),
  );
  for (const [at, channel] of channels.entries())
    for (const ts of asked[at] ?? []) await playground.waitForReply(channel, ts);
  const running = await Promise.all(channels.map((channel) => kernels.untilBegun(`run(${channel}, 0)`)));

  const readyS: number[] = [];
  const firstEditS: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    await bot.kill();
    await release();
    for (const run of running) run.print(`round ${round}\n`);
    const before = playground.calls.length;
    const since = performance.now();
    const seconds = (): number => (performance.now() - since) / 1_000;
    const restarted = bot.restart().then(() => readyS.push(seconds()));
    await playground.waitFor(() =>
      playground.calls
        .slice(before)
        .some(({ method, answer }) => method === 'chat.update' && answer?.['ok'] === true),
    );
    firstEditS.push(seconds());
    await restarted;
  }
  await bot.kill();
  await gateway.close();
  return { readyS, firstEditS };
}

const show = (all: readonly number[]): string =>
  `${median(all).toFixed(2)} s (longest ${Math.max(...all).toFixed(2)} s)`;
const lines: string[] = [];
const sqlite = await measure({}, async () => undefined);
lines.push(`| SQLite | ${show(sqlite.readyS)} | ${show(sqlite.firstEditS)} |`);
const found = await findRedisServer();
if ('path' in found) {
  const redis = await startRedisServer(found.path);
  const onRedis = await measure({ STORE_URL: redis.url }, () => redis.command('DEL', `${PREFIX}lease`));
  lines.push(`| Redis | ${show(onRedis.readyS)} | ${show(onRedis.firstEditS)} |`);
  await redis.kill();
} else lines.push(`| Redis | ${found.missing} | |`);
console.log(`${rounds} rounds\n| | ready after | first edit after |\n|---|---|---|\n${lines.join('\n')}`);
