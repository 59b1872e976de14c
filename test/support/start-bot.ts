import { type ChildProcess, spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { BOT_ALLOCATOR, BOT_COMMAND } from '../../demo/bot.ts';
import type { Playground } from '../../playground/playground.ts';
import { compiledCode } from './compiled-code.ts';

/** The real bot, as `npm start` starts it, in a process of its own, on a playground and a gateway, with an SQLite file of its own. */
export interface StartedBot extends AsyncDisposable {
  /** Every line that it wrote to stdout and stderr, over all its restarts. */
  readonly lines: readonly string[];
  /** The lines that are JSON: its log. */
  readonly log: readonly LogLine[];
  readonly pid: number;
  /** The folder of the SQLite file and the spool. */
  readonly folder: string;
  /** Its role, from its log since its last start. */
  readonly role: 'leader' | 'standby';
  /** Resolves with the first log line from index `since` on that fits, past or to come. */
  untilLog(fits: (line: LogLine) => boolean, since?: number): Promise<LogLine>;
  /** Resolves when it leads and takes requests. */
  untilLeader(): Promise<void>;
  /** Resolves with the exit code when it has ended by itself. */
  untilEnded(): Promise<number | null>;
  /** `kill -9`. Resolves when it is gone. */
  kill(): Promise<void>;
  /** SIGTERM. Resolves with the exit code. */
  stop(): Promise<number | null>;
  /** Starts it again on the same file, with `environment` added to its settings. It must not be running. */
  restart(environment?: Readonly<Record<string, string>>): Promise<void>;
}

/** The bots of this process that have not been disposed of. */
export const startedBots = new Set<StartedBot>();

export type LogLine = Readonly<Record<string, unknown>>;

export interface StartBotOptions {
  playground: Playground;
  gateway: { httpUrl: string; wsUrl?: string; token?: string };
  /** More settings. */
  environment?: Readonly<Record<string, string>>;
}

/** Resolves once the bot says that it is ready (it leads, and takes requests), or that it stands by. */
export async function startBot(options: StartBotOptions): Promise<StartedBot> {
  const { playground, gateway } = options;
  const folder = await mkdtemp(join(tmpdir(), 'sparkthread-bot-'));
  const heard = new EventEmitter().setMaxListeners(0);
  const lines: string[] = [];
  const log: LogLine[] = [];
  let environment: Record<string, string> = {
    PATH: process.env['PATH'] ?? '',
    ...compiledCode,
    ...BOT_ALLOCATOR,
    ...playground.environment,
    KG_URL: gateway.httpUrl,
    ...(gateway.wsUrl === undefined ? {} : { KG_WS_URL: gateway.wsUrl }),
    ...(gateway.token === undefined || gateway.token === '' ? {} : { KG_AUTH_TOKEN: gateway.token }),
    STORE_URL: `sqlite:${join(folder, 'sparkthread.db')}`,
    PORT: '0',
    ...options.environment,
  };
  let child: ChildProcess | undefined;
  let bornAt = 0;
  let ended: Promise<unknown> = Promise.resolve();

  const hear = (line: string): void => {
    lines.push(line);
    const said = readLine(line);
    if (said !== undefined) log.push(said);
    heard.emit('line');
  };
  const isRunning = (): boolean =>
    child !== undefined && child.exitCode === null && child.signalCode === null;

  const start = async (): Promise<void> => {
    bornAt = log.length;
    const [node, ...program] = BOT_COMMAND;
    const started = spawn(node, program, {
      cwd: folder,
      env: environment,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    child = started;
    ended = once(started, 'close');
    for (const input of [started.stdout, started.stderr]) createInterface({ input }).on('line', hear);
    const left = ended.then(() => {
      throw new Error(`the bot ended before it was ready:\n${lines.slice(-25).join('\n')}`);
    });
    await Promise.race([untilLog((line) => roleIn(line) !== undefined, bornAt), left]);
    left.catch(() => undefined);
  };

  const untilLog = async (fits: (line: LogLine) => boolean, since = 0): Promise<LogLine> => {
    for (;;) {
      const found = log.slice(since).find(fits);
      if (found !== undefined) return found;
      await once(heard, 'line');
    }
  };

  const signal = async (name: NodeJS.Signals): Promise<void> => {
    if (isRunning()) child?.kill(name);
    await ended;
  };
  const killWithUs = (): void => void child?.kill('SIGKILL');
  process.once('exit', killWithUs);

  const bot: StartedBot = {
    lines,
    log,
    folder,
    get pid() {
      return child?.pid ?? -1;
    },
    get role() {
      return log.slice(bornAt).map(roleIn).findLast(Boolean) ?? 'standby';
    },
    untilLog,
    async untilLeader() {
      await untilLog((line) => roleIn(line) === 'leader', bornAt);
    },
    async untilEnded() {
      await ended;
      return child?.exitCode ?? null;
    },
    kill: () => signal('SIGKILL'),
    async stop() {
      await signal('SIGTERM');
      return child?.exitCode ?? null;
    },
    async restart(more = {}) {
      if (isRunning()) throw new Error('the bot still runs');
      environment = { ...environment, ...more };
      await start();
    },
    async [Symbol.asyncDispose]() {
      startedBots.delete(bot);
      await signal('SIGKILL');
      process.off('exit', killWithUs);
      await rm(folder, { recursive: true, force: true });
    },
  };
  startedBots.add(bot);
  try {
    await start();
  } catch (error) {
    await bot[Symbol.asyncDispose]();
    throw error;
  }
  return bot;
}

function roleIn({ msg }: LogLine): 'leader' | 'standby' | undefined {
  if (msg === 'ready') return 'leader';
  return msg === 'another process leads; this one stands by' ? 'standby' : undefined;
}

function readLine(line: string): LogLine | undefined {
  try {
    const said: unknown = JSON.parse(line);
    return typeof said === 'object' && said !== null ? { ...said } : undefined;
  } catch {
    return undefined;
  }
}
