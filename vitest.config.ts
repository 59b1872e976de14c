import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/**
 * What is waited for comes at once; a machine that is at work elsewhere may take longer, and that is no fault. A wait ends
 * before its test does, so that it can say what did not come.
 */
const PATIENT = { timeout: 100_000, interval: 10 };
const LIMITS = { testTimeout: 180_000, hookTimeout: 300_000, expect: { poll: PATIENT } };

/** Projects by what they need: unit, property and contract stand alone; gateway and e2e use real gateways. */
const project = (name: string, include: string[], extra: object = {}) => ({
  test: { name, include, environment: 'node' as const, ...LIMITS, ...extra },
});

/** Files that leave nothing in modules or globals: a worker loads what they import once for all of them. */
const sharing = { isolate: false, restoreMocks: true };

/** Generated cases are drawn from a seed. */
const seeded = { setupFiles: ['test/support/seed.ts'] };

/** For tests that start the bot as a process of its own. */
const withBots = { setupFiles: ['test/support/end-bots.ts'] };

/** Installs a real gateway while the projects before these run. */
const installed = { globalSetup: ['test/support/backends/provisioned.ts'] };

/** What takes minutes and holds real waits against real servers: after everything else, two files at once. */
const long = { maxWorkers: 2, sequence: { groupOrder: 1 } };
const everyBackend = { ...long, globalSetup: ['test/support/backends/all-setup.ts'] };

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
      project('unit', ['test/unit/**/*.test.ts'], { ...sharing, ...seeded }),
      project('property', ['test/property/**/*.test.ts'], { ...sharing, ...seeded }),
      project('contract', ['test/contract/**/*.test.ts'], { ...sharing, ...seeded }),
      project('playground', ['test/playground/**/*.test.ts'], sharing),
      project('answers', ['test/e2e-answers/**/*.test.ts'], { ...sharing, ...withBots }),
      project('gateway', ['test/gateway/*.test.ts'], sharing),
      project('e2e', ['test/e2e/**/*.test.ts'], { ...sharing, ...installed, ...withBots }),
      project('all-faults', ['test/all-faults/**/*.test.ts'], { ...everyBackend, ...withBots }),
      project('all-gateways', ['test/gateway/conformance/*.test.ts'], everyBackend),
      project('all-backends', ['test/support/backends/*.test.ts'], everyBackend),
      project('all-browser', ['test/all-browser/**/*.test.ts'], { ...installed, ...long }),
      project('all-delivery', ['test/all-delivery/**/*.test.ts'], {
        ...long,
        globalSetup: ['test/all-delivery/setup.ts'],
      }),
      project('nightly-chance', ['test/property/**/*.test.ts', 'test/contract/store-*.test.ts'], {
        ...sharing,
        ...seeded,
        env: { SEED: String(Date.now() % 2 ** 31), WORLDS: '100' },
      }),
      project('nightly-storms', ['test/nightly-storms/**/*.test.ts'], {
        ...everyBackend,
        ...withBots,
        testTimeout: 300_000,
      }),
    ],
  },
});
