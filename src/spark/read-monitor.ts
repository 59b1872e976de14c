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
 * or once a second the state of an active stage. They come from a kernel, so nothing in them is trusted.
 */
export class SparkMonitor {
  /** Open jobs, with their beginning in ms since the epoch. */
  readonly #open = new Map<number, number>();
  readonly #stages = new Map<number, Stage>();
  #ended = { jobs: 0, failedJobs: 0, tasks: 0, doneTasks: 0, failedTasks: 0 };
  #last = 0;
  #hasLasted = false;

  /** Undefined if the message says nothing new about them. */
  read(data: unknown, nowMs: number): SparkMoment | undefined {
    const event = readEvent(data);
    if (event === undefined || !this.#take(event, nowMs)) return undefined;
    const stages = [...this.#stages.values()];
    const sum = (name: keyof Stage): number => stages.reduce((all, stage) => all + stage[name], 0);
    const { jobs, failedJobs, tasks, doneTasks, failedTasks } = this.#ended;
    const [[job, sinceMs] = [this.#last, nowMs]] = this.#open;
    this.#hasLasted ||= nowMs - sinceMs >= LASTS_MS;
    return {
      source: 'observer',
      counts: sparkCounts({
        jobs: jobs + this.#open.size,
        endedJobs: jobs,
        failedJobs,
        tasks: tasks + sum('tasks'),
        doneTasks: doneTasks + sum('done'),
        activeTasks: sum('active'),
        failedTasks: failedTasks + sum('failed'),
      }),
      isAtWork: this.#open.size > 0,
      hasLasted: this.#hasLasted,
      job,
    };
  }

  /** Whether the event belongs to a job that began in this block. */
  #take(event: Record<string, unknown>, nowMs: number): boolean {
    switch (event['msgtype']) {
      case 'sparkJobStart':
        return this.#begin(event, nowMs);
      case 'sparkStageActive':
      case 'sparkStageCompleted':
        return this.#note(event);
      case 'sparkJobEnd':
        return this.#end(event);
      default:
        return false;
    }
  }

  #begin({ jobId, jobGroup, stageInfos }: Record<string, unknown>, nowMs: number): boolean {
    if (isOfStream(jobGroup) || !isRecord(stageInfos)) return false;
    const infos = Object.entries(stageInfos);
    if (this.#open.size >= MOST_OPEN || this.#stages.size + infos.length > MOST_OPEN) return false;
    const job = count(jobId);
    for (const [id, info] of infos) {
      const tasks = isRecord(info) ? count(info['numTasks']) : 0;
      const stage = { job, tasks, done: 0, active: 0, failed: 0 };
      // Two open jobs may share a stage.
      if (!this.#stages.has(Number(id))) this.#stages.set(Number(id), stage);
    }
    this.#open.set(job, nowMs);
    this.#last = job;
    return true;
  }

  #note(event: Record<string, unknown>): boolean {
    const id = count(event['stageId']);
    const stage = this.#stages.get(id);
    if (stage === undefined) return false;
    const tasks = count(event['numTasks']);
    this.#stages.set(id, {
      job: stage.job,
      tasks,
      done: Math.min(count(event['numCompletedTasks']), tasks),
      active: count(event['numActiveTasks']),
      failed: count(event['numFailedTasks']),
    });
    return true;
  }

  #end({ jobId, status }: Record<string, unknown>): boolean {
    const id = count(jobId);
    if (!this.#open.delete(id)) return false;
    const hasFailed = status === 'FAILED';
    const ended = this.#ended;
    ended.jobs += 1;
    if (hasFailed) ended.failedJobs += 1;
    for (const [key, { job, tasks, done, failed }] of this.#stages) {
      if (job !== id) continue;
      this.#stages.delete(key);
      // A stage that an earlier job has computed was skipped; tasks that a failed job has not done are counted.
      ended.tasks += hasFailed ? tasks : done;
      ended.doneTasks += done;
      ended.failedTasks += failed;
    }
    return true;
  }
}

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
