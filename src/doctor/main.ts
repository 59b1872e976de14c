import { loadEnvFile, refuseArguments } from '../config/config.ts';
import { ConfigError } from '../errors.ts';
import { startReport } from './report.ts';
import { runChecks, reportProblems } from './run-checks.ts';

/** Ended by Ctrl-C: what shells expect. */
const EXIT_INTERRUPTED = 130;
/** What `main.ts` ends with when a setting is wrong. */
const EXIT_CONFIG = 78;

const stopping = new AbortController();
const report = startReport((text) => process.stdout.write(text), process.stdout.isTTY);
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'])
  process.on(signal, () => {
    // npm and the terminal may both pass on one Ctrl-C.
    if (stopping.signal.aborted) return;
    report.note('Stopping; what was started is removed first.');
    stopping.abort();
  });
// `doctor | head`: nobody reads on.
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
