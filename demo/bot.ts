import { mkdir, mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import packageJson from '../package.json' with { type: 'json' };
import type { Playground } from '../playground/playground.ts';
import { cleanEnvironment } from './clean-environment.ts';
import type { KernelGateway } from './gateway.ts';
import { type GuardedProcess, startGuarded } from './guarded-process.ts';
import type { Provisioned } from './provision/provision.ts';

/** The words of `npm start`: `VARIABLE=value … exec node --flag … bin/sparkthread.js start`. */
const [settings = '', command = ''] = packageJson.scripts.start.split(' exec node ');
/** The bot as `npm start` starts it: the built program while it matches the source. */
export const BOT_COMMAND: readonly [string, ...string[]] = [
  process.execPath,
  ...command
    .split(' ')
    .map((word) => (word.includes('/') ? fileURLToPath(new URL(`../${word}`, import.meta.url)) : word)),
];
/** The environment variables that configure its allocator. */
export const BOT_ALLOCATOR: Readonly<Record<string, string>> = Object.fromEntries(
  settings.split(' ').map((each) => each.split('=')),
);

/** What `python2` means here: the Spark kernel, or plain Python where there is no Java. */
export function demoLanguages(provisioned: Provisioned): string {
  const kernelspec = provisioned.java ? 'python3-spark' : 'python3';
  return ['python2', 'pyspark', 'spark'].map((alias) => `${alias}=${kernelspec}`).join(',');
}

/**
 * Starts the bot as an operator would, as a process of its own that knows only its settings.
 * @throws when it ends before it is connected, with the end of its log
 */
export async function startBot(
  provisioned: Provisioned,
  gateway: KernelGateway,
  playground: Playground,
): Promise<GuardedProcess> {
  const runs = join(provisioned.cache, 'run');
  await mkdir(runs, { recursive: true });
  const folder = await mkdtemp(join(runs, 'bot-'));
  const bot = startGuarded({
    python: provisioned.python.command,
    command: [...BOT_COMMAND],
    env: {
      ...cleanEnvironment({ PATH: process.env['PATH'], LANG: process.env['LANG'] }),
      ...BOT_ALLOCATOR,
      HOME: folder,
      TMPDIR: folder,
      ...playground.environment,
      KG_URL: gateway.url,
      KG_AUTH_TOKEN: gateway.token,
      LANGUAGES: demoLanguages(provisioned),
      // A script cannot answer a question about a switch, so each language has a kernel of its own.
      KERNELS_PER_CHANNEL: 'several',
      STORE_URL: 'memory:',
      PORT: '0',
    },
    workingFolder: folder,
    folder,
  });
  const ended = bot.ended.then(() => {
    throw new Error(`the bot ended before it was connected:\n${lastLines(bot.log())}`);
  });
  try {
    await Promise.race([playground.waitForConnection(1, { timeoutMs: 60_000 }), ended]);
  } catch (error) {
    await bot.stop();
    throw error;
  } finally {
    ended.catch(() => undefined);
  }
  return bot;
}

export function lastLines(log: string): string {
  return log.split('\n').slice(-25).join('\n');
}
