import { inject } from 'vitest';
import { startEnterpriseGateway } from '../../support/backends/enterprise-gateway.ts';
import { asConformanceServer, testConformance } from '../../support/conformance.ts';
import { testFaultyConformance } from '../../support/faulty-conformance.ts';

const server = {
  start: () => asConformanceServer(startEnterpriseGateway(inject('backends'))),
  takesEnv: true,
  takesKernelId: true,
};

testConformance('Enterprise Gateway', server);
testFaultyConformance('Enterprise Gateway', { ...server, seed: 5 });
