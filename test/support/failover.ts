import { afterAll, beforeAll } from 'vitest';
import { type KernelGateway, startKernelGateway } from '../../demo/gateway.ts';
import { freePort } from '../../demo/jupyter-app.ts';
import type { Provisioned } from '../../demo/provision/provision.ts';
import { type Playground, startPlayground } from '../../playground/playground.ts';
import type { PlaygroundOptions } from '../../playground/settings.ts';
import { type HeldKernels, holdKernels } from './held-kernels.ts';
import { findRedisServer, type RedisServer, startRedisServer } from './redis-server.ts';
import { type ScriptedGateway, startScriptedGateway } from './scripted-gateway.ts';
import { type StartedBot, startBot } from './start-bot.ts';

const found = await findRedisServer();
/** For `test.skipIf`. */
export const hasNoRedis = 'missing' in found;

/** The processes of one bot on one Redis, a playground and a scripted gateway whose kernels hold what they run. */
export interface Failover extends AsyncDisposable {
  redis: RedisServer;
  playground: Playground;
  gateway: ScriptedGateway;
  kernels: HeldKernels;
  /** Starts one more process. The first one leads, the others are standbys. */
  start: (environment?: Readonly<Record<string, string>>) => Promise<FailoverBot>;
  /** ana mentions the bot with this code. Gives the message's ts. */
  post: (channel: string, code: string) => string;
}

export interface FailoverBot extends StartedBot {
  /** `http://127.0.0.1:PORT`. */
  readonly url: string;
}

/** Throws where there is none. */
export async function startRedis(): Promise<RedisServer> {
  if ('missing' in found) throw new Error(found.missing);
  return await startRedisServer(found.path);
}

export async function startFailover(options: PlaygroundOptions = {}): Promise<Failover> {
  const redis = await startRedis();
  const playground = await startPlayground({ rates: false, ...options });
  const gateway = await startScriptedGateway();
  const kernels = holdKernels(gateway);
  const bots: StartedBot[] = [];
  return {
    redis,
    playground,
    gateway,
    kernels,
    async start(environment = {}) {
      const port = await freePort();
      const settings = {
        STORE_URL: redis.url,
        DEFAULT_LANGUAGE: 'python3',
        PORT: String(port),
        ...environment,
      };
      const bot = await startBot({ playground, gateway, environment: settings });
      bots.push(bot);
      return Object.assign(bot, { url: `http://127.0.0.1:${port}` });
    },
    post(channel, code) {
      return playground.as('ana').post(channel, `<@${playground.bot.id}> \`${code}\``).ts;
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(bots.map((bot) => bot[Symbol.asyncDispose]()));
      await gateway.close();
      await playground.stop();
      redis.resume();
      await redis.kill();
    },
  };
}

/** A leader and a standby on one real Redis and a real gateway. */
export interface LeaderAndStandby {
  redis: RedisServer;
  playground: Playground;
  gateway: KernelGateway;
  leader: StartedBot;
  standby: StartedBot;
  /** Ends the leader, by default in order. The standby takes over, and the old leader comes back as the standby. */
  handOver: (end?: (leader: StartedBot) => Promise<unknown>) => Promise<void>;
}

/** Starts them before a file's tests if there is a Redis, passes them to `take`, and ends them afterwards. */
export function useLeaderAndStandby(
  provisioned: () => Provisioned,
  take: (started: LeaderAndStandby) => void,
  options: PlaygroundOptions = {},
): void {
  const all = new AsyncDisposableStack();
  beforeAll(async () => {
    if ('missing' in found) return;
    const redis = await startRedisServer(found.path);
    all.defer(() => redis.kill());
    const gateway = all.use(await startKernelGateway({ provisioned: provisioned() }));
    const playground = all.use(await startPlayground({ rates: false, ...options }));
    const start = async (): Promise<StartedBot> =>
      all.use(
        await startBot({
          playground,
          gateway: { httpUrl: gateway.url, token: gateway.token },
          environment: { STORE_URL: redis.url, LOG_LEVEL: 'debug', DEFAULT_LANGUAGE: 'python3' },
        }),
      );
    const pair: LeaderAndStandby = {
      redis,
      playground,
      gateway,
      leader: await start(),
      standby: await start(),
      async handOver(end = (leader) => leader.stop()) {
        const { leader, standby } = pair;
        await end(leader);
        await standby.untilLeader();
        await leader.restart();
        Object.assign(pair, { leader: standby, standby: leader });
      },
    };
    take(pair);
  });
  afterAll(() => all.disposeAsync());
}
