import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import type { SlackMessage } from '../../../playground/messages.ts';
import type { Playground } from '../../../playground/playground.ts';
import { renderThreadAsText } from '../../../playground/render-text.ts';
import { type Answered, askMessage, askSlash, finalAnswer, untilShown } from '../../support/ask.ts';
import { provisioned } from '../../support/backends/provisioned.ts';
import { useBotOnGateway } from '../../support/bot-on-gateway.ts';
import type { StartedBot } from '../../support/start-bot.ts';

/** Real Spark in a real kernel: progress of jobs and its link, what a stop ends, DataFrames and SQL as tables. */
const hasSpark = 'python3-spark' in (await provisioned()).kernelspecs;
let playground: Playground;
let bot: StartedBot;
let ui = '';

/** A context with Spark's UI and its console bar; the demo's has neither. */
const CONTEXT = `spark.stop()
from pyspark.sql import SparkSession
spark = (SparkSession.builder.config("spark.ui.enabled", "true").config("spark.ui.port", "0")
  .config("spark.ui.showConsoleProgress", "true").getOrCreate())
sc = spark.sparkContext
import time
def slow(x):
    time.sleep(0.3)
    return x
print("UI", "http://127.0.0.1:" + sc.uiWebUrl.rsplit(":", 1)[1])`;

const environment = { DEFAULT_LANGUAGE: 'python3-spark' };
if (hasSpark) useBotOnGateway({ provisioned, environment }, (started) => ({ playground, bot } = started));

beforeAll(async () => {
  if (!hasSpark) return;
  const { text } = await askSlash(playground, 'ana', '#data', `/spark ${CONTEXT}`);
  ui = /UI (http:\S+)/.exec(text)?.[1] ?? '';
  await bot.stop();
  await bot.restart({ SPARK_UI_URL: `${ui}/jobs/job/?id={jobId}`, SHOW_DATAFRAMES: '5' });
});

/** The texts that this message has had, one for each edit. */
const edits = (ts: string): string[] =>
  playground
    .callsOf('chat.update')
    .filter(({ args }) => args['ts'] === ts)
    .map(({ args }) => JSON.stringify(args['blocks'] ?? ''));

async function begin(code: string): Promise<SlackMessage> {
  const before = new Set(playground.messages('#data').map(({ ts }) => ts));
  await playground.as('ana').slash('#data', `/spark ${code}`);
  const root = await playground.waitForMessage(
    '#data',
    (message) => !before.has(message.ts) && message.metadata?.event_type === 'sparkthread_root',
  );
  return await untilShown(playground, '#data', root.ts, 'Spark ·');
}

test.skipIf(!hasSpark)(
  'a long job is shown with rising counts, a link that opens, and a sum at the end',
  async () => {
    // The job waits at two places until the test has seen how far it is.
    const code = `def gated(x):
    import os
    while x >= 20 and not os.path.exists(${JSON.stringify(bot.folder)} + "/gate-%d" % (x // 20)): time.sleep(0.05)
    return slow(x)
sc.parallelize(range(60), 60).map(gated).count()`;
    const asked = askSlash(playground, 'ana', '#data', `/spark ${code}`);
    const counts = (): number[] =>
      playground.callsOf('chat.update').flatMap(({ args }) => {
        const shown = /Spark · job 1 of 1 · [▓░]{10} (\d+)\/60 tasks/.exec(JSON.stringify(args['blocks']));
        return shown === null ? [] : Number(shown[1]);
      });
    await playground.waitFor(() => counts().length > 0);
    await writeFile(join(bot.folder, 'gate-1'), '');
    await playground.waitFor(() => counts().some((count) => count > (counts()[0] ?? 0)));
    await writeFile(join(bot.folder, 'gate-2'), '');
    const { message, text, outcome } = await asked;
    expect(outcome).toBe('ok');
    expect(text).toMatch(/│ 60\n/);
    expect(counts().toSorted((a, b) => a - b)).toEqual(counts());
    const final = JSON.stringify(message.blocks);
    expect(final).toContain('Spark: 1 job, 60 tasks');
    const link = /<(http:[^|]+)\|Spark UI>/.exec(final)?.[1] ?? '';
    expect((await fetch(link)).status).toBe(200);
    // Spark also drew its own bar, which does not appear anywhere.
    expect(edits(message.ts).join('')).not.toContain('[Stage');
    expect(
      await bot.untilLog(({ event, sparkTasks }) => event === 'run.ended' && sparkTasks === 60),
    ).toMatchObject({
      sparkJobs: 1,
      sparkFailedTasks: 0,
    });
  },
);

