import { defineConfig } from 'vitest/config';

/** Projects by what they need: unit, property and contract stand alone; gateway and e2e use real gateways. */
const project = (name: string, include: string[], extra: object = {}) => ({
  test: { name, include, environment: 'node' as const, ...extra },
});

/** What takes minutes and holds real waits against real servers: one file at a time, after everything else. */
const alone = { fileParallelism: false };

export default defineConfig({
  test: {
    reporters: ['default'],
    // Each file has its own ports, folders and gateways, and most of them wait for others: kernels, Slack's rates.
    maxWorkers: 3,
    projects: [
      project('unit', ['test/unit/**/*.test.ts'], { testTimeout: 15_000 }),
      project('property', ['test/property/**/*.test.ts'], { testTimeout: 60_000 }),
      project('contract', ['test/contract/**/*.test.ts'], { testTimeout: 60_000 }),
      project('playground', ['test/playground/**/*.test.ts'], { testTimeout: 60_000 }),
      project('answers', ['test/e2e-answers/**/*.test.ts'], { testTimeout: 60_000 }),
      project('all-faults', ['test/all-faults/**/*.test.ts'], {
        ...alone,
        testTimeout: 180_000,
        hookTimeout: 300_000,
        globalSetup: ['test/support/backends/all-setup.ts'],
      }),
      project('gateway', ['test/gateway/*.test.ts'], {
        testTimeout: 120_000,
        hookTimeout: 300_000,
        globalSetup: ['test/support/backends/global-setup.ts'],
      }),
      project('all-gateways', ['test/gateway/conformance/*.test.ts'], {
        ...alone,
        testTimeout: 180_000,
        hookTimeout: 300_000,
        globalSetup: ['test/support/backends/all-setup.ts'],
      }),
      project('all-backends', ['test/support/backends/*.test.ts'], {
        ...alone,
        testTimeout: 180_000,
        hookTimeout: 300_000,
        globalSetup: ['test/support/backends/all-setup.ts'],
      }),
      project('all-browser', ['test/all-browser/**/*.test.ts'], {
        ...alone,
        testTimeout: 120_000,
        hookTimeout: 300_000,
        globalSetup: ['test/support/backends/global-setup.ts'],
      }),
      project('all-delivery', ['test/all-delivery/**/*.test.ts'], {
        ...alone,
        testTimeout: 60_000,
        hookTimeout: 300_000,
        globalSetup: ['test/all-delivery/setup.ts'],
      }),
      project('e2e', ['test/e2e/**/*.test.ts'], {
        testTimeout: 120_000,
        hookTimeout: 300_000,
        globalSetup: ['test/support/backends/global-setup.ts'],
      }),
    ],
  },
});
