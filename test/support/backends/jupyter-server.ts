import { randomBytes } from 'node:crypto';
import { type KernelGateway, asGateway } from '../../../demo/gateway.ts';
import { startJupyterApp } from '../../../demo/jupyter-app.ts';
import type { Provisioned } from '../../../demo/provision/provision.ts';
import type { GatewayOptions } from './gateway-options.ts';

/** Jupyter Server 2.21.1, which comes with the demo's Kernel Gateway 3: 403 instead of 401, XSRF, no `env`. */
export async function startJupyterServer(
  provisioned: Pick<Provisioned, 'venv' | 'kernelspecsFolder' | 'cache'>,
  options: GatewayOptions = {},
): Promise<KernelGateway> {
  const token = options.token ?? randomBytes(24).toString('hex');
  const app = await startJupyterApp({
    venv: provisioned.venv,
    module: 'jupyter_server',
    traits: (port) => ({
      ServerApp: { ip: '127.0.0.1', port, port_retries: 0, open_browser: false, allow_root: true },
      IdentityProvider: { token },
      KernelSpecManager: { ensure_native_kernel: false },
      ...(options.isRateLimited ? {} : { ZMQChannelsWebsocketConnection: { limit_rate: false } }),
    }),
    readyLine: /Jupyter Server \S+ is running at/,
    kernelspecsFolder: provisioned.kernelspecsFolder,
    cache: provisioned.cache,
    environment: process.env,
    extraArguments: options.extraArguments ?? [],
  });
  return asGateway(app, token);
}
