import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { type JupyterApp, type Traits, kernelEnvironmentNames, startJupyterApp } from './jupyter-app.ts';
import type { Provisioned } from './provision/provision.ts';

export type KernelGateway = AsyncDisposable & {
  /** Root for `api/…`, with a trailing slash. */
  url: string;
  token: string;
  pid: number;
  log: () => string;
  ended: Promise<undefined>;
  /** Ends the gateway, its kernels and their JVMs. */
  stop: () => Promise<void>;
};

export type KernelGatewayOptions = {
  provisioned: Provisioned;
  /** Empty: the gateway asks for no token. Not given: a random token. */
  token?: string;
  port?: number;
  /** A folder for JUPYTER_PATH in place of the provisioned one. */
  kernelspecsFolder?: string;
  /** More command line options, such as `--KernelGatewayApp.max_kernels=2`. */
  extraArguments?: string[];
  environment?: NodeJS.ProcessEnv;
  extraEnvironment?: Record<string, string>;
  /** Turns the server's own output limits on. */
  isRateLimited?: boolean;
};

/**
 * Starts Jupyter Kernel Gateway 3 on a loopback port and waits until it answers.
 * @throws when it ends before it listens, with the end of its log
 */
export async function startKernelGateway(options: KernelGatewayOptions): Promise<KernelGateway> {
  const token = options.token ?? randomBytes(24).toString('hex');
  const { provisioned } = options;
  const traits = (port: number): Traits => ({
    KernelGatewayApp: {
      ip: '127.0.0.1',
      port,
      port_retries: 0,
      auth_token: token,
      env_process_whitelist: kernelEnvironmentNames,
    },
    JupyterWebsocketPersonality: { list_kernels: true },
    KernelSpecManager: { ensure_native_kernel: false },
    ...(options.isRateLimited ? {} : { ZMQChannelsWebsocketConnection: { limit_rate: false } }),
  });
  return asGateway(
    await startJupyterApp({
      venv: provisioned.venv,
      module: 'kernel_gateway',
      traits,
      readyLine: /Jupyter Kernel Gateway \S+ is available at/,
      kernelspecsFolder: options.kernelspecsFolder ?? provisioned.kernelspecsFolder,
      cache: provisioned.cache,
      environment: options.environment ?? process.env,
      ...(options.extraArguments ? { extraArguments: options.extraArguments } : {}),
      ...(options.extraEnvironment ? { extraEnvironment: options.extraEnvironment } : {}),
      ...(options.port === undefined ? {} : { port: options.port }),
    }),
    token,
  );
}

/**
 * A Jupyter server that has started, as a gateway, once it answers to its token.
 * @throws when it does not; the server is stopped then
 */
export async function asGateway(app: JupyterApp, token: string): Promise<KernelGateway> {
  const url = `http://127.0.0.1:${app.port}/`;
  try {
    const status = await firstStatus(`${url}api`, token ? { authorization: `token ${token}` } : {});
    if (status !== 200) throw new Error(`the gateway answers ${status} to its own token:\n${app.log()}`);
  } catch (error) {
    await app.stop();
    throw error;
  }
  return {
    url,
    token,
    pid: app.pid,
    log: app.log,
    ended: app.ended,
    stop: app.stop,
    [Symbol.asyncDispose]: app.stop,
  };
}

/** The HTTP status of the first answer. Jupyter Server says that it is running a moment before it listens. */
async function firstStatus(url: string, headers: Record<string, string>): Promise<number> {
  for (let attemptsLeft = 100; ; attemptsLeft -= 1) {
    try {
      const answer = await fetch(url, { headers });
      await answer.body?.cancel();
      return answer.status;
    } catch (error) {
      if (attemptsLeft === 0) throw error;
      await delay(50);
    }
  }
}
