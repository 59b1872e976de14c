import { startPlayground } from '../../playground/playground.ts';
import { askSlash } from '../../test/support/ask.ts';
/**
 * What a start, a run, the home tab and `kernels` cost on a Redis that nobody else uses and on one with many keys of others:
 * `node bench/stand/foreign-keys.ts [keys=1000000] [pairs=5]`. Prints the store commands of each and their times in pairs.
 * Goal: the same number of commands, none of them SCAN or KEYS, and the same time at the median.
 */
import { findRedisServer, type RedisServer, startRedisServer } from '../../test/support/redis-server.ts';
import { startScriptedGateway } from '../../test/support/scripted-gateway.ts';
import { startBot } from '../../test/support/start-bot.ts';
import { givenNumber } from '../given-number.ts';

const usage = 'node bench/stand/foreign-keys.ts [keys=1000000] [pairs=5]';
const keys = givenNumber(0, 1_000_000, usage);
const pairs = givenNumber(1, 5, usage);

const found = await findRedisServer();
if ('missing' in found) throw new Error(found.missing);
const empty = await startRedisServer(found.path);
const full = await startRedisServer(found.path);
try {
  const fill = `for n = 1, ${keys} do redis.call('SET', 'foreign:' .. n, 'x') end`;
  await full.command('EVAL', fill, '0');
  const said: { name: string; commands: Record<string, number>; ms: number }[] = [];
  for (let pair = 0; pair < pairs; pair += 1) {
    // In turns, so that both have the same machine.
    const order = pair % 2 === 0 ? [empty, full] : [full, empty];
    for (const server of order)
      for (const step of await measure(server))
        said.push({ ...step, name: `${step.name}, ${server === full ? `${keys} foreign keys` : 'none'}` });
  }
  for (const [name, steps = []] of Object.entries(Object.groupBy(said, (step) => step.name))) {
    const times = steps.map(({ ms }) => ms).toSorted((a, b) => a - b);
    const counts = steps.map(({ commands }) => JSON.stringify(commands));
    const median = times[Math.floor(times.length / 2)] ?? NaN;
    console.log(`${name}: ${median.toFixed(0)} ms at the median of ${times.length}`);
    for (const count of new Set(counts))
      console.log(`    ${counts.filter((each) => each === count).length} × ${count}`);
  }
  const scans = said.filter(({ commands }) => 'scan' in commands || 'keys' in commands);
  console.log(`SCAN or KEYS in ${scans.length} of ${said.length} steps`);
} finally {
  await empty.kill();
  await full.kill();
}

async function measure(
  server: RedisServer,
): Promise<{ name: string; commands: Record<string, number>; ms: number }[]> {
  await using playground = await startPlayground({ rates: false });
  const gateway = await startScriptedGateway();
  const steps: { name: string; commands: Record<string, number>; ms: number }[] = [];
  const step = async (name: string, act: () => Promise<unknown>): Promise<void> => {
    const before = await countCommands(server);
    const startedMs = performance.now();
    await act();
    const ms = performance.now() - startedMs;
    const after = await countCommands(server);
    const commands = Object.fromEntries(
      Object.entries(after)
        .map(([command, calls]) => [command, calls - (before[command] ?? 0)] as const)
        .filter(([, calls]) => calls > 0)
        .toSorted(([a], [b]) => a.localeCompare(b)),
    );
    steps.push({ name, commands, ms });
  };
  const environment = {
    STORE_URL: server.url,
    ADMINS: playground.user('ana').id,
    DEFAULT_LANGUAGE: 'python3',
  };
  let bot: Awaited<ReturnType<typeof startBot>> | undefined;
  await step('start', async () => (bot = await startBot({ playground, gateway, environment })));
  await askSlash(playground, 'ana', '#data', '/spark 1+1');
  await step('kernels', async () => await playground.as('ana').slash('#data', '/spark kernels'));
  await step('home tab', async () => {
    playground.as('ana').openHome();
    await playground.waitFor(() => playground.as('ana').home, { what: 'a home tab' });
  });
  await bot?.stop();
  await bot?.[Symbol.asyncDispose]();
  await gateway.close();
  return steps;
}

/** Commands by name, without those of this bench and those that keep the connection alive. */
async function countCommands(server: RedisServer): Promise<Record<string, number>> {
  const info = await server.command('INFO', 'commandstats');
  const counts = [...info.matchAll(/cmdstat_([\w|-]+):calls=(\d+)/g)].map(
    ([, name = '', calls]) => [name, Number(calls)] as const,
  );
  return Object.fromEntries(counts.filter(([name]) => !/^(info|quit|auth|ping|client|hello)/.test(name)));
}
