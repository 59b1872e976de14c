import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** What is waited for comes at once; a machine that is at work elsewhere may take longer, and that is no fault. */
const PATIENT = { timeout: 30_000, interval: 10 };

/** Projects by what they need: unit, property and contract stand alone; gateway and e2e use real gateways. */
const project = (name: string, include: string[], extra: object = {}) => ({
  test: { name, include, environment: 'node' as const, expect: { poll: PATIENT }, ...extra },
});

/** Files that leave nothing in modules or globals: a worker loads what they import once for all of them. */
const sharing = { isolate: false, restoreMocks: true };

/** A real gateway, and what installs it while the projects before these run. */
const gateway = { testTimeout: 120_000, hookTimeout: 300_000 };
const installed = { ...gateway, globalSetup: ['test/support/backends/provisioned.ts'] };

/** What takes minutes and holds real waits against real servers: after everything else, two files at once. */
const long = { maxWorkers: 2, sequence: { groupOrder: 1 }, hookTimeout: 300_000 };
const everyBackend = { ...long, testTimeout: 180_000, globalSetup: ['test/support/backends/all-setup.ts'] };

/**
 * What waits most and needs no gateway goes first, while that is installed; then the long files; then the short ones, which
 * keep both cores busy to the end.
 */
const ORDER = ['answers', 'contract', 'playground', 'property', 'gateway', 'e2e', 'unit'];

const placeOf = ({ project: { name } }: TestSpecification): number => ORDER.indexOf(name);

class InOrder extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    // oxlint-disable-next-line unicorn/no-array-sort -- the sequencer's own, which is no array's
    const sorted = await super.sort(files);
    return sorted.toSorted((a, b) => placeOf(a) - placeOf(b));
  }
}

export default defineConfig({
  test: {
    reporters: ['default'],
    sequence: { sequencer: InOrder },
    // Each file has its own ports, folders and gateways, and most of them wait for others: kernels, Slack's rates. Six at
    // once keep two cores busy.
    maxWorkers: 6,
    projects: [
      project('unit', ['test/unit/**/*.test.ts'], { ...sharing, testTimeout: 60_000 }),
      project('property', ['test/property/**/*.test.ts'], { ...sharing, testTimeout: 60_000 }),
      project('contract', ['test/contract/**/*.test.ts'], { ...sharing, testTimeout: 60_000 }),
      project('playground', ['test/playground/**/*.test.ts'], { ...sharing, testTimeout: 60_000 }),
      project('answers', ['test/e2e-answers/**/*.test.ts'], { ...sharing, testTimeout: 60_000 }),
      project('gateway', ['test/gateway/*.test.ts'], { ...sharing, ...gateway }),
      project('e2e', ['test/e2e/**/*.test.ts'], { ...sharing, ...installed }),
      project('all-faults', ['test/all-faults/**/*.test.ts'], everyBackend),
      project('all-gateways', ['test/gateway/conformance/*.test.ts'], everyBackend),
      project('all-backends', ['test/support/backends/*.test.ts'], everyBackend),
      project('all-browser', ['test/all-browser/**/*.test.ts'], { ...installed, ...long }),
      project('all-delivery', ['test/all-delivery/**/*.test.ts'], {
        ...long,
        testTimeout: 60_000,
        globalSetup: ['test/all-delivery/setup.ts'],
      }),
      project('nightly-storms', ['test/nightly-storms/**/*.test.ts'], {
        ...everyBackend,
        testTimeout: 300_000,
      }),
    ],
  },
});
