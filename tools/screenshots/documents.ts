import { askMessage, askSlash, finalAnswer } from '../../test/support/ask.ts';
import { type Photo, type Stage, openOn, photographRegion, photographWindow } from './stage.ts';

/** The README's and the docs' pictures, by name. */
export const documentScenes: readonly { name: string; take(stage: Stage, folder: string): Promise<void> }[] =
  [
    { name: 'thread', take: photographThread },
    { name: 'error', take: photographError },
    { name: 'progress', take: photographProgress },
    { name: 'saved', take: photographSaved },
    { name: 'notebook', take: photographNotebook },
    { name: 'editor', take: photographEditor },
    { name: 'home', take: photographHome },
    { name: 'phone', take: photographPhone },
  ];

const rushHours = [
  'trips = spark.range(2_000_000).selectExpr(',
  '    "pmod(int(8 + id % 2 * 10 + 2 * randn(3)), 24) hour")',
  'trips.count()',
].join('\n');
const rushHoursPlot = [
  'hours = trips.groupBy("hour").count().sort("hour")',
  'hours.toPandas().plot.bar("hour", "count", legend=False,',
  '                          rot=0, figsize=(7, 2.3));',
].join('\n');
/** Used on a machine without Java. */
const plainPlot = [
  'import pandas as pd',
  'pd.Series([1, 4, 9, 16, 25]).plot.bar(figsize=(7, 2.4), rot=0);',
].join('\n');

/** A Spark answer, and a plot of it in the same thread; by day and by night. */
async function photographThread(stage: Stage, folder: string): Promise<void> {
  const { playground } = stage;
  playground.addChannel('trips');
  playground.as('ben').post('#trips', 'Are the trips of last night loaded?');
  playground.as('ana').post('#trips', 'Since 4:10. Let me look.');
  const code = stage.hasSpark ? rushHours : 'sum(range(10))';
  const { thread } = await askSlash(playground, 'ana', '#trips', `/spark python2 ${code}`);
  const plot = stage.hasSpark ? rushHoursPlot : plainPlot;
  await askMessage(playground, 'ben', '#trips', `\`\`\`\n${plot}\n\`\`\``, { thread });
  await playground.waitForReply('#trips', thread, ({ files = [] }) => files.length > 0);
  for (const colorScheme of ['light', 'dark'] as const) {
    await using window = await openOn(stage, {
      at: 'trips',
      thread,
      colorScheme,
      width: 1360,
      height: 990,
      scale: 1.25,
    });
    await window.thread.locator('img').waitFor();
    await photographWindow(window, { name: colorScheme === 'light' ? 'thread' : 'thread-dark', folder });
  }
}

async function photographError(stage: Stage, folder: string): Promise<void> {
  const code =
    'fares = {"centre": 2.5, "airport": 9}\n\ndef fare(zone):\n    return fares[zone] * 2\n\nfare("harbour")';
  const { thread } = await askSlash(stage.playground, 'ana', '#general', `/spark python3 ${code}`);
  await photographThreadPane(stage, { at: 'general', thread }, { name: 'error', folder });
}

async function photographThreadPane(
  stage: Stage,
  place: { at: string; thread: string },
  photo: Photo,
): Promise<void> {
  await using window = await openOn(stage, { ...place, height: 1400, scale: 1.25 });
  await window.thread.locator('.message').nth(1).waitFor();
  await photographRegion(window, window.thread, photo);
}

/** A run whose Spark jobs are at work: how far they are, in its answer. */
async function photographProgress(stage: Stage, folder: string): Promise<void> {
  if (!stage.hasSpark) return;
  const { playground } = stage;
  playground.addChannel('nightly');
  const code = [
    'import time',
    'def slow(row):',
    '    time.sleep(0.01)',
    '    return row',
    'sc.parallelize(range(3000), 60).map(slow).count()',
  ].join('\n');
  await playground.as('ana').slash('#nightly', `/spark pyspark ${code}`);
  const live = await playground.waitForMessage(
    '#nightly',
    ({ text }) => Number(/ (\d+)\/60 tasks/.exec(text)?.[1] ?? 0) >= 20,
    { timeoutMs: 60_000 },
  );
  const thread = live.thread_ts ?? live.ts;
  await photographThreadPane(stage, { at: 'nightly', thread }, { name: 'progress', folder });
  await playground.as('ana').press(live, 'run:stop');
  await finalAnswer(playground, '#nightly', thread);
}

