import { writeSync } from 'node:fs';
import type { Reporter, SerializedError, TestModule } from 'vitest/node';

/**
 * Ends a test run with one line, `N passed, N failed` and, if any, `, N skipped`.
 * A file or suite that could not be set up and an error outside every test count as one failure each.
 */
// oxlint-disable-next-line import/no-default-export -- vitest takes a reporter file by its default export
export default class ClosingLineReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly SerializedError[]): void {
    const count = { passed: 0, failed: unhandledErrors.length, skipped: 0 };
    for (const module of modules) {
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        // A test that is still pending here did not run to its end.
        count[state === 'pending' ? 'failed' : state] += 1;
      }
      for (const holder of [module, ...module.children.allSuites()]) {
        if (holder.errors().length > 0) count.failed += 1;
      }
    }
    const skipped = count.skipped > 0 ? `, ${count.skipped} skipped` : '';
    const line = `${count.passed} passed, ${count.failed} failed${skipped}\n`;
    // Other reporters print their summary first, so that this is the last line.
    process.once('exit', () => writeSync(1, line));
  }
}
