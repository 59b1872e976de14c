import { expect, test } from 'vitest';
import { allCounts, sparkCounts, sparkWorkSchema, workAfter } from '../../../src/spark/spark-work.ts';

const moment = (tasks: number, doneTasks: number, activeTasks: number, isAtWork = true) => ({
  source: 'console' as const,
  counts: sparkCounts({ tasks, doneTasks, activeTasks }),
  isAtWork,
  hasLasted: true,
});

test('the blocks of a run are added up, each once', () => {
  let work = workAfter(undefined, 0, moment(10, 3, 1), 0);
  work = workAfter(work, 0, moment(10, 10, 0, false), 0);
  work = workAfter(work, 1, moment(5, 1, 2), 0);
  work = workAfter(work, 1, moment(5, 2, 2), 0);
  expect(allCounts(work)).toMatchObject({ tasks: 15, doneTasks: 12, activeTasks: 2 });
});

test('tasks are waiting while none is running', () => {
  const first = workAfter(undefined, 0, moment(10, 0, 0), 1_000);
  expect(workAfter(first, 0, moment(20, 0, 0), 9_000).waitingSince).toBe(1_000);
  expect(workAfter(first, 0, moment(10, 0, 1), 9_000).waitingSince).toBeUndefined();
  expect(workAfter(first, 0, moment(10, 10, 0, false), 9_000).waitingSince).toBeUndefined();
});

test('a record of it can be read', () => {
  const work = workAfter(workAfter(undefined, 0, moment(1, 1, 0), 0), 1, moment(2, 0, 0), 5);
  expect(sparkWorkSchema.parse(JSON.parse(JSON.stringify(work)))).toEqual(work);
});
