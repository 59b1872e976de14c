import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { startPlayground } from '../../../playground/playground.ts';
import { silentLog } from '../../../src/log.ts';
import { openStore } from '../../../src/store/open.ts';
import { BusyKernels } from '../busy-kernels.ts';
import { startRedis } from '../failover.ts';
import { randomFrom } from '../fault-front.ts';
import { readStoreFile } from '../run-store-file.ts';
import { startScriptedGateway } from '../scripted-gateway.ts';
import { type StartedBot, startBot } from '../start-bot.ts';
import { type Action, ACTIONS, ENDS, one, type World } from './chance-actions.ts';
import { judge } from './chance-judge.ts';

/**
 * A whole bot between a local Slack and scripted kernels, while chance decides what people do and what fails. In the
 * end Slack, store, kernels and disk have to agree.
 */

export interface ChanceOptions {
  seed: number;
  /** How many things happen, and how many of them end a process. */
  steps: number;
  ends: number;
  /** Two processes on one Redis. */
  isPair: boolean;
}

/** What is wrong in the world of this seed; empty if nothing is. `acts`: what happened, and what the processes logged. */
export async function faultsOfChance(options: ChanceOptions): Promise<{ faults: string[]; acts: string[] }> {
  const random = randomFrom(options.seed);
  const below = (n: number): number => Math.floor(random() * n);
  await using all = new AsyncDisposableStack();
  const playground = all.use(
    await startPlayground({ rates: false, retryDelaysMs: [300, 1_000, 3_000, 600_000, 600_000, 600_000] }),
  );
  const gateway = await startScriptedGateway();
  all.defer(() => gateway.close());
  const kernels = new BusyKernels(one(['ipython', 'xpython', 'IRkernel'], below));
  gateway.onStart = (kernel) => kernels.teach(kernel);
  const { url, bots } = await startBots(options.isPair, { playground, gateway }, all, below);
  const channels = ['#data', '#general'].map((name) => playground.channel(name).id);
  const world: World = { playground, gateway, kernels, bots, channels, sent: [], written: [], below };
  const acts: string[] = [];
  const act = async (name: string, action: Action | undefined): Promise<void> => {
    acts.push(name);
    try {
      await action?.(world);
    } catch (error) {
      // Somebody has deleted what another person presses, perhaps.
      acts.push(`${name}: ${String(error)}`);
    }
  };
  const ends = new Set(Array.from({ length: options.ends }, () => below(options.steps)));
  const acting: Promise<void>[] = [];
  let ending = Promise.resolve();
  for (let step = 0; step < options.steps; step += 1) {
    const name = one(Object.keys(ACTIONS), below);
    acting.push(act(name, ACTIONS[name]));
    const end = one(Object.keys(ENDS), below);
    if (ends.has(step)) ending = ending.then(() => act(end, ENDS[end]));
    await pause(below(300));
  }
  await ending;
  await peace(world);
  await Promise.all(acting);
  const faults = await untilPosted(world, url);
  for (const bot of bots) if ((await bot.stop()) !== 0) faults.push('ended with an error');
  // A process that ends does not wait for its last edits. The next one deletes their output.
  for (const bot of bots) {
    await bot.restart();
    await bot.untilLeader();
    await bot.stop();
  }
  faults.push(...(await judge(world, url ?? `sqlite:${join(bots[0]?.folder ?? '', 'sparkthread.db')}`)));
  return { faults, acts: [...acts, ...bots.flatMap(({ lines }) => ['', ...lines])] };
}

/** `url`: the Redis of two processes. */
async function startBots(
  isPair: boolean,
  around: Pick<World, 'playground' | 'gateway'>,
  all: AsyncDisposableStack,
  below: World['below'],
): Promise<{ url: string | undefined; bots: StartedBot[] }> {
  const environment = {
    QUEUE_LIMIT: '1000',
    USER_LIMIT: '2000',
    DEFAULT_LANGUAGE: 'python3',
    LOG_LEVEL: 'debug',
    KERNELS_PER_CHANNEL: one(['1', 'several'], below),
    RUN_TIMEOUT: one(['5s', '20s'], below),
    INPUT_TIMEOUT: one(['2s', '20s'], below),
    IDLE_TIMEOUT: one(['3s', '12h'], below),
  };
  if (!isPair) return { url: undefined, bots: [all.use(await startBot({ ...around, environment }))] };
  const redis = await startRedis();
  all.defer(() => redis.kill());
  const start = async () =>
    all.use(await startBot({ ...around, environment: { ...environment, STORE_URL: redis.url } }));
  return { url: redis.url, bots: [await start(), await start()] };
}

/** Nothing fails any more, and Slack makes its last repeats. */
async function peace({ playground, bots }: World): Promise<void> {
  playground.clearFaults();
  playground.thaw();
  await Promise.race(bots.map((bot) => bot.untilLeader()));
  await playground.waitForConnection();
  do {
    playground.retryNow();
    await playground.waitForQuiet();
  } while (playground.service.deliveries.pendingRetries > 0);
}

const PEACE_MS = 60_000;

/** The runs that are not posted after some time in peace, with the kernels as they are. */
async function untilPosted(world: World, url: string | undefined): Promise<string[]> {
  const { bots, gateway, kernels } = world;
  const store = url === undefined ? undefined : await openStore({ url, log: silentLog });
  const find = async () => {
    // A copy of a file that is being written may be torn.
    const runs = (await (store?.runs.unposted() ?? readStoreFile(bots[0]?.folder ?? ''))) as {
      id: string;
      state: string;
    }[];
    return runs.filter(({ state }) => state !== 'posted');
  };
  const isOver = AbortSignal.timeout(PEACE_MS);
  let left = await find().catch(() => undefined);
  while ((left === undefined || left.length > 0) && !isOver.aborted) {
    await pause(200);
    left = await find().catch(() => undefined);
  }
  await store?.close();
  if (left === undefined || left.length === 0) return [];
  const runs = left.map(({ id, state }) => `not posted: ${state} ${id}`);
  const states = [...gateway.kernels.values()].map(
    (kernel) =>
      `kernel ${kernel.id} ${kernel.executionState} ${kernel.isDeleted ? 'deleted' : ''} sockets ${kernel.sockets.size} process ${kernels.processOf(kernel)}, got ${kernel.received
        .slice(-8)
        .map(
          ({ header, channel, content }) =>
            `${header.date} ${header.msg_type} ${channel} ${JSON.stringify(content['code'])?.slice(0, 60)}`,
        )
        .join(' | ')}`,
  );
  return [...runs, ...states];
}
