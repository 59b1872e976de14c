import { describe, expect, test } from 'vitest';
import { readOutput } from '../../../src/gateway/protocol/messages.ts';
import { observeScala, readMoment, readStopped, stopScala } from '../../../src/spark/read-observer.ts';
import { type SparkWork, workAfter } from '../../../src/spark/spark-work.ts';
import { kernelMessage } from '../../support/gateway-parts.ts';

const said = (data: unknown, commId = 'sparkthread.spark') => ({ commId, data });

test('the observer’s messages', () => {
  const data = {
    v: 1,
    jobs: [3, 1, 0],
    tasks: [1_000, 612, 4, 2],
    job: 7,
    lasts: true,
    at: { app: 'application_1700000000000_0001' },
  };
  expect(readMoment(said(data))).toEqual({
    source: 'observer',
    counts: {
      jobs: 3,
      endedJobs: 1,
      failedJobs: 0,
      stages: 0,
      tasks: 1_000,
      doneTasks: 612,
      activeTasks: 4,
      failedTasks: 2,
    },
    isAtWork: true,
    hasLasted: true,
    job: 7,
    app: { id: 'application_1700000000000_0001' },
  });
});

test('a Spark Connect server that gives no answer is told, and no longer once it does', () => {
  const moment = (away: boolean) => readMoment(said({ jobs: [0, 0, 0], tasks: [0, 0, 0, 0], away }));
  const at = (away: boolean, before?: SparkWork) => workAfter(before, 0, moment(away)!, 1);
  expect(at(true)).toMatchObject({ isServerOut: true, hasLasted: false });
  expect(at(false, at(true))).not.toHaveProperty('isServerOut');
});

test.each([
  ['another comm’s', said({ jobs: [1], tasks: [1] }, 'widget')],
  ['no object', said([1, 2])],
  ['nothing', said(null)],
  ['no counts', said({ jobs: 3, tasks: [1] })],
  ['the answer to a stop', said({ v: 1, stopped: 'jobs' })],
])('%s is no such word', (_, given) => expect(readMoment(given)).toBeUndefined());

test('counts are integers, bounded, and consistent', () => {
  const moment = readMoment(
    said({
      jobs: [2, 9, Number.NaN],
      tasks: [10.9, 99, -4, 1e300, 5, 6],
      job: 'x',
      at: { app: '<script>' },
      lasts: 'yes',
    }),
  );
  expect(moment?.counts).toMatchObject({
    jobs: 2,
    endedJobs: 2,
    failedJobs: 0,
    tasks: 10,
    doneTasks: 10,
    activeTasks: 0,
    failedTasks: 1_000_000_000,
  });
  expect(moment).not.toHaveProperty('job');
  expect(moment).not.toHaveProperty('app');
  expect(moment?.hasLasted).toBe(false);
});

test('what a stop has ended', () => {
  expect(readStopped(said({ stopped: 'all operations' }))).toBe('all operations');
  expect(readStopped(said({ stopped: 'everything' }))).toBeUndefined();
  expect(readStopped(said({ stopped: 'jobs' }, 'widget'))).toBeUndefined();
});

/** What is in the code for Scala; that Toree takes it is seen in test/gateway/conformance/kernels.test.ts. */
test.each([
  ['Apache Toree', 'ExecuteRequestState', 'kernel.display.content("'],
  ['almond', 'kernel.publish.canOutput()', 'kernel.publish.display('],
])('%s gets what it has for cells and for showing', (implementation, cell, tell) => {
  const code = observeScala(implementation);
  expect(code).toContain(`= ${cell === 'ExecuteRequestState' ? 'org.apache.toree.global.' : 'if ('}${cell}`);
  expect(code).toContain(`if (said != told) ${tell}`);
});

describe.each([observeScala('Apache Toree'), stopScala('almond', 1_200.4)])('each code', (code = '') => {
  test('is one block without comments and without placeholders', () => {
    expect(code).toMatch(/^(if|for) \(.*\) \{\n[^]*\n\}\n$/);
    expect(code).not.toMatch(/^\s*\/\/|@[A-Z]+@|1200/m);
    expect(code.split('\n').filter((line) => /^\S/.test(line))).toHaveLength(2);
  });
});

test.each(['Apache Toree', 'almond'])('its display in %s is read as a comm', (implementation) => {
  const [mime = ''] = /application\/[\w.+-]+/.exec(observeScala(implementation) ?? '') ?? [];
  const content = { data: { [mime]: '{"comm_id":"sparkthread.spark","data":{"jobs":[1,0,0]}}' } };
  const output = readOutput(kernelMessage('display_data', content));
  expect(output).toEqual({ kind: 'comm', commId: 'sparkthread.spark', data: { jobs: [1, 0, 0] } });
});

test('other kernels get nothing', () => {
  expect(['IRkernel', 'xscala', ''].flatMap((name) => [observeScala(name), stopScala(name, 1)])).toEqual(
    Array.from({ length: 6 }),
  );
});
