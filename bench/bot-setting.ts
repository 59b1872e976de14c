import { mkdir, mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { BOT_ALLOCATOR, BOT_COMMAND } from '../demo/bot.ts';
import { cleanEnvironment } from '../demo/clean-environment.ts';
import type { KernelGateway } from '../demo/gateway.ts';
import { startGuarded } from '../demo/guarded-process.ts';
import type { Provisioned } from '../demo/provision/provision.ts';
import { type Playground, startPlayground } from '../playground/playground.ts';

/** The bot as `npm start` starts it, and the plain bot that it is compared with. */
export const OURS = BOT_COMMAND.slice(1);
export const STRAIGHT = [join(import.meta.dirname, 'straight-bot.ts')];

/** A bot in a process of its own, alone in a local Slack that keeps Slack's rates. */
export interface BenchBot extends AsyncDisposable {
  playground: Playground;
  log: () => string;
}

/** Starts a program as a bot. It ends with this process, whatever ends this. `program`: the arguments for Node. */
export async function startBenchBot(
  program: readonly string[],
  { provisioned, server }: { provisioned: Provisioned; server: KernelGateway },
  settings: Readonly<Record<string, string>> = {},
): Promise<BenchBot> {
  const playground = await startPlayground();
  const runs = join(provisioned.cache, 'run');
  await mkdir(runs, { recursive: true });
  const folder = await mkdtemp(join(runs, 'bench-'));
  const bot = startGuarded({
    python: provisioned.python.command,
    command: [process.execPath, ...program],
    env: {
      ...cleanEnvironment({ PATH: process.env['PATH'], LANG: process.env['LANG'] }),
      ...(program !== STRAIGHT && BOT_ALLOCATOR),
      HOME: folder,
      TMPDIR: folder,
      ...playground.environment,
      KG_URL: server.url,
      KG_AUTH_TOKEN: server.token,
      ...settings,
    },
    workingFolder: folder,
    folder,
  });
  const stop = async (): Promise<void> => {
    await bot.stop();
    await playground.stop();
  };
  const ended = bot.ended.then(() => {
    throw new Error(`${program.join(' ')} ended before it was connected:\n${bot.log()}`);
  });
  try {
    await Promise.race([playground.waitForConnection(1, { timeoutMs: 60_000 }), ended]);
  } catch (error) {
    await stop();
    throw error;
  }
  ended.catch(() => undefined);
  return { playground, log: bot.log, [Symbol.asyncDispose]: stop };
}

/** Calls that Slack refused for being too many, by method. */
export function refusedCalls({ playground }: BenchBot): string[] {
  return playground.calls.filter(({ status }) => status === 429).map(({ method }) => method);
}
