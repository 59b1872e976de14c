import { loadEnvFile, refuseArguments } from '../config/config.ts';
import { ConfigError } from '../errors.ts';
import { startReport } from './report.ts';
import { runChecks, reportProblems } from './run-checks.ts';

/** The exit code that shells expect after Ctrl-C. */
const EXIT_INTERRUPTED = 130;
/** As in src/main.ts: a setting is wrong. */
const EXIT_CONFIG = 78;

const stopping = new AbortController();
const report = startReport((text) => process.stdout.write(text), process.stdout.isTTY);
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'])
  process.on(signal, () => {
    // One Ctrl-C may arrive twice, from npm and from the terminal.
    if (stopping.signal.aborted) return;
    report.note('Stopping; what was started is removed first.');
    stopping.abort();
  });
// In `doctor | head` nobody reads the rest.
process.stdout.on('error', () => stopping.abort());

try {
  refuseArguments();
  loadEnvFile();
} catch (error) {
  if (!(error instanceof ConfigError)) throw error;
  reportProblems(error, report);
  process.exit(EXIT_CONFIG);
}
const code = await runChecks({ env: process.env, report, signal: stopping.signal });
process.exit(stopping.signal.aborted ? EXIT_INTERRUPTED : code);
