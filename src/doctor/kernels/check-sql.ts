import { randomUUID } from 'node:crypto';
import type { Config } from '../../config/config.ts';
import type { KernelConnection, Kernelspecs } from '../../gateway/gateway.ts';
import { sqlLanguage } from '../../runs/languages/languages.ts';
import type { Report } from '../report.ts';

/** What tells Spark's version in a kernel of each language that takes SQL, without starting a session. */
const LOOKS: Readonly<Record<string, string>> = {
  python:
    'try:\n    import pyspark\n    print("spark " + pyspark.__version__)\nexcept ImportError:\n    pass',
  scala: 'println("spark " + org.apache.spark.SPARK_VERSION)',
  r: 'for (name in c("SparkR", "sparklyr")) if (requireNamespace(name, quietly = TRUE)) cat("spark", as.character(packageVersion(name)), "\\n")',
};

/** Far more than the version. */
const SAID_CHARS = 10_000;

/** The version of Spark in a kernel, or of R's package for it; undefined where there is none, or none that shows before `signal`. */
export async function findSpark(
  connection: KernelConnection,
  language: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  const code = LOOKS[language.toLowerCase().replace(/[\d.]+$/, '')];
  if (code === undefined) return undefined;
  const execution = connection.execute({ msgId: randomUUID(), code, allowStdin: false, signal });
  let said = '';
  for await (const output of execution) {
    if (output.kind === 'stopIgnored') return undefined;
    if (output.kind === 'stream' && said.length < SAID_CHARS) said += output.text.slice(0, SAID_CHARS);
  }
  await execution.end;
  return /^spark (\d[\w.-]{0,40})\s*$/m.exec(said)?.[1];
}

/** Where SQL runs in a channel that has chosen nothing. `found`: kernelspec → the Spark in it. */
export function noteSql(
  kernelspecs: Kernelspecs,
  { languages, defaultLanguage }: Config['runs'],
  found: ReadonlyMap<string, string>,
  report: Report,
): void {
  const sql = sqlLanguage({ kernelspecs, aliases: languages, defaultLanguage });
  if (sql === undefined) return;
  const spark = [...found].map(([name, version]) => `${name} (${version})`).join(', ');
  const isThere = found.has(sql.kernelspec);
  const advice = isThere ? '' : ' Choose another with use in a channel, or name one in DEFAULT_LANGUAGE.';
  report.note(
    found.size === 0
      ? 'SQL runs nowhere: no kernel here has Spark.'
      : `SQL runs on ${sql.kernelspec} in a channel that has chosen nothing${isThere ? '' : ', where no Spark was found'}. Spark is in: ${spark}.${advice}`,
  );
}
