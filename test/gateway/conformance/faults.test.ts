import { inject } from 'vitest';
import { startKernelGateway } from '../../../demo/gateway.ts';
import { startEnterpriseGateway } from '../../support/backends/enterprise-gateway.ts';
import { startJupyterServer } from '../../support/backends/jupyter-server.ts';
import { startKernelGateway2 } from '../../support/backends/kernel-gateway-2.ts';
import { asConformanceServer, testConformance } from '../../support/conformance.ts';

/** The same suite through a connection that breaks every few frames, is slow, and has a proxy that answers 502 now and then. */

const backends = inject('backends');

const servers = {
  'Kernel Gateway 3': {
    start: () => startKernelGateway({ provisioned: backends }),
    takesEnv: true,
    takesKernelId: true,
    seed: 3,
  },
  'Kernel Gateway 2': {
    start: () => startKernelGateway2(backends),
    takesEnv: true,
    takesKernelId: false,
    seed: 2,
  },
  'Enterprise Gateway': {
    start: () => startEnterpriseGateway(backends),
    takesEnv: true,
    takesKernelId: true,
    seed: 5,
  },
  'Jupyter Server': {
    start: () => startJupyterServer(backends),
    takesEnv: false,
    takesKernelId: true,
    seed: 7,
  },
};

for (const [name, { start, ...traits }] of Object.entries(servers)) {
  let calls = 0;
  testConformance(`${name} with faults, seed ${traits.seed}`, {
    start: () => asConformanceServer(start()),
    ...traits,
    faults: {
      delayMs: 10,
      dropsAfterFrames: { fewest: 12, most: 60 },
      // Every fifth call, never a start: that one is not repeated.
      answer: ({ method }) => {
        if (method !== 'GET') return undefined;
        calls += 1;
        return calls % 5 === 0 ? { status: 502, body: '<html>502 Bad Gateway</html>' } : undefined;
      },
    },
  });
}
