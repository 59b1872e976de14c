import { expect, test } from 'vitest';
import { readApplication, readJobs, readYarnApplication } from '../../../../src/spark/status/read-status.ts';
import { statusApplication, statusJob, statusTime } from '../../../support/spark-status.ts';

const since = { sinceMs: 10_000, nowMs: 20_000 };
const read = (jobs: unknown) => readJobs(jobs, since, 'app-1');

test('the jobs of the run are counted, as Spark’s own page counts them', () => {
  const moment = read([
    statusJob(7, 18_000, {
      numTasks: 300,
      numSkippedTasks: 100,
      numActiveTasks: 4,
      // A fetch failed, so that tasks were done twice.
      numCompletedTasks: 70,
      numCompletedIndices: 50,
      numFailedTasks: 2,
    }),
    statusJob(6, 12_000, {
      status: 'SUCCEEDED',
      completionTime: statusTime(12_400),
      numTasks: 8,
      numCompletedTasks: 8,
      numCompletedIndices: 8,
    }),
    statusJob(5, 11_000, {
      status: 'FAILED',
      completionTime: statusTime(11_100),
      numTasks: 1,
      numFailedTasks: 4,
    }),
    statusJob(4, 9_999, { numTasks: 1_000 }),
  ]);
  expect(moment).toEqual({
    source: 'status',
    counts: {
      jobs: 3,
      endedJobs: 2,
      failedJobs: 1,
      stages: 0,
      tasks: 209,
      doneTasks: 58,
      activeTasks: 4,
      failedTasks: 6,
    },
    isAtWork: true,
    hasLasted: true,
    job: 7,
    app: { id: 'app-1' },
  });
});

test('a run without jobs has no moment, whatever ran before it', () => {
  expect(read([])).toBeUndefined();
  expect(read([statusJob(4, 9_999)])).toBeUndefined();
});

test('the batches of a stream are not jobs of the run', () => {
  const jobGroup = '4d1f3e6c-0d2b-4a3b-9a51-3f7a5a5a0001';
  const description = `id = 0a7c<br/>runId = ${jobGroup}<br/>batch = 3`;
  const moment = read([
    statusJob(2, 12_000, { jobGroup, description }),
    statusJob(3, 12_000, { jobGroup, description: 'mine' }),
  ]);
  expect(moment?.counts.jobs).toBe(1);
});

test.each([
  ['at work for a second', statusJob(1, 19_000), false],
  ['at work for longer', statusJob(1, 18_999), true],
  [
    'over within a second',
    statusJob(1, 11_000, { status: 'SUCCEEDED', completionTime: statusTime(12_000) }),
    false,
  ],
  [
    'over after longer',
    statusJob(1, 11_000, { status: 'SUCCEEDED', completionTime: statusTime(12_001) }),
    true,
  ],
  ['over, without a time', statusJob(1, 11_000, { status: 'UNKNOWN' }), false],
])('a job that is %s', (_, job, hasLasted) => expect(read([job])?.hasLasted).toBe(hasLasted));

test('Spark 2.1 does not count indices', () => {
  const { numCompletedIndices: _, ...job } = statusJob(1, 11_000, {
    numTasks: 4,
    numCompletedTasks: 3,
  }) as Record<string, unknown>;
  expect(read([job])?.counts.doneTasks).toBe(3);
});

test('invalid jobs are left out, and impossible counts are corrected', () => {
  const moment = read([
    null,
    'job',
    [],
    statusJob(-1, 11_000),
    { jobId: 1 },
    statusJob(2, 11_000, { submissionTime: 'never' }),
    statusJob(3, 11_000, { submissionTime: '9'.repeat(1_000) }),
    statusJob(4, 11_000, {
      numTasks: 10,
      numCompletedTasks: 1e300,
      numCompletedIndices: 99,
      numSkippedTasks: -5,
      numActiveTasks: '4',
      numFailedTasks: 0.5,
    }),
    statusJob(5, 11_000, {
      numTasks: 1,
      numSkippedTasks: 2,
      numCompletedIndices: null,
      numCompletedTasks: 1,
    }),
  ]);
  expect(moment?.counts).toMatchObject({ jobs: 2, tasks: 10, doneTasks: 10, activeTasks: 0, failedTasks: 0 });
});

test.each([{}, null, 'text', 1])('%o is no list', (answer) => {
  expect(() => read(answer)).toThrow('no list');
  expect(() => readApplication(answer, { kernelId: 'k' })).toThrow('no list');
});

test('the newest running application, with its running attempt', () => {
  const twice = {
    attempts: [
      { attemptId: '2', startTime: statusTime(9), completed: false },
      { attemptId: '1', startTime: statusTime(2), completed: true },
    ],
  };
  const answer = [
    statusApplication('old', 5),
    statusApplication('newest', 99, {}, { completed: true }),
    statusApplication('application_1_2', 0, twice),
    statusApplication('../../secret', 50),
    { id: 'odd', attempts: 'none' },
  ];
  expect(readApplication(answer, { kernelId: 'k-1' })).toEqual({ id: 'application_1_2', attempt: '2' });
  expect(readApplication(answer, { kernelId: 'k-1', appId: 'old' })).toEqual({ id: 'old' });
  expect(readApplication([], { kernelId: 'k-1' })).toBeUndefined();
});

test('an application that is named after the kernel belongs to it', () => {
  const answer = [statusApplication('newer', 9), statusApplication('own', 5, { name: 'k-1' })];
  expect(readApplication(answer, { kernelId: 'k-1' })?.id).toBe('own');
  expect(readApplication(answer, { kernelId: 'k-2' })?.id).toBe('newer');
});

test('in YARN’s list only the application that is named after the kernel counts', () => {
  const app = [
    { id: 'application_1_1', name: 'k-2', startedTime: 9 },
    { id: 'application_1_2', name: 'k-1' },
    { id: '..', name: 'k-3' },
    7,
  ];
  expect(readYarnApplication({ apps: { app } }, 'k-1')).toBe('application_1_2');
  for (const kernelId of ['k-3', 'k-4'])
    expect(readYarnApplication({ apps: { app } }, kernelId)).toBeUndefined();
  for (const none of [{ apps: null }, {}, { apps: {} }])
    expect(readYarnApplication(none, 'k-1')).toBeUndefined();
  expect(() => readYarnApplication([], 'k-1')).toThrow();
});