/** Code that is saved, run with another value, and scheduled. */
async function photographSaved(stage: Stage, folder: string): Promise<void> {
  const { playground } = stage;
  playground.addChannel('reports');
  const ana = playground.as('ana');
  await askSlash(playground, 'ana', '#reports', '/spark python3 days = 7\nf"orders of the last {days} days"');
  await ana.slash('#reports', '/spark save orders');
  await ana.slash('#reports', '/spark schedule orders weekdays 8:00 days=1, only on failure');
  await using window = await openOn(stage, { at: 'reports', height: 620, scale: 1.25 });
  await window.say('/spark run orders days=30');
  await window.channel.getByText('Done').nth(1).waitFor();
  await window.say('/spark saved');
  await window.whispers.getByText('Saved in this channel').waitFor();
  await window.say('/spark schedules');
  await window.whispers.getByText('Schedules of this channel').waitFor();
  await photographWindow(window, { name: 'saved', folder });
}

async function photographNotebook(stage: Stage, folder: string): Promise<void> {
  const { playground } = stage;
  playground.addChannel('notebooks');
  const notebook = {
    nbformat: 4,
    nbformat_minor: 4,
    metadata: { kernelspec: { name: 'python3', display_name: 'Python 3', language: 'python' } },
    cells: [cell('prices = [3, 5, 8]'), cell('print("sum", sum(prices))'), cell('max(prices)')],
  };
  const file = { name: 'prices.ipynb', content: JSON.stringify(notebook) };
  const posted = playground.as('ana').upload('#notebooks', file, '@sparkthread');
  await finalAnswer(playground, '#notebooks', posted.ts);
  await playground.waitForReply('#notebooks', posted.ts, ({ files = [] }) => files.length > 0);
  await photographThreadPane(stage, { at: 'notebooks', thread: posted.ts }, { name: 'notebook', folder });
}

function cell(source: string): object {
  return { cell_type: 'code', execution_count: null, metadata: {}, outputs: [], source };
}

async function photographEditor(stage: Stage, folder: string): Promise<void> {
  await using window = await openOn(stage, { at: 'general', height: 700, scale: 1.25 });
  await window.say('/spark');
  await window.modal
    .getByLabel(/^Code\b/)
    .first()
    .fill('df = spark.read.parquet("/data/orders")\ndf.groupBy("city").count().show()');
  await photographWindow(window, { name: 'editor', folder });
  await window.modal.getByRole('button', { name: 'Cancel' }).click();
}

/** The same thread as in the first picture, on a phone. */
async function photographPhone(stage: Stage, folder: string): Promise<void> {
  const { playground } = stage;
  const { thread } = await askSlash(playground, 'ben', '#general', '/spark python3 sum(range(10))');
  await using window = await openOn(stage, { at: 'general', thread, width: 390, height: 700, scale: 2 });
  await window.thread.locator('.message').nth(1).waitFor();
  await photographWindow(window, { name: 'phone', folder });
}

async function photographHome(stage: Stage, folder: string): Promise<void> {
  await askSlash(stage.playground, 'ana', '#general', '/spark python3 sum(range(10))');
  await using window = await openOn(stage, { height: 700, scale: 1.25 });
  await window.page.locator('#sidebar').getByText('Sparkthread').click();
  await window.page.getByText('Home', { exact: true }).click();
  await window.page.getByText('Your last runs').waitFor();
  await photographWindow(window, { name: 'home', folder });
}