test.skipIf(!hasSpark)('the observer leaves no name, no output and no execution count behind', async () => {
  const first = await askSlash(
    playground,
    'ana',
    '#data',
    '/spark names = set(dir()); sc.parallelize(range(4), 4).count()',
  );
  const { text } = await askSlash(
    playground,
    'ana',
    '#data',
    '/spark [name for name in dir() if not name.startswith("_") and name not in names]',
  );
  expect(text).toContain("['names']");
  const number = (said: string): number => Number(/In \[(\d+)\]/.exec(said)?.[1]);
  expect(number(text) - number(first.text)).toBe(1);
});

test.skipIf(!hasSpark)(
  'a stop ends its run’s jobs, and the stream of an earlier snippet goes on',
  async () => {
    await askSlash(
      playground,
      'ana',
      '#data',
      `/spark q = (spark.readStream.format("rate").load().writeStream.format("noop")
  .trigger(processingTime="500 milliseconds").start())
while q.lastProgress is None: time.sleep(0.1)`,
    );
    const live = await begin(`import threading
own = threading.Thread(target=lambda: sc.parallelize(range(900), 900).map(slow).count())
own.start()
sc.parallelize(range(900), 900).map(slow).count()`);
    await playground.as('ana').press(live, 'run:stop');
    const { outcome } = await finalAnswer(playground, '#data', live.thread_ts ?? '');
    expect(outcome).toBe('interrupted');
    const { text } = await askSlash(
      playground,
      'ana',
      '#data',
      `/spark own.join(30)
batch = q.lastProgress["batchId"]
while q.isActive and q.lastProgress["batchId"] < batch + 3: time.sleep(0.1)
print("stream", q.isActive, q.exception(), "own", own.is_alive(), len(sc.statusTracker().getJobIdsForGroup(None)) and
  [job for job in sc.statusTracker().getActiveJobsIds() if job in sc.statusTracker().getJobIdsForGroup(None)])`,
    );
    expect(text).toMatch(/stream True None own False (?:0|\[\])/);
  },
);

test.skipIf(!hasSpark)('a stop ends the jobs of a pool of threads for which the run waits', async () => {
  const live = await begin(`from concurrent.futures import ThreadPoolExecutor
with ThreadPoolExecutor(2) as pool:
  list(pool.map(lambda _: sc.parallelize(range(900), 900).map(slow).count(), range(9)))`);
  await playground.as('ana').press(live, 'run:stop');
  const { message, outcome } = await finalAnswer(playground, '#data', live.thread_ts ?? '');
  expect(outcome).toBe('interrupted');
  expect(JSON.stringify(message.blocks)).toContain('No output');
});

test.skipIf(!hasSpark)(
  'DataFrames are tables; all rows of one that is cut come as a file, from its own kernel',
  async () => {
    const { thread } = await askSlash(
      playground,
      'ana',
      '#data',
      `/spark display(spark.readStream.format("rate").load(), spark.range(3))
spark.range(300).withColumnRenamed("id", "n")`,
    );
    const hasButton = (reply: SlackMessage): boolean =>
      JSON.stringify(reply.blocks).includes('All rows as CSV');
    const cut = await playground.waitForReply('#data', thread, hasButton);
    const tables = playground
      .replies('#data', thread)
      .filter(({ metadata }) => metadata?.event_type === 'sparkthread_table');
    expect(tables).toHaveLength(3);
    const text = renderThreadAsText(playground, '#data', thread);
    expect(text).toMatch(/column.*type.*nullable[^]*timestamp.*timestamp.*true[^]*value.*bigint.*true/);
    expect(text).toContain('3 rows × 1 column');
    expect(text).toContain('first 5 rows × 1 column');
    const before = playground.files.length;
    const csv = () => playground.files.slice(before).find(({ file }) => file.name === 'table.csv');
    expect(csv()).toBeUndefined();
    await playground.as('ben').press(cut, 'run:allRows');
    const { bytes } = await playground.waitFor(csv);
    expect(Buffer.from(bytes).toString()).toBe(
      `n\n${Array.from({ length: 300 }, (_, n) => `${n}\n`).join('')}`,
    );
  },
);

