import { inject } from 'vitest';
import { startJupyterServer } from '../../support/backends/jupyter-server.ts';
import { asConformanceServer, testConformance } from '../../support/conformance.ts';
import { testFaultyConformance } from '../../support/faulty-conformance.ts';

const server = {
  start: () => asConformanceServer(startJupyterServer(inject('backends'))),
  takesEnv: false,
  takesKernelId: true,
};

testConformance('Jupyter Server', server);
testFaultyConformance('Jupyter Server', { ...server, seed: 7 });
