import { randomBytes } from 'node:crypto';
import { type KernelGateway, asGateway } from '../../../demo/gateway.ts';
import { kernelEnvironmentNames, startJupyterApp } from '../../../demo/jupyter-app.ts';
import type { GatewayOptions } from './gateway-options.ts';
import type { Backends } from './provision-backends.ts';

/**
 * Enterprise Gateway 3.3.0 with local kernels. A POST waits until the kernel is up. When it runs as root, it refuses
 * a POST without `env.KERNEL_USERNAME` (protocol.md §1.3).
 */
export async function startEnterpriseGateway(
  backends: Backends,
  options: GatewayOptions = {},
): Promise<KernelGateway> {
  const token = options.token ?? randomBytes(24).toString('hex');
  const app = await startJupyterApp({
    venv: backends.enterpriseGateway,
    module: 'enterprise_gateway',
    traits: (port) => ({
      EnterpriseGatewayApp: {
        ip: '127.0.0.1',
        port,
        port_retries: 0,
        auth_token: token,
        list_kernels: true,
        inherited_envs: kernelEnvironmentNames,
      },
      KernelSpecManager: { ensure_native_kernel: false },
    }),
    readyLine: /Jupyter Enterprise Gateway \S+ is available at/,
    kernelspecsFolder: backends.kernelspecsFolder,
    cache: backends.cache,
    environment: process.env,
    extraArguments: options.extraArguments ?? [],
  });
  return asGateway(app, token);
}
