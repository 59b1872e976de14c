import { startKernelGateway } from '../../demo/gateway.ts';
import { provisioned } from '../support/backends/provisioned.ts';
import { asConformanceServer, testConformance } from '../support/conformance.ts';

testConformance('Kernel Gateway 3', {
  start: async () => await asConformanceServer(startKernelGateway({ provisioned: await provisioned() })),
  takesEnv: true,
  takesKernelId: true,
});
