import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { isRecord } from '../text.ts';
import { type SparkApplication, sparkCounts, type SparkMoment } from './spark-work.ts';

/**
 * Reads the observer's messages. They come from a kernel, where any code can send them, so nothing in them is trusted.
 */

const COMM = 'sparkthread.spark';
const MOST = 1_000_000_000;
/** Such as YARN's `application_1700000000000_0001`, `local-1700000000000`, `spark-9f…`, `app-2024…-0000`. */
const APPLICATION = /^[\w.-]{1,100}$/;

/** The work of the cell's jobs at one moment; undefined for other messages. */
export function readMoment({ commId, data }: { commId: string; data: unknown }): SparkMoment | undefined {
  if (commId !== COMM || !isRecord(data) || !Array.isArray(data['jobs']) || !Array.isArray(data['tasks']))
    return undefined;
  const [jobs = 0, endedJobs = 0, failedJobs = 0] = numbers(data['jobs']);
  const [tasks = 0, doneTasks = 0, activeTasks = 0, failedTasks = 0] = numbers(data['tasks']);
  const { job } = data;
  const app = readApplication(data['at']);
  return {
    source: 'observer',
    counts: sparkCounts({
      jobs,
      endedJobs: Math.min(endedJobs, jobs),
      failedJobs: Math.min(failedJobs, jobs),
      tasks,
      doneTasks: Math.min(doneTasks, tasks),
      activeTasks,
      failedTasks,
    }),
    isAtWork: endedJobs < jobs,
    hasLasted: data['lasts'] === true,
    ...(data['away'] === true ? { isServerOut: true } : {}),
    ...(typeof job === 'number' ? { job: count(job) } : {}),
    ...(app === undefined ? {} : { app }),
  };
}

function readApplication(at: unknown): SparkApplication | undefined {
  if (!isRecord(at) || typeof at['app'] !== 'string' || !APPLICATION.test(at['app'])) return undefined;
  const [ui, reverse, yarn] = [at['ui'], at['reverse'], at['yarn']].map((address) =>
    typeof address === 'string' ? address.slice(0, 2_000) : undefined,
  );
  return { id: at['app'], ui, reverse, yarn };
}

const STOPPED = ['nothing', 'jobs', 'operations', 'all operations'] as const;
/** What the observer had to end after a stop. `all operations`: the Spark Connect client has no tags. */
export type StoppedWork = (typeof STOPPED)[number];

export function readStopped({ commId, data }: { commId: string; data: unknown }): StoppedWork | undefined {
  if (commId !== COMM || !isRecord(data)) return undefined;
  return STOPPED.find((word) => word === data['stopped']);
}

function numbers(values: readonly unknown[]): number[] {
  return values.slice(0, 4).map(count);
}

/** A number from a kernel, bounded for display. */
export function count(value: unknown): number {
  return typeof value === 'number' && value >= 0 ? Math.min(Math.floor(value), MOST) : 0;
}

/** The observer for Python kernels (observer/*.py), as code of an execute_request. */
const PARTS = ['jobs', 'cells', 'stop'];
const readPart = (name: string): string => readFileSync(new URL(`observer/${name}`, import.meta.url), 'utf8');
const SOURCE = PARTS.map((part) => readPart(`${part}.py`)).join('\n\n');
const VERSION = /^VERSION = (\d+)$/m.exec(SOURCE)?.[1] ?? '';

/**
 * Creates its module. An expression, so that it binds no name in the user's namespace; JSON strings are valid Python.
 */
const MADE = `(lambda m: (m.__dict__.update(get_ipython=get_ipython), eval(compile(${JSON.stringify(SOURCE)}, "<sparkthread>", "exec"), m.__dict__), m)[2])(type(__import__("sys"))("_sparkthread"))`;
const PRESENT = `__import__("sys").modules.get("_sparkthread")`;
const IS_PRESENT = `getattr(${PRESENT}, "VERSION", None) == ${VERSION}`;

/** Installs it, unless this version is installed already. */
export const PUT_IN = `${IS_PRESENT} or (lambda m: m.install(m))(${MADE})`;

/** Ends the Spark jobs of the cell of this request, and no others. Works without an installed observer too. */
export function stopCode(msgId: string, seconds: number): string {
  return `(${PRESENT} if ${IS_PRESENT} else ${MADE}).stop(${JSON.stringify(msgId)}, ${seconds})`;
}

/** The corresponding code for Scala kernels (observer/*.scala). */
const SCALA_CELLS = readPart('cells.scala');
const SCALA_STOP = readPart('stop.scala');
/** Carries a comm message for kernels whose code cannot use comms; the gateway client reads it as one. */
const COMM_MIME = 'application/vnd.sparkthread.comm+json';

/** Expressions of a kernel for the id of the running cell, and for sending a display on its behalf. */
interface ScalaKernel {
  cell: string;
  show: string;
}

function kernelOf(implementation: string): ScalaKernel | undefined {
  if (/toree/i.test(implementation))
    return {
      cell: 'org.apache.toree.global.ExecuteRequestState.lastKernelMessage.map(_.header.msg_id)',
      show: `kernel.display.content("${COMM_MIME}", said)`,
    };
  if (/almond/i.test(implementation))
    return {
      // almond does not tell cells apart, only whether one is running.
      cell: 'if (kernel.publish.canOutput()) Some("") else None',
      show: `kernel.publish.display(almond.interpreter.api.DisplayData(Map("${COMM_MIME}" -> said)))`,
    };
  return undefined;
}

/** Installs it, unless this version is installed already; undefined for unsupported kernels. */
export function observeScala(implementation: string): string | undefined {
  const kernel = kernelOf(implementation);
  if (kernel === undefined) return undefined;
  const code = withoutComments(SCALA_CELLS)
    .replaceAll('@CELL@', () => kernel.cell)
    .replaceAll('@SHOW@', () => kernel.show);
  return code.replaceAll('@VERSION@', createHash('sha256').update(code).digest('hex').slice(0, 16));
}

/**
 * Ends the Spark jobs that began in the last `ms`, except those of streams; undefined if an interrupt does this, or
 * nothing can.
 */
export function stopScala(implementation: string, ms: number): string | undefined {
  if (!/almond/i.test(implementation)) return undefined;
  return withoutComments(SCALA_STOP).replaceAll('@MS@', String(Math.ceil(ms)));
}

/** Kernels compile each request, so comments are removed. */
function withoutComments(source: string): string {
  return source
    .split('\n')
    .filter((line) => !line.trimStart().startsWith('//'))
    .join('\n');
}
