import { describe, expect, test } from 'vitest';
import { syntheticOutcome } from '../../../../src/runs/outcome.ts';
import type { RunPhase } from '../../../../src/runs/run-view.ts';
import {
  sparkPlace,
  sparkProgress,
  sparkSum,
  sparkSumMrkdwn,
} from '../../../../src/slack/blocks/run/spark-line.ts';
import { type SparkCounts, sparkCounts, type SparkWork } from '../../../../src/spark/spark-work.ts';

const running: RunPhase = { kind: 'running', sinceMs: 0, stopping: false, stopIgnored: false };
const ended = (kind: 'ok' | 'interrupted' | 'raised' = 'ok'): RunPhase => ({
  kind: 'ended',
  outcome: syntheticOutcome(kind, 'python3-spark'),
});
const work = (counts: Partial<SparkCounts>, more: Partial<SparkWork> = {}): SparkWork => ({
  counts: sparkCounts(counts),
  source: 'console',
  block: 0,
  isAtWork: true,
  hasLasted: true,
  ...more,
});
const whole = { jobs: 3, endedJobs: 1, tasks: 1_000, doneTasks: 612, activeTasks: 4, failedTasks: 2 };

describe('while jobs are at work', () => {
  const line = (spark: SparkWork, nowMs = 0) => sparkProgress({ spark, phase: running }, nowMs);

  test('everything that is known, in one line', () => {
    expect(line(work(whole))).toBe('Spark · job 2 of 3 · ▓▓▓▓▓▓░░░░ 612/1,000 tasks · 2 failed attempts');
  });
  test('jobs that cannot be told apart are not counted', () => {
    expect(line(work({ stages: 1, tasks: 8, doneTasks: 8 }))).toBe('Spark · ▓▓▓▓▓▓▓▓▓▓ 8/8 tasks');
  });
  test('a job whose tasks are not known yet', () => {
    expect(line(work({ jobs: 1 }))).toBe('Spark · job 1 of 1');
  });
  test('the bar is never full before all tasks are done', () => {
    expect(line(work({ tasks: 1_000, doneTasks: 999 }))).toContain('▓▓▓▓▓▓▓▓▓░ 999/1,000');
  });
  test('missing executors are mentioned after half a minute', () => {
    const waiting = work({ jobs: 1, tasks: 200 }, { waitingSince: 1_000 });
    expect(line(waiting, 30_999)).not.toContain('executors');
    expect(line(waiting, 31_000)).toBe('Spark · job 1 of 1 · ░░░░░░░░░░ 0/200 tasks · waiting for executors');
  });
  test('nothing while each job takes less than a second', () => {
    expect(line(work(whole, { hasLasted: false }))).toBe('');
  });
  test('a Spark Connect server that gives no answer is all there is to say, until the run has ended', () => {
    const away = work({}, { isServerOut: true, isAtWork: false, hasLasted: false });
    expect(line(away)).toBe(
      'Spark · the Spark Connect server gives no answer; its client tries again, for minutes if need be',
    );
    expect(sparkProgress({ spark: away, phase: ended('raised') }, 0)).toBe('');
    expect(sparkSum({ spark: away, phase: ended('raised') })).toBe('');
  });
  test('jobs of others, which the console bar showed and the observer does not know, are not in the sum', () => {
    expect(sparkSum({ spark: work({}, { source: 'observer', isAtWork: false }), phase: ended() })).toBe('');
  });
  test('nothing between jobs, and nothing once the run has ended', () => {
    expect(line(work(whole, { isAtWork: false }))).toBe('');
    expect(sparkProgress({ spark: work(whole), phase: ended() }, 0)).toBe('');
  });
});

describe('what an ended run leaves', () => {
  const line = (spark: SparkWork | undefined, phase = ended()) =>
    sparkSum({ phase, ...(spark === undefined ? {} : { spark }) });

  test.each([
    ['jobs and tasks', work({ ...whole, doneTasks: 1_000, failedTasks: 0 }), 'Spark: 3 jobs, 1,000 tasks'],
    ['one of each', work({ jobs: 1, tasks: 1, doneTasks: 1 }), 'Spark: 1 job, 1 task'],
    [
      'what failed',
      work({ jobs: 2, tasks: 9, doneTasks: 9, failedJobs: 1, failedTasks: 4 }),
      'Spark: 2 jobs, 9 tasks, 1 failed job, 4 failed attempts',
    ],
    ['stages', work({ stages: 2, tasks: 20, doneTasks: 20 }), 'Spark: 2 stages, 20 tasks'],
  ])('%s', (_, spark, words) => expect(line(spark)).toBe(words));

  test('a stopped run has not done all tasks', () => {
    const ofJob = work({ jobs: 1, failedJobs: 1, tasks: 200, doneTasks: 12 });
    expect(line(ofJob, ended('interrupted'))).toBe('Spark: 1 job, 12 of 200 tasks');
    expect(line(ofJob, ended('raised'))).toBe('Spark: 1 job, 12 of 200 tasks, 1 failed job');
  });
  test('nothing without Spark, and nothing while it runs', () => {
    expect(line(undefined)).toBe('');
    expect(line(work(whole), running)).toBe('');
  });
});

describe('where to read on', () => {
  const links = { link: 'https://ui/a?x=1&y=2|3', historyLink: 'https://hs/a' };
  const spark = work(whole, { app: 'app-1', links });

  test('the UI while the driver lives, the history server afterwards', () => {
    expect(sparkPlace({ spark, phase: running })).toEqual({ url: links.link, text: 'Spark UI' });
    const outcome = { ...syntheticOutcome('kernelDied', 'python3-spark'), variablesLost: true };
    expect(sparkPlace({ spark, phase: { kind: 'ended', outcome } }).url).toBe(links.historyLink);
  });
  test('without a link the application’s id, and with off nothing', () => {
    expect(sparkPlace({ spark: work(whole, { app: 'app-1' }), phase: running })).toEqual({ text: 'app-1' });
    const hidden = work(whole, { app: 'app-1', links: { hidesApp: true } });
    expect(sparkPlace({ spark: hidden, phase: running })).toEqual({ text: '' });
    expect(sparkSumMrkdwn({ spark: hidden, phase: ended() })).toMatch(/^Spark: 3 jobs, [^·]*$/);
  });
  test('a URL cannot break out of its link', () => {
    expect(sparkSumMrkdwn({ spark, phase: ended() })).toContain(' · <https://ui/a?x=1&amp;y=2%7C3|Spark UI>');
  });
});
