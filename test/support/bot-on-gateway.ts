import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest';
import { type KernelGateway, startKernelGateway } from '../../demo/gateway.ts';
import type { Provisioned } from '../../demo/provision/provision.ts';
import { type Playground, startPlayground } from '../../playground/playground.ts';
import type { PlaygroundOptions } from '../../playground/settings.ts';
import { type StartedBot, startBot } from './start-bot.ts';

/** A real gateway with real kernels, a local Slack, and the bot between them. */
export interface BotOnGateway {
  gateway: KernelGateway;
  playground: Playground;
  bot: StartedBot;
}

export interface BotOnGatewayOptions {
  provisioned: () => Provisioned | Promise<Provisioned>;
  environment?: Readonly<Record<string, string>>;
  /** Slack's limits are off unless wanted. */
  playground?: PlaygroundOptions;
  /** Starts a proxy between bot and gateway. Gets the gateway's address. */
  front?: (url: string) => Promise<AsyncDisposable & { httpUrl: string }>;
}

/** Starts them before a file's tests, or before each of them, passes them to `take`, and ends them afterwards. */
export function useBotOnGateway(
  options: BotOnGatewayOptions,
  take: (started: BotOnGateway) => void,
  how: 'once' | 'each' = 'once',
): void {
  let all = new AsyncDisposableStack();
  const [before, after] = how === 'once' ? [beforeAll, afterAll] : [beforeEach, afterEach];
  before(async () => {
    all = new AsyncDisposableStack();
    const gateway = all.use(await startKernelGateway({ provisioned: await options.provisioned() }));
    const front = await options.front?.(gateway.url);
    all.use(front);
    const playground = all.use(await startPlayground({ rates: false, ...options.playground }));
    const httpUrl = front?.httpUrl ?? gateway.url;
    const { environment = {} } = options;
    const bot = all.use(
      await startBot({ playground, gateway: { httpUrl, token: gateway.token }, environment }),
    );
    take({ gateway, playground, bot });
  });
  after(() => all.disposeAsync());
}

/** The ids of the kernels that a gateway has now. */
export async function kernelIdsOf({ url, token }: Pick<KernelGateway, 'url' | 'token'>): Promise<string[]> {
  const response = await fetch(`${url}api/kernels`, { headers: { authorization: `token ${token}` } });
  const models = (await response.json()) as { id: string }[];
  return models.map(({ id }) => id);
}
