import { startReport } from '../../../src/doctor/report.ts';
import { runChecks } from '../../../src/doctor/run-checks.ts';

export interface Examined {
  code: number;
  /** What an operator reads, one entry for each line. */
  lines: string[];
  /** The failures, as `what: text → remedy`. */
  failures: string[];
}

/** The doctor's checks on this environment, as `npm run doctor` runs them without a terminal. */
export async function runDoctor(
  env: Readonly<Record<string, string>>,
  signal = new AbortController().signal,
): Promise<Examined> {
  let written = '';
  const report = startReport((text) => (written += text), false);
  const code = await runChecks({ env, report, signal });
  const lines = written.trimEnd().split('\n');
  const failures = lines.flatMap((line, index) =>
    line.startsWith('failed') ? [`${line.slice(8)} ${lines[index + 1]?.trim()}`.replaceAll(/ +/g, ' ')] : [],
  );
  return { code, lines, failures };
}
