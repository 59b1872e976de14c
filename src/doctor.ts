import { loadEnvFile } from './config.ts';
import { examine } from './doctor/examine.ts';
import { startReport } from './doctor/report.ts';

/** Ended by Ctrl-C: what shells expect. */
const EXIT_INTERRUPTED = 130;

const stopping = new AbortController();
const report = startReport((text) => process.stdout.write(text), process.stdout.isTTY);
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => {
    report.note('Stopping; what was started is removed first.');
    stopping.abort();
  });

loadEnvFile();
const code = await examine({ env: process.env, report, signal: stopping.signal });
process.exit(stopping.signal.aborted ? EXIT_INTERRUPTED : code);
