import { inject } from 'vitest';
import { startKernelGateway } from '../../demo/gateway.ts';
import { asConformanceServer, testConformance } from '../support/conformance.ts';

testConformance('Kernel Gateway 3', {
  start: () => asConformanceServer(startKernelGateway({ provisioned: inject('provisioned') })),
  takesEnv: true,
  takesKernelId: true,
});
