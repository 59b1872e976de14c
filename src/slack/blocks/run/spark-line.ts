import type { RunView } from '../../../runs/run-view.ts';
import { allCounts, type SparkCounts, type SparkWork } from '../../../spark/spark-work.ts';
import { countOf, joinWords, shownNumber } from '../../../text.ts';
import { escapeMrkdwn } from '../elements.ts';
import { wasStopped } from './run-text.ts';

const BAR_CELLS = 10;
/** How long tasks wait without executors before the line says so. */
const WAITING_MS = 30_000;
const AWAY =
  'Spark · the Spark Connect server gives no answer; its client tries again, for minutes if need be';

/** `Spark · job 2 of 3 · ▓▓▓▓▓▓░░░░ 612/1,000 tasks · 2 failed attempts` while jobs run; else ''. */
export function sparkProgress({ spark, phase }: Pick<RunView, 'spark' | 'phase'>, nowMs: number): string {
  if (spark?.isServerOut === true && phase.kind !== 'ended') return AWAY;
  if (spark?.hasLasted !== true || !spark.isAtWork || phase.kind === 'ended') return '';
  const { jobs, endedJobs, tasks, doneTasks, failedTasks } = allCounts(spark);
  return joinWords(' · ', [
    'Spark',
    jobs === 0 ? '' : `job ${shownNumber(Math.min(endedJobs + 1, jobs))} of ${shownNumber(jobs)}`,
    tasks === 0 ? '' : `${bar(doneTasks / tasks)} ${shownNumber(doneTasks)}/${shownNumber(tasks)} tasks`,
    attempts(failedTasks),
    isStarved(spark, nowMs) ? 'waiting for executors' : '',
  ]);
}

/** `Spark: 3 jobs, 1,000 tasks` for an ended run; '' if it had none that took long. */
export function sparkSum({ spark, phase }: Pick<RunView, 'spark' | 'phase'>): string {
  if (spark?.hasLasted !== true || phase.kind !== 'ended') return '';
  const { jobs, failedJobs, stages, tasks, doneTasks, failedTasks } = allCounts(spark);
  // What the console bar showed was others' work.
  if (jobs + stages === 0) return '';
  const isWhole = phase.outcome.kind === 'ok' || doneTasks >= tasks;
  const words = [
    jobs > 0 ? countOf(jobs, 'job') : stages > 0 ? countOf(stages, 'stage') : '',
    isWhole ? countOf(tasks, 'task') : `${shownNumber(doneTasks)} of ${countOf(tasks, 'task')}`,
    // Spark counts a stopped job as failed.
    failedJobs === 0 || wasStopped(phase.outcome) ? '' : countOf(failedJobs, 'failed job'),
    attempts(failedTasks),
  ];
  return `Spark: ${joinWords(', ', words)}`;
}

/** Spark's UI, or the application's id if there is no link that can be opened. */
export function sparkPlace({ spark, phase }: Pick<RunView, 'spark' | 'phase'>): {
  url?: string;
  text: string;
} {
  const { app = '', links = {} } = spark ?? {};
  const isGone = phase.kind === 'ended' && phase.outcome.variablesLost;
  const url = isGone ? links.historyLink : links.link;
  if (url !== undefined) return { url, text: 'Spark UI' };
  return { text: links.hidesApp === true ? '' : app };
}

/** The sum and the link as mrkdwn. */
export function sparkSumMrkdwn(view: Pick<RunView, 'spark' | 'phase'>): string {
  const sum = sparkSum(view);
  if (sum === '') return '';
  const { url, text } = sparkPlace(view);
  const place =
    url === undefined ? escapeMrkdwn(text) : `<${escapeMrkdwn(url).replaceAll('|', '%7C')}|${text}>`;
  return place === '' ? sum : `${sum} · ${place}`;
}

function isStarved({ waitingSince }: SparkWork, nowMs: number): boolean {
  return waitingSince !== undefined && nowMs - waitingSince >= WAITING_MS;
}

/** Spark repeats failed tasks, so these do not mean that the run fails. */
function attempts(failed: SparkCounts['failedTasks']): string {
  return failed === 0 ? '' : countOf(failed, 'failed attempt');
}

function bar(part: number): string {
  const full = Math.floor(Math.min(1, part) * BAR_CELLS);
  return '▓'.repeat(full) + '░'.repeat(BAR_CELLS - full);
}
