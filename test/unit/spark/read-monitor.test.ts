import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { createSparkMonitor } from '../../../src/spark/read-monitor.ts';
import type { SparkMoment } from '../../../src/spark/spark-work.ts';

/** What the plugin of Toree 0.6.0 said on Spark 3.5.9, each time for one cell; `atMs`: since its beginning. */
type Block = { said: { atMs: number; data: { msgtype: string; msg: string } }[] };
const recorded = JSON.parse(
  readFileSync(new URL('../../fixtures/spark/toree-monitor.json', import.meta.url), 'utf8'),
) as Record<'one job' | 'two stages' | 'a job that fails' | 'a job beside a stream', Block>;

function read({ said }: Block): SparkMoment[] {
  const monitor = createSparkMonitor();
  return said.flatMap(({ atMs, data }) => monitor(data, 1_000_000 + atMs) ?? []);
}

test('a job’s tasks are counted while it runs, and reported once it lasts', () => {
  const moments = read(recorded['one job']);
  expect(moments.map(({ counts, hasLasted }) => [counts.doneTasks, counts.activeTasks, hasLasted])).toEqual([
    [0, 0, false],
    [0, 2, false],
    [6, 2, true],
    [12, 2, true],
    [18, 2, true],
    [24, 0, true],
    [24, 0, true],
  ]);
  expect(moments[2]).toMatchObject({ isAtWork: true, counts: { jobs: 1, endedJobs: 0, tasks: 24 } });
  expect(moments.at(-1)).toMatchObject({ isAtWork: false, counts: { jobs: 1, endedJobs: 1, tasks: 24 } });
});

test.each([
  ['two stages', { jobs: 1, failedJobs: 0, tasks: 10, doneTasks: 10, failedTasks: 0 }],
  ['a job that fails', { jobs: 1, failedJobs: 1, tasks: 4, doneTasks: 1, failedTasks: 1 }],
  ['a job beside a stream', { jobs: 1, failedJobs: 0, tasks: 8, doneTasks: 8, failedTasks: 0 }],
] as const)('%s', (name, counts) => {
  expect(read(recorded[name]).at(-1)).toMatchObject({ isAtWork: false, counts });
});

test('a job of an earlier block does not belong to this one', () => {
  expect(read({ said: recorded['two stages'].said.slice(1) })).toEqual([]);
});

const says = (event: object): object => ({ msgtype: 'fromscala', msg: JSON.stringify(event) });
const begins = (jobId: unknown, stageInfos: unknown): object =>
  says({ msgtype: 'sparkJobStart', jobGroup: 'null', jobId, stageInfos });

test('a stage that an earlier job has computed counts until its job is over; two jobs may share one', () => {
  const monitor = createSparkMonitor();
  monitor(begins(1, { 1: { numTasks: 5 }, 2: { numTasks: 3 } }), 0);
  monitor(begins(2, { 1: { numTasks: 5 }, 3: { numTasks: 2 } }), 0);
  const stage = { msgtype: 'sparkStageCompleted', stageId: 2, numTasks: 3, numCompletedTasks: 3 };
  expect(monitor(says(stage), 0)).toMatchObject({
    job: 1,
    counts: { jobs: 2, tasks: 10, doneTasks: 3 },
  });
  expect(monitor(says({ msgtype: 'sparkJobEnd', jobId: 1, status: 'COMPLETED' }), 0)).toMatchObject({
    job: 2,
    counts: { jobs: 2, endedJobs: 1, tasks: 5, doneTasks: 3 },
  });
});

test('forged messages end nothing and fill no memory', () => {
  const monitor = createSparkMonitor();
  const nonsense = [
    undefined,
    'sparkJobStart',
    { msgtype: 'fromscala', msg: '{"msgtype":"sparkJobStart"' },
    { msgtype: 'fromscala', msg: `{"msgtype":"sparkJobEnd","name":"${'x'.repeat(200_000)}"}` },
    begins(1, 'many'),
    begins(1, Object.fromEntries(Array.from({ length: 5_001 }, (_, id) => [id, 0]))),
    says({ msgtype: 'sparkJobEnd', jobId: 1 }),
    says({ msgtype: 'sparkStageActive', stageId: { valueOf: 1 } }),
  ];
  for (const data of nonsense) expect(monitor(data, 0)).toBeUndefined();
  const odd = begins(-1, { 7: { numTasks: 1e300 }, x: null });
  expect(monitor(odd, 0)?.counts).toMatchObject({ jobs: 1, tasks: 1_000_000_000 });
  const stage = {
    msgtype: 'sparkStageActive',
    stageId: 7,
    numTasks: 2,
    numCompletedTasks: 9,
    numActiveTasks: '2',
  };
  expect(monitor(says(stage), 0)?.counts).toMatchObject({ tasks: 2, doneTasks: 2, activeTasks: 0 });
  for (let job = 0; job < 6_000; job += 1) monitor(begins(job, {}), 0);
  expect(monitor(says(stage), 0)?.counts.jobs).toBe(5_000);
});
