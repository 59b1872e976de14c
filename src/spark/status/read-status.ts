import { z } from 'zod';
import { sparkCounts, type SparkMoment } from '../spark-work.ts';

/** Reads responses of Spark's REST API, as its monitoring page describes them. Nothing in them is trusted. */

/** Shorter jobs are not reported. */
const LASTS_MS = 1_000;

const amount = z.number().int().min(0).max(1e9).catch(0);

const jobSchema = z.object({
  jobId: z.number().int().min(0).max(1e9),
  status: z.string(),
  submissionTime: z.string(),
  completionTime: z.string().optional(),
  numTasks: amount,
  numSkippedTasks: amount,
  numActiveTasks: amount,
  numCompletedTasks: amount,
  /** Counts a repeated task once; missing in Spark 2.1. */
  numCompletedIndices: z.number().int().min(0).max(1e9).optional().catch(undefined),
  numFailedTasks: amount,
  /**
   * Batches of a streaming query have its run id as their group and in their description: `…<br/>runId = 9f…<br/>batch
   * = 3`.
   */
  jobGroup: z.string().optional().catch(undefined),
  description: z.string().optional().catch(undefined),
});

/**
 * The state at `nowMs` of the jobs that were submitted since `sinceMs` (ms since the epoch by Spark's clock); undefined
 * if there are none. Throws if the answer is not a list.
 */
export function readJobs(
  answer: unknown,
  { sinceMs, nowMs }: { sinceMs: number; nowMs: number },
  appId: string,
): SparkMoment | undefined {
  const jobs = listOf(answer, jobSchema)
    .map((job) => ({ ...job, beganMs: readTime(job.submissionTime), isAtWork: job.status === 'RUNNING' }))
    .filter(({ beganMs, jobGroup, description }) => {
      const isStreams = jobGroup !== undefined && description?.includes(`runId = ${jobGroup}`) === true;
      return beganMs >= sinceMs && !isStreams;
    });
  const atWork = jobs.filter(({ isAtWork }) => isAtWork);
  const [first] = jobs;
  if (first === undefined) return undefined;
  const sum = (value: (job: (typeof jobs)[number]) => number): number =>
    jobs.reduce((total, job) => total + value(job), 0);
  const tasksOf = (job: typeof first): number => Math.max(0, job.numTasks - job.numSkippedTasks);
  return {
    source: 'status',
    counts: sparkCounts({
      jobs: jobs.length,
      endedJobs: jobs.length - atWork.length,
      failedJobs: jobs.filter(({ status }) => status === 'FAILED').length,
      tasks: sum(tasksOf),
      doneTasks: sum((job) => Math.min(job.numCompletedIndices ?? job.numCompletedTasks, tasksOf(job))),
      activeTasks: sum(({ numActiveTasks }) => numActiveTasks),
      failedTasks: sum(({ numFailedTasks }) => numFailedTasks),
    }),
    isAtWork: atWork.length > 0,
    hasLasted: jobs.some(
      ({ isAtWork, beganMs, completionTime }) =>
        (isAtWork ? nowMs : readTime(completionTime ?? '')) - beganMs > LASTS_MS,
    ),
    job: (atWork.length > 0 ? atWork : jobs).reduce((last, { jobId }) => Math.max(last, jobId), 0),
    app: { id: appId },
  };
}

export interface Application {
  id: string;
  /** In YARN's cluster mode an application has several attempts. */
  attempt?: string | undefined;
}

/** Used in paths, so `..` is excluded. */
export const ID = /^\w[\w.-]{0,99}$/;

const applicationSchema = z.object({
  id: z.string().regex(ID),
  name: z.string().catch(''),
  attempts: z
    .array(
      z.object({
        attemptId: z.string().regex(ID).optional(),
        startTime: z.string(),
        completed: z.boolean().catch(false),
      }),
    )
    .max(100),
});

/**
 * The running application of this kernel: the known one, one with the kernel's id in its name (as Enterprise Gateway
 * names them on YARN), otherwise the newest. Undefined if none runs. Throws if the answer is not a list.
 */
export function readApplication(
  answer: unknown,
  { kernelId, appId }: { kernelId: string; appId?: string | undefined },
): Application | undefined {
  const running = listOf(answer, applicationSchema)
    .flatMap(({ id, name, attempts }) =>
      attempts
        .filter(({ completed }) => !completed)
        .map(({ attemptId, startTime }) => ({
          id,
          attempt: attemptId,
          isNamed: id === appId || name.includes(kernelId),
          beganMs: readTime(startTime),
        })),
    )
    .toSorted((a, b) => Number(b.isNamed) - Number(a.isNamed) || b.beganMs - a.beganMs);
  const [first] = running;
  return first === undefined ? undefined : { id: first.id, attempt: first.attempt };
}

const yarnSchema = z.object({
  apps: z.object({ app: z.array(z.unknown()).catch([]) }).nullish(),
});
const yarnApplicationSchema = z.object({ id: z.string().regex(ID), name: z.string() });

/** The same for YARN's list, which contains other people's applications: only the kernel's id in the name counts. */
export function readYarnApplication(answer: unknown, kernelId: string): string | undefined {
  const { apps } = yarnSchema.parse(answer);
  return listOf(apps?.app ?? [], yarnApplicationSchema).find(({ name }) => name.includes(kernelId))?.id;
}

/** Leaves out invalid entries. */
function listOf<Value>(answer: unknown, schema: z.ZodType<Value>): Value[] {
  if (!Array.isArray(answer)) throw new TypeError('the answer is no list');
  return answer.flatMap((each) => schema.safeParse(each).data ?? []);
}

/** `2015-02-03T16:43:11.000GMT` → ms since the epoch; 0 for an invalid time. */
function readTime(text: string): number {
  const read = text.length > 40 ? NaN : Date.parse(text.replace(/GMT$/, 'Z'));
  return Number.isNaN(read) ? 0 : read;
}
