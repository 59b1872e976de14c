import { isRecord, parseJson } from '../text.ts';
import { count } from './read-observer.ts';
import { sparkCounts, type SparkMoment } from './spark-work.ts';

/** Comm target of Toree's own plugin (0.6 and later, if installed). */
export const MONITOR_TARGET = 'SparkMonitor';

/** Longest event that is read: at the start of a job each stage takes 150 characters. */
const MOST_CHARS = 200_000;
/** Most open jobs, and most stages of them. */
const MOST_OPEN = 5_000;
const LASTS_MS = 1_000;

interface Stage {
  job: number;
  tasks: number;
  done: number;
  active: number;
  failed: number;
}

/**
 * Reads the plugin's messages during one block into the work of the jobs that began in it. Each message is one event,
 * or once a second the state of an active stage. They come from a kernel, so nothing in them is trusted. What
 * this returns gives undefined if the message says nothing new about them.
 */
export function createSparkMonitor() {
  /** Open jobs, with their beginning in ms since the epoch. */
  const open = new Map<number, number>();
  const stages = new Map<number, Stage>();
  const ended = { jobs: 0, failedJobs: 0, tasks: 0, doneTasks: 0, failedTasks: 0 };
  let last = 0;
  let hasLasted = false;
  /** Whether the event belongs to a job that began in this block. */
  const take = (event: Record<string, unknown>, nowMs: number): boolean => {
    switch (event['msgtype']) {
      case 'sparkJobStart':
        return begin(event, nowMs);
      case 'sparkStageActive':
      case 'sparkStageCompleted':
        return note(event);
      case 'sparkJobEnd':
        return end(event);
      default:
        return false;
    }
  };
  const begin = ({ jobId, jobGroup, stageInfos }: Record<string, unknown>, nowMs: number): boolean => {
    if (isOfStream(jobGroup) || !isRecord(stageInfos)) return false;
    const infos = Object.entries(stageInfos);
    if (open.size >= MOST_OPEN || stages.size + infos.length > MOST_OPEN) return false;
    const job = count(jobId);
    for (const [id, info] of infos) {
      const tasks = isRecord(info) ? count(info['numTasks']) : 0;
      const stage = { job, tasks, done: 0, active: 0, failed: 0 };
      // Two open jobs may share a stage.
      if (!stages.has(Number(id))) stages.set(Number(id), stage);
    }
    open.set(job, nowMs);
    last = job;
    return true;
  };
  const note = (event: Record<string, unknown>): boolean => {
    const id = count(event['stageId']);
    const stage = stages.get(id);
    if (stage === undefined) return false;
    const tasks = count(event['numTasks']);
    stages.set(id, {
      job: stage.job,
      tasks,
      done: Math.min(count(event['numCompletedTasks']), tasks),
      active: count(event['numActiveTasks']),
      failed: count(event['numFailedTasks']),
    });
    return true;
  };
  const end = ({ jobId, status }: Record<string, unknown>): boolean => {
    const id = count(jobId);
    if (!open.delete(id)) return false;
    const hasFailed = status === 'FAILED';
    ended.jobs += 1;
    if (hasFailed) ended.failedJobs += 1;
    for (const [key, { job, tasks, done, failed }] of stages) {
      if (job !== id) continue;
      stages.delete(key);
      // A stage that an earlier job has computed was skipped; tasks that a failed job has not done are counted.
      ended.tasks += hasFailed ? tasks : done;
      ended.doneTasks += done;
      ended.failedTasks += failed;
    }
    return true;
  };
  const sum = (name: keyof Stage): number =>
    [...stages.values()].reduce((all, stage) => all + stage[name], 0);
  return (data: unknown, nowMs: number): SparkMoment | undefined => {
    const event = readEvent(data);
    if (event === undefined || !take(event, nowMs)) return undefined;
    const { jobs, failedJobs, tasks, doneTasks, failedTasks } = ended;
    const [[job, sinceMs] = [last, nowMs]] = open;
    hasLasted ||= nowMs - sinceMs >= LASTS_MS;
    return {
      source: 'observer',
      counts: sparkCounts({
        jobs: jobs + open.size,
        endedJobs: jobs,
        failedJobs,
        tasks: tasks + sum('tasks'),
        doneTasks: doneTasks + sum('done'),
        activeTasks: sum('active'),
        failedTasks: failedTasks + sum('failed'),
      }),
      isAtWork: open.size > 0,
      hasLasted,
      job,
    };
  };
}

export type SparkMonitor = ReturnType<typeof createSparkMonitor>;

/**
 * Other events are not parsed: two for each task arrive too, often after the job's end, and add nothing to those of the
 * stages.
 */
const TOLD = ['{"msgtype":"sparkJob', '{"msgtype":"sparkStage'];

function readEvent(data: unknown): Record<string, unknown> | undefined {
  if (!isRecord(data) || data['msgtype'] !== 'fromscala') return undefined;
  const { msg } = data;
  if (typeof msg !== 'string' || msg.length > MOST_CHARS || !TOLD.some((head) => msg.startsWith(head)))
    return undefined;
  const event = parseJson(msg);
  return isRecord(event) ? event : undefined;
}

/** A stream's jobs have its run id, a UUID, as their group. */
function isOfStream(group: unknown): boolean {
  return typeof group === 'string' && group.length === 36 && group.split('-').length === 5;
}
