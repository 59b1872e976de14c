import { randomBytes } from 'node:crypto';
import type { Traits } from './jupyter-app.ts';
import { kernelEnvironmentNames, startJupyterApp } from './jupyter-app.ts';
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
  /** Empty: a gateway that asks for none. Not given: a random one. */
  token?: string;
  port?: number;
  /** A folder for JUPYTER_PATH in place of the provisioned one. */
  kernelspecsFolder?: string;
  /** More command line options, such as `--KernelGatewayApp.max_kernels=2`. */
  extraArguments?: string[];
  environment?: NodeJS.ProcessEnv;
  extraEnvironment?: Record<string, string>;
  /** The server's own output limits; off unless wanted. */
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
  const app = await startJupyterApp({
    venv: provisioned.venv,
    guardPython: provisioned.venv.python,
    module: 'kernel_gateway',
    traits,
    readyLine: /Jupyter Kernel Gateway \S+ is available at/,
    kernelspecsFolder: options.kernelspecsFolder ?? provisioned.kernelspecsFolder,
    cache: provisioned.cache,
    environment: options.environment ?? process.env,
    ...(options.extraArguments ? { extraArguments: options.extraArguments } : {}),
    ...(options.extraEnvironment ? { extraEnvironment: options.extraEnvironment } : {}),
    ...(options.port === undefined ? {} : { port: options.port }),
  });
  const url = `http://127.0.0.1:${app.port}/`;
  const answer = await fetch(`${url}api`, { headers: token ? { authorization: `token ${token}` } : {} });
  if (!answer.ok) {
    await app.stop();
    throw new Error(`the gateway answers ${answer.status} to its own token:\n${app.log()}`);
  }
  await answer.body?.cancel();
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
