import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cleanEnvironment } from './clean-environment.ts';
import { type GuardedProcess, startGuarded } from './guarded-process.ts';
import { pathWith } from './provision/prerequisites.ts';
import type { VirtualEnvironment } from './provision/virtual-environment.ts';

/** Settings of a Jupyter program, by class and trait. */
export type Traits = Record<string, Record<string, unknown>>;

export type JupyterAppRequest = {
  /** Where the program is installed. */
  venv: VirtualEnvironment;
  /** The Python module that is the program. */
  module: string;
  traits(port: number): Traits;
  /** The log line by which it says that it listens. */
  readyLine: RegExp;
  kernelspecsFolder: string;
  cache: string;
  environment: NodeJS.ProcessEnv;
  extraArguments?: string[];
  extraEnvironment?: Record<string, string>;
  port?: number;
};

export type JupyterApp = GuardedProcess & { port: number; folder: string };

/** What a kernel keeps of its gateway's environment (all of it in the gateway's private folder). */
export const kernelEnvironmentNames = [
  'HOME',
  'LANG',
  'JAVA_HOME',
  'TMPDIR',
  'SPARK_LOCAL_DIRS',
  'IPYTHONDIR',
  'MPLCONFIGDIR',
  'JUPYTER_RUNTIME_DIR',
  'JUPYTER_DATA_DIR',
  'JUPYTER_CONFIG_DIR',
  'JUPYTER_PATH',
];

export const kernelPorts = fileURLToPath(new URL('./kernel-ports.py', import.meta.url));

/**
 * Starts a Jupyter program in a private folder with a clean environment, on a free loopback port.
 * Its settings, secrets among them, are in a file that is removed once it has started: kernels inherit
 * environments, and anybody can read a command line.
 */
export async function startJupyterApp(request: JupyterAppRequest): Promise<JupyterApp> {
  const port = request.port ?? (await freePort());
  const runs = join(request.cache, 'run');
  await mkdir(runs, { recursive: true });
  const folder = await mkdtemp(join(runs, `${request.module}-`));
  const at = (name: string): string => join(folder, name);
  for (const name of ['home', 'work', 'tmp', 'runtime', 'data', 'config', 'ipython', 'matplotlib'])
    await mkdir(at(name), { mode: 0o700 });
  const settings = at('settings.json');
  await writeFile(settings, JSON.stringify(request.traits(port)), { mode: 0o600 });
  await copyFile(kernelPorts, join(at('config'), 'jupyter_config.py'));
  const env = {
    ...cleanEnvironment({ PATH: pathWith([request.venv.bin], request.environment), LANG: 'C.UTF-8' }),
    ...(request.environment['JAVA_HOME'] ? { JAVA_HOME: request.environment['JAVA_HOME'] } : {}),
    HOME: at('home'),
    TMPDIR: at('tmp'),
    SPARK_LOCAL_DIRS: at('tmp'),
    JUPYTER_RUNTIME_DIR: at('runtime'),
    JUPYTER_DATA_DIR: at('data'),
    JUPYTER_CONFIG_DIR: at('config'),
    JUPYTER_PATH: request.kernelspecsFolder,
    JUPYTER_PLATFORM_DIRS: '1',
    IPYTHONDIR: at('ipython'),
    MPLCONFIGDIR: at('matplotlib'),
    PYTHONUNBUFFERED: '1',
    ...request.extraEnvironment,
  };
  const program = startGuarded({
    python: request.venv.python,
    command: [
      request.venv.python,
      '-m',
      request.module,
      `--config=${settings}`,
      ...(request.extraArguments ?? []),
    ],
    env,
    workingFolder: at('work'),
    folder,
  });
  try {
    await program.line(request.readyLine);
    await rm(settings);
  } catch (error) {
    await program.stop();
    throw error;
  }
  return { ...program, port, folder };
}

/**
 * A loopback port on which nobody listens. The system gives any connection a port above these, so it gives this one to
 * nobody before it is used.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(10_000, 32_768);
    const server = createServer().listen(port, '127.0.0.1');
    try {
      await once(server, 'listening');
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE') continue;
      throw error;
    }
    server.close();
    await once(server, 'close');
    return port;
  }
}
