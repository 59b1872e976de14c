import { z } from 'zod';
import type { SparkApplication, SparkLinks } from './links.ts';

/** From the least to the most that is known; a better word replaces a worse one. */
const SOURCES = ['console', 'status', 'observer'] as const;
export type SparkSource = (typeof SOURCES)[number];

/** What is counted of Spark's work. Failed tasks are attempts: Spark repeats each up to four times. */
const countsSchema = z.object({
  jobs: z.number(),
  endedJobs: z.number(),
  failedJobs: z.number(),
  /** Only where jobs are not told apart. */
  stages: z.number(),
  tasks: z.number(),
  doneTasks: z.number(),
  activeTasks: z.number(),
  failedTasks: z.number(),
});
export type SparkCounts = z.infer<typeof countsSchema>;

/** The Spark work of one run, as far as it is known; JSON, part of the run's record. */
export const sparkWorkSchema = z.object({
  /** Of the block under way, or the last one; `source` tells whose word it is. */
  counts: countsSchema,
  source: z.custom<SparkSource>((value) => typeof value === 'string'),
  block: z.number(),
  /** Of all blocks before that one. */
  before: countsSchema.optional(),
  /** Jobs are running. */
  isAtWork: z.boolean(),
  /** One of them has lasted over a second: the answer tells of them from then on. */
  hasLasted: z.boolean(),
  /** Spark's id of the job at work, or of the last one. */
  job: z.number().optional(),
  app: z.string().optional(),
  /** Since when tasks wait and none is at work, ms since the epoch. */
  waitingSince: z.number().optional(),
  links: z
    .object({
      link: z.string().optional(),
      historyLink: z.string().optional(),
      hidesApp: z.literal(true).optional(),
    })
    .optional(),
});
export type SparkWork = z.infer<typeof sparkWorkSchema>;

/** How things stand at a moment, in one block. */
export interface SparkMoment {
  source: SparkSource;
  counts: SparkCounts;
  isAtWork: boolean;
  hasLasted: boolean;
  job?: number | undefined;
  app?: SparkApplication | undefined;
}

const NONE: SparkCounts = {
  jobs: 0,
  endedJobs: 0,
  failedJobs: 0,
  stages: 0,
  tasks: 0,
  doneTasks: 0,
  activeTasks: 0,
  failedTasks: 0,
};

export function sparkCounts(counts: Partial<SparkCounts>): SparkCounts {
  return { ...NONE, ...counts };
}

/** What is known of the run after this moment of its block. */
export function workAfter(
  work: SparkWork | undefined,
  block: number,
  moment: SparkMoment,
  nowMs: number,
  links: SparkLinks = {},
): SparkWork {
  const { source, counts, isAtWork } = moment;
  const isSameBlock = work?.block === block;
  if (isSameBlock && SOURCES.indexOf(source) < SOURCES.indexOf(work.source)) return work;
  const before = isSameBlock ? work.before : work === undefined ? undefined : allCounts(work);
  const isWaiting = isAtWork && counts.activeTasks === 0 && counts.doneTasks < counts.tasks;
  const app = moment.app?.id ?? work?.app;
  return {
    source,
    block,
    counts,
    isAtWork,
    hasLasted: moment.hasLasted || work?.hasLasted === true,
    ...(moment.job === undefined ? {} : { job: moment.job }),
    ...(app === undefined ? {} : { app }),
    links: moment.app === undefined ? (work?.links ?? links) : links,
    ...(before === undefined ? {} : { before }),
    ...(isWaiting ? { waitingSince: work?.waitingSince ?? nowMs } : {}),
  };
}

/** Of all blocks together. */
export function allCounts({ counts, before = NONE }: SparkWork): SparkCounts {
  const sum = (name: keyof SparkCounts): number => before[name] + counts[name];
  return {
    jobs: sum('jobs'),
    endedJobs: sum('endedJobs'),
    failedJobs: sum('failedJobs'),
    stages: sum('stages'),
    tasks: sum('tasks'),
    doneTasks: sum('doneTasks'),
    activeTasks: counts.activeTasks,
    failedTasks: sum('failedTasks'),
  };
}
