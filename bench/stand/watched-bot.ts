import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BOT_ALLOCATOR, BOT_COMMAND } from '../../demo/bot.ts';
import { type Playground, startPlayground } from '../../playground/playground.ts';
import { finals } from '../../test/support/ask.ts';
import { type ScriptedGateway, startScriptedGateway } from '../../test/support/scripted-gateway.ts';
import type { StallReport } from './stall-preload.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** A whole bot in a process of its own, on the local Slack without its rates and the scripted gateway, watched from within. */
export interface WatchedBot extends AsyncDisposable {
  playground: Playground;
  gateway: ScriptedGateway;
  folder: string;
  /** Since the last call. `collect`: after a garbage collection. */
  take: (word?: 'take' | 'collect') => Promise<StallReport>;
  /** The exit code once it has ended by itself. */
  isAlive: () => boolean;
}

export async function startWatchedBot(
  settings: Readonly<Record<string, string>> = {},
  options: { rates?: boolean; nodeOptions?: readonly string[] } = {},
): Promise<WatchedBot> {
  const playground = await startPlayground({ rates: options.rates ?? false, waitTimeoutMs: 120_000 });
  const gateway = await startScriptedGateway();
  const folder = await mkdtemp(join(tmpdir(), 'sparkthread-stand-'));
  const preload = join(root, 'bench/stand/stall-preload.ts');
  const [node, ...program] = BOT_COMMAND;
  const flags = ['--expose-gc', ...(options.nodeOptions ?? []), '--import', preload];
  const bot: ChildProcess = spawn(node, [...flags, ...program], {
    cwd: folder,
    env: {
      PATH: process.env['PATH'],
      ...BOT_ALLOCATOR,
      ...playground.environment,
      KG_URL: gateway.httpUrl,
      STORE_URL: `sqlite:${join(folder, 'sparkthread.db')}`,
      PORT: '0',
      LOG_LEVEL: 'error',
      DEFAULT_LANGUAGE: 'python3',
      ...settings,
    },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const ended = once(bot, 'exit');
  // One after the other, because a report that nobody waits for would be taken for the next one.
  const asked: ((report: StallReport) => void)[] = [];
  bot.on('message', (report: StallReport) => asked.shift()?.(report));
  await playground.waitForConnection();
  return {
    playground,
    gateway,
    folder,
    isAlive: () => bot.exitCode === null && bot.signalCode === null,
    async take(word = 'take') {
      bot.send(word);
      return await new Promise((resolve) => asked.push(resolve));
    },
    async [Symbol.asyncDispose]() {
      if (bot.exitCode === null) bot.kill('SIGTERM');
      await ended;
      await gateway.close();
      await playground.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** How many channels start their first kernels at the same time. */
const AT_ONCE = 20;

/** New channels, each with a kernel that has answered; gives their ids. */
export async function addWarmChannels({ playground }: WatchedBot, count: number): Promise<string[]> {
  const ids = Array.from({ length: count }, (_, n) => playground.addChannel(`channel-${n}`).id);
  for (let at = 0; at < ids.length; at += AT_ONCE) {
    const asked = ids.slice(at, at + AT_ONCE).map((id) => {
      const { ts } = playground.as('ana').post(id, `<@${playground.bot.id}> \`1+1\``);
      return { id, ts };
    });
    for (const { id, ts } of asked)
      await playground.waitFor(() => finals(playground, id, ts)[0], { timeoutMs: 60_000, what: 'an answer' });
  }
  return ids;
}
