import { randomBytes } from 'node:crypto';
import { type KernelGateway, asGateway } from '../../../demo/gateway.ts';
import { kernelEnvironmentNames, startJupyterApp } from '../../../demo/jupyter-app.ts';
import type { GatewayOptions } from './gateway-options.ts';
import type { Backends } from './provision-backends.ts';

/** Kernel Gateway 2.5.2 on notebook 6: no output limits, no chosen kernel ids, its own auth check. */
export async function startKernelGateway2(
  backends: Backends,
  options: GatewayOptions = {},
): Promise<KernelGateway> {
  const token = options.token ?? randomBytes(24).toString('hex');
  const app = await startJupyterApp({
    venv: backends.kernelGateway2,
    module: 'kernel_gateway',
    traits: (port) => ({
      KernelGatewayApp: {
        ip: '127.0.0.1',
        port,
        port_retries: 0,
        auth_token: token,
        env_process_whitelist: kernelEnvironmentNames,
      },
      JupyterWebsocketPersonality: { list_kernels: true },
      KernelSpecManager: { ensure_native_kernel: false },
    }),
    readyLine: /Jupyter Kernel Gateway \S+ is available at/,
    kernelspecsFolder: backends.kernelspecsFolder,
    cache: backends.cache,
    environment: process.env,
    extraArguments: options.extraArguments ?? [],
  });
  return asGateway(app, token);
}
