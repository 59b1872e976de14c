import { isIP } from 'node:net';
import { z } from 'zod';

export interface SparkLinkSettings {
  /** A template with `{appId}` and `{jobId}`, or `off`: no link at all. */
  uiUrl: string | undefined;
  /** The same for when the driver is gone. */
  historyUrl: string | undefined;
}

/** An application as Spark itself describes it; from a kernel, so nothing in it is relied on. */
export interface SparkApplication {
  id: string;
  /** The driver's own address. */
  ui?: string | undefined;
  /** `spark.ui.reverseProxyUrl`, where the reverse proxy is on. */
  reverse?: string | undefined;
  /** YARN's `PROXY_URI_BASES`: with the application's path in it; several are separated by commas. */
  yarn?: string | undefined;
}

/** JSON, part of a run's record. */
const linksSchema = z.object({
  link: z.string().optional(),
  /** For when the driver, which serves Spark's UI, is gone. */
  historyLink: z.string().optional(),
  /** The operator wants no link, and no application named. */
  hidesApp: z.literal(true).optional(),
});
export type SparkLinks = z.infer<typeof linksSchema>;

const LONGEST = 500;

/** Where a browser finds an application: by the operator's template, else by what Spark says and a browser can open. */
export function sparkLinks(
  { uiUrl, historyUrl }: SparkLinkSettings,
  app: SparkApplication | undefined,
  job: number | undefined,
): SparkLinks {
  if (uiUrl === 'off') return { hidesApp: true };
  const link = uiUrl === undefined ? ownLink(app) : filled(uiUrl, app?.id, job);
  const historyLink = filled(historyUrl ?? uiUrl, app?.id, job);
  return {
    ...(link === undefined ? {} : { link }),
    ...(historyLink === undefined ? {} : { historyLink }),
  };
}

/** Undefined where the template asks for what is not known. */
function filled(
  template: string | undefined,
  appId: string | undefined,
  job: number | undefined,
): string | undefined {
  if (template === undefined) return undefined;
  if (template.includes('{appId}') && appId === undefined) return undefined;
  if (template.includes('{jobId}') && job === undefined) return undefined;
  return template
    .replaceAll('{appId}', encodeURIComponent(appId ?? ''))
    .replaceAll('{jobId}', String(job ?? ''));
}

function ownLink(app: SparkApplication | undefined): string | undefined {
  if (app === undefined) return undefined;
  const reverse = address(app.reverse);
  if (reverse !== undefined) return `${reverse.replace(/\/+$/, '')}/proxy/${encodeURIComponent(app.id)}/`;
  return address(app.yarn?.split(',', 1)[0]) ?? address(app.ui);
}

/** As a link may carry it; undefined for what is none, carries credentials, or names a host that only the cluster knows. */
function address(text: string | undefined): string | undefined {
  if (text === undefined || text.length > LONGEST || !URL.canParse(text)) return undefined;
  const url = new URL(text);
  const isWeb = url.protocol === 'https:' || url.protocol === 'http:';
  const isSafe = url.username === '' && url.password === '';
  return isWeb && isSafe && isOutside(url.hostname) ? url.href : undefined;
}

/** Names within a cluster or a machine; a name without a dot is a container's or a pod's. */
const INSIDE = /(^|\.)(localhost|localdomain|local|internal|svc|cluster)$|^[^.]+$/i;
/** RFC 1918, loopback, link-local and carrier-grade addresses: whether a reader reaches one is the operator's to say. */
const PRIVATE =
  /^(0|10|127|169\.254|192\.168|172\.(1[6-9]|2\d|3[01])|100\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7]))\./;

function isOutside(host: string): boolean {
  const plain = host.replaceAll(/[[\]]/g, '');
  if (isIP(plain) === 6) return !/^(::|f[cd]|fe[89ab])/i.test(plain);
  return isIP(plain) === 4 ? !PRIVATE.test(plain) : !INSIDE.test(plain);
}

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
  /** Nothing answers at the address of its Spark Connect server, and the client tries again. */
  isServerOut: z.boolean().optional(),
  /** Since when tasks wait and none is at work, ms since the epoch. */
  waitingSince: z.number().optional(),
  links: linksSchema.optional(),
});
export type SparkWork = z.infer<typeof sparkWorkSchema>;

/** How things stand at a moment, in one block. */
export interface SparkMoment {
  source: SparkSource;
  counts: SparkCounts;
  isAtWork: boolean;
  hasLasted: boolean;
  isServerOut?: boolean;
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
    ...(moment.isServerOut === true ? { isServerOut: true } : {}),
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
