import { inject } from 'vitest';
import { startKernelGateway2 } from '../../support/backends/kernel-gateway-2.ts';
import { asConformanceServer, testConformance } from '../../support/conformance.ts';
import { testFaultyConformance } from '../../support/faulty-conformance.ts';

const server = {
  start: () => asConformanceServer(startKernelGateway2(inject('backends'))),
  takesEnv: true,
  takesKernelId: false,
};

testConformance('Kernel Gateway 2', server);
testFaultyConformance('Kernel Gateway 2', { ...server, seed: 2 });
