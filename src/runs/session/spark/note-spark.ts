import type { Output } from '../../../gateway/outputs.ts';
import type { OutputView } from '../../../output/output-view.ts';
import { type SparkLinkSettings, sparkLinks } from '../../../spark/links.ts';
import { readMoment } from '../../../spark/read-observer.ts';
import { sparkCounts, type SparkMoment, workAfter } from '../../../spark/spark-work.ts';
import type { LiveRun } from '../run/live-run.ts';

/** The bar begins half a second after its stage, and a job that is over within a second is not told. */
const BAR_MS = 500;

/** What Spark's console bar has shown → the record. */
export function noteConsoleBar(
  live: LiveRun,
  { console }: Pick<OutputView, 'console'>,
  settings: SparkLinkSettings,
): void {
  if (console === undefined) return;
  const { sinceMs, ...counts } = console;
  const isAtWork = sinceMs !== undefined;
  const isShort = isAtWork && Date.now() - sinceMs < BAR_MS;
  if (isShort || (!isAtWork && live.run.data.spark === undefined)) return;
  noteMoment(live, { source: 'console', counts: sparkCounts(counts), isAtWork, hasLasted: true }, settings);
}

/** What the observer in the kernel says → the record and the screen. */
export function noteObserver(
  live: LiveRun,
  said: Output & { kind: 'comm' },
  settings: SparkLinkSettings,
): void {
  const moment = readMoment(said);
  if (moment === undefined) return;
  noteMoment(live, moment, settings);
  live.refresh();
}

/** The API gives no answer any more: what else is heard is the better word from here on. */
export function noteSilence(live: LiveRun): void {
  const { spark } = live.run.data;
  if (spark?.source === 'status') live.setData({ spark: { ...spark, source: 'console' } });
}

/** How things stand → the record. */
export function noteMoment(live: LiveRun, moment: SparkMoment, settings: SparkLinkSettings): void {
  const { spark, block } = live.run.data;
  // The next write of the record takes it along: alone it is worth no write.
  live.setData({
    spark: workAfter(spark, block, moment, Date.now(), sparkLinks(settings, moment.app, moment.job)),
  });
}