/** The thread, once the table of its answer is in it too. */
const withTable = async ({ thread }: Answered): Promise<string> => {
  await playground.waitForReply(
    '#data',
    thread,
    ({ metadata }) => metadata?.event_type === 'sparkthread_table',
  );
  return renderThreadAsText(playground, '#data', thread);
};

const csv = (): string => {
  const file = playground.files.findLast(({ file: { name } }) => name === 'table.csv');
  return Buffer.from(file?.bytes ?? []).toString();
};

test.skipIf(!hasSpark)(
  'statements run in order, the last result is a table, and views of the channel’s own code are found',
  async () => {
    const created = await askSlash(
      playground,
      'ana',
      '#data',
      "/spark sql create temp view pairs as -- a; comment\nselect id, concat(id, ';$x') as `a;b` from range(3);",
    );
    expect(created.outcome).toBe('ok');
    expect(created.text).toMatch(/@ana ran SQL\n/);
    expect(created.text).toMatch(/│ Done\n[^]*Done · .* · python3-spark\n/);
    const typed = 'sql\nselect 1;\nselect `a;b`, array(id) ids, null n from pairs order by id desc';
    const text = await withTable(
      await askMessage(playground, 'ben', '#data', `<@${playground.bot.id}>\n\`\`\`\n${typed}\n\`\`\``),
    );
    expect(text).toMatch(/a;b.*ids.*n[^]*2;\$x.*\[2\].*NULL[^]*0;\$x.*\[0\].*NULL/);
    expect(text).toContain('3 rows × 3 columns');
    const seen = await askSlash(playground, 'ana', '#data', '/spark spark.table("pairs").count()');
    expect(seen.text).toMatch(/│ 3\n/);
  },
);

test.skipIf(!hasSpark)(
  'a long result is cut at SQL_ROWS, which the answer says, and a file has all these rows',
  async () => {
    const typed = '/spark sql select id, id * 2 as twice from range(5000)';
    const text = await withTable(await askSlash(playground, 'ana', '#data', typed));
    await playground.waitFor(() => csv().startsWith('id,twice') || undefined);
    expect(text).toMatch(/The first \d+ of the first 1,000 rows × 2 columns/);
    expect(csv().split('\n')).toHaveLength(1_002);
    expect(csv()).toMatch(/^id,twice\n0,0\n[^]*\n999,1998\n$/);
  },
);

test.skipIf(!hasSpark)(
  'a mistake that Spark finds is shown as its sentence, with the place in the typed SQL',
  async () => {
    const { text, outcome } = await askSlash(
      playground,
      'ana',
      '#data',
      '/spark sql select 1;\n\nselect id\n  from nowhere',
    );
    expect(outcome).toBe('raised');
    expect(text).toMatch(
      /AnalysisException: \[TABLE_OR_VIEW_NOT_FOUND\] The table or view `nowhere` cannot be found/,
    );
    expect(text).toMatch(/│ line 4: from nowhere\n.*│ {14}\^\n/);
    expect(text).not.toMatch(/sparkthread_tables|UnresolvedRelation/);
    const misspelt = await askSlash(playground, 'ana', '#data', '/spark sql selec 1');
    expect(misspelt.text).toMatch(/ParseException: .*'selec'[^]*│ line 1: selec 1\n.*│ {9}\^\n/);
  },
);

test.skipIf(!hasSpark)('after `use sql` code without a language is SQL until another is chosen', async () => {
  await playground.as('ana').slash('#data', '/spark use sql');
  await playground.waitForMessage('#data', ({ text }) => text.includes('to Spark SQL, on `python3-spark`'));
  const text = await withTable(await askSlash(playground, 'ana', '#data', '/spark select 6 * 7 as answer'));
  expect(text).toMatch(/@ana ran SQL\n[^]*answer[^]*42/);
  await playground.as('ana').slash('#data', '/spark use python3-spark');
  await playground.waitForMessage('#data', ({ text: told }) =>
    told.includes('of this channel to `python3-spark`'),
  );
  expect((await askSlash(playground, 'ana', '#data', '/spark 6 * 7')).text).toMatch(/│ 42\n/);
});

test.skipIf(!hasSpark)('SQL leaves no name in the kernel', async () => {
  const { text } = await askSlash(
    playground,
    'ana',
    '#data',
    '/spark [name for name in globals() if name in ("json", "re", "itertools", "split", "run_sql", "module")]',
  );
  expect(text).toMatch(/│ \[\]\n/);
});
