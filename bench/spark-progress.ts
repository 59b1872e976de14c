import { startKernelGateway } from '../demo/gateway.ts';
import { showProgress } from '../demo/provision/progress.ts';
import { provision } from '../demo/provision/provision.ts';
import { startPlayground } from '../playground/playground.ts';
import { askSlash } from '../test/support/ask.ts';
import { startBot } from '../test/support/start-bot.ts';

/**
 * How a job of 200 tasks that lasts half a minute is told: the whole bot, a real gateway and Spark, Slack's rates. Prints when
 * the first progress stood in the answer, how often the count rose there, and what the link to Spark's UI answered.
 *
 *   node bench/spark-progress.ts
 */

/** A context with Spark's UI, which the demo's own does not have. */
const CONTEXT = `spark.stop()
import time
from pyspark.sql import SparkSession
spark = (SparkSession.builder.config("spark.ui.enabled", "true").config("spark.ui.port", "0").getOrCreate())
sc = spark.sparkContext
def slow(x):
    time.sleep(0.3)
    return x
print("UI", "http://127.0.0.1:" + sc.uiWebUrl.rsplit(":", 1)[1])`;
/** Two cores: 200 tasks of 0.3 s. */
const JOB = 'begun = time.time(); print(sc.parallelize(range(200), 200).map(slow).count(), "begun", begun)';

const provisioned = await provision(process.env, showProgress(process.stderr));
if (!('python3-spark' in provisioned.kernelspecs))
  throw new Error('progress is measured on Spark, which needs Java');
await using gateway = await startKernelGateway({ provisioned });
await using playground = await startPlayground();
await using bot = await startBot({
  playground,
  gateway: { httpUrl: gateway.url, token: gateway.token },
  environment: { DEFAULT_LANGUAGE: 'python3-spark' },
});
const context = await askSlash(playground, 'ana', '#data', `/spark ${CONTEXT}`);
const ui = /UI (http:\S+)/.exec(context.text)?.[1] ?? '';
await bot.stop();
await bot.restart({ SPARK_UI_URL: `${ui}/jobs/job/?id={jobId}` });
await askSlash(playground, 'ana', '#data', '/spark 1');

const sinceMs = Date.now();
const { message, text, outcome } = await askSlash(playground, 'ana', '#data', `/spark ${JOB}`);
const tookMs = Date.now() - sinceMs;
const counts = playground
  .callsOf('chat.update')
  .filter(({ args }) => args['ts'] === message.ts)
  .flatMap(({ args, endedAtMs: at = Number.NaN }) => {
    const [, done] =
      /Spark · job 1 of 1 · [▓░]{10} (\d+)\/200 tasks/.exec(JSON.stringify(args['blocks'])) ?? [];
    return done === undefined ? [] : [{ done: Number(done), at: performance.timeOrigin + at }];
  });
const rising = counts.filter(({ done }, index) => done > (counts[index - 1]?.done ?? -1));
const begunMs = Number(/begun ([\d.]+)/.exec(text)?.[1]) * 1_000;
const link = /<(http:[^|]+)\|Spark UI>/.exec(JSON.stringify(message.blocks))?.[1] ?? '';
console.log(
  `${outcome} after ${(tookMs / 1_000).toFixed(1)} s; first progress ${(((rising[0]?.at ?? Number.NaN) - begunMs) / 1_000).toFixed(1)} s after the job began; ` +
    `${rising.length} rising counts (${rising.map(({ done }) => done).join(' ')}); the link answers ${(await fetch(link)).status}`,
);
