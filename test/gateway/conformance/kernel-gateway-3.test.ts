import { inject } from 'vitest';
import { startKernelGateway } from '../../../demo/gateway.ts';
import { asConformanceServer } from '../../support/conformance.ts';
import { testFaultyConformance } from '../../support/faulty-conformance.ts';

testFaultyConformance('Kernel Gateway 3', {
  start: () => asConformanceServer(startKernelGateway({ provisioned: inject('backends') })),
  takesEnv: true,
  takesKernelId: true,
  seed: 3,
});
