import { count, isRecord } from './read-observer.ts';
import { sparkCounts, type SparkMoment } from './spark-work.ts';

/** Where Toree's own plugin (0.6 and later, where it is installed) takes a comm. */
export const MONITOR_TARGET = 'SparkMonitor';

/** A stage costs 150 characters at the start of its job. */
const MOST_CHARS = 200_000;
/** Jobs at work at once, and their stages. */
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
 * What the plugin says while one block runs → the work of the jobs that began in it. Each message tells of one event, or of one
 * stage at work, once a second. They come from a kernel: nothing in them is relied on.
 */
export class SparkMonitor {
  /** The jobs at work: since when, in ms since the epoch. */
  readonly #open = new Map<number, number>();
  readonly #stages = new Map<number, Stage>();
  #ended = { jobs: 0, failedJobs: 0, tasks: 0, doneTasks: 0, failedTasks: 0 };
  #last = 0;
  #hasLasted = false;

  /** Undefined for what tells nothing new of them. */
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

  /** Whether it is of a job that began in this block. */
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
      // Two jobs at work may share one.
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
      // One that an earlier job has computed was skipped; what a job that failed has left undone counts.
      ended.tasks += hasFailed ? tasks : done;
      ended.doneTasks += done;
      ended.failedTasks += failed;
    }
    return true;
  }
}

/** Two events of each task come as well, after their job as likely as not; they tell nothing that its stage does not. */
const TOLD = ['{"msgtype":"sparkJob', '{"msgtype":"sparkStage'];

function readEvent(data: unknown): Record<string, unknown> | undefined {
  if (!isRecord(data) || data['msgtype'] !== 'fromscala') return undefined;
  const { msg } = data;
  if (typeof msg !== 'string' || msg.length > MOST_CHARS || !TOLD.some((head) => msg.startsWith(head)))
    return undefined;
  try {
    const event: unknown = JSON.parse(msg);
    return isRecord(event) ? event : undefined;
  } catch {
    return undefined;
  }
}

/** The jobs of a stream have its run's id, a UUID, as their group. */
function isOfStream(group: unknown): boolean {
  return typeof group === 'string' && group.length === 36 && group.split('-').length === 5;
}
