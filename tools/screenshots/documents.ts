import { askMessage, askSlash } from '../../test/support/ask.ts';
import type { Photo, Stage } from './stage.ts';
import { openOn, photographRegion, photographWindow } from './stage.ts';

/** The README's and the docs' pictures, by name. */
export const documentScenes: readonly { name: string; take(stage: Stage, folder: string): Promise<void> }[] =
  [
    { name: 'thread', take: photographThread },
    { name: 'error', take: photographError },
    { name: 'home', take: photographHome },
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
/** For a machine without Java. */
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

async function photographHome(stage: Stage, folder: string): Promise<void> {
  await askSlash(stage.playground, 'ana', '#general', '/spark python3 sum(range(10))');
  await using window = await openOn(stage, { height: 560, scale: 1.25 });
  await window.page.locator('#sidebar').getByText('Sparkthread').click();
  await window.page.getByText('Home', { exact: true }).click();
  await window.page.getByText('Your last runs').waitFor();
  await photographWindow(window, { name: 'home', folder });
}
