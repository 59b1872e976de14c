import { isIP } from 'node:net';
import { z } from 'zod';

export interface SparkLinkSettings {
  /** A template with `{appId}` and `{jobId}`, or `off` for no link at all. */
  uiUrl: string | undefined;
  /** The same, for use once the driver is gone. */
  historyUrl: string | undefined;
}

/** An application as Spark describes itself. It comes from a kernel, so nothing in it is trusted. */
export interface SparkApplication {
  id: string;
  /** The driver's own address. */
  ui?: string | undefined;
  /** `spark.ui.reverseProxyUrl`, if the reverse proxy is on. */
  reverse?: string | undefined;
  /** YARN's `PROXY_URI_BASES`, which contain the application's path; several are separated by commas. */
  yarn?: string | undefined;
}

/** JSON, part of a run's record. */
const linksSchema = z.object({
  link: z.string().optional(),
  /** For use once the driver, which serves Spark's UI, is gone. */
  historyLink: z.string().optional(),
  /** The operator wants neither a link nor the application's name. */
  hidesApp: z.literal(true).optional(),
});
export type SparkLinks = z.infer<typeof linksSchema>;

const LONGEST = 500;

/**
 * Links to an application: by the operator's template, otherwise the address that Spark gives if a browser can open it.
 */
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

/** Undefined if the template needs a value that is not known. */
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

/**
 * The address for a link; undefined if it is invalid, carries credentials, or names a host that only the cluster knows.
 */
function address(text: string | undefined): string | undefined {
  if (text === undefined || text.length > LONGEST || !URL.canParse(text)) return undefined;
  const url = new URL(text);
  const isWeb = url.protocol === 'https:' || url.protocol === 'http:';
  const isSafe = url.username === '' && url.password === '';
  return isWeb && isSafe && isOutside(url.hostname) ? url.href : undefined;
}

/** Names within a cluster or a machine; a name without a dot belongs to a container or pod. */
const INSIDE = /(^|\.)(localhost|localdomain|local|internal|svc|cluster)$|^[^.]+$/i;
/**
 * RFC 1918, loopback, link-local and carrier-grade NAT addresses: only the operator knows whether readers can reach
 * them.
 */
const PRIVATE =
  /^(0|10|127|169\.254|192\.168|172\.(1[6-9]|2\d|3[01])|100\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7]))\./;

function isOutside(host: string): boolean {
  const plain = host.replaceAll(/[[\]]/g, '');
  if (isIP(plain) === 6) return !/^(::|f[cd]|fe[89ab])/i.test(plain);
  return isIP(plain) === 4 ? !PRIVATE.test(plain) : !INSIDE.test(plain);
}

/** From the least to the most reliable; a more reliable source replaces a less reliable one. */
const SOURCES = ['console', 'status', 'observer'] as const;
export type SparkSource = (typeof SOURCES)[number];

const count = z.number().default(0);
/** Counts of Spark's work. Failed tasks are attempts: Spark retries each up to four times. */
const countsSchema = z.object({
  jobs: count,
  endedJobs: count,
  failedJobs: count,
  /** Only if jobs are not told apart. */
  stages: count,
  tasks: count,
  doneTasks: count,
  activeTasks: count,
  failedTasks: count,
});
export type SparkCounts = z.infer<typeof countsSchema>;

/** The Spark work of one run, as far as it is known. JSON, part of the run's record. */
export const sparkWorkSchema = z.object({
  /** Of the current block or the last one, according to `source`. */
  counts: countsSchema,
  source: z.custom<SparkSource>((value) => typeof value === 'string'),
  block: z.number(),
  /** Of all earlier blocks together. */
  before: countsSchema.optional(),
  /** Jobs are running. */
  isAtWork: z.boolean(),
  /** A job has lasted over a second; from then on the answer shows Spark's work. */
  hasLasted: z.boolean(),
  /** Spark's id of the running job, or of the last one. */
  job: z.number().optional(),
  app: z.string().optional(),
  /** The Spark Connect server does not answer, and the client tries again. */
  isServerOut: z.boolean().optional(),
  /** Since when tasks are waiting while none is running, ms since the epoch. */
  waitingSince: z.number().optional(),
  links: linksSchema.optional(),
});
export type SparkWork = z.infer<typeof sparkWorkSchema>;

/** Spark's work in one block at one moment. */
export interface SparkMoment {
  source: SparkSource;
  counts: SparkCounts;
  isAtWork: boolean;
  hasLasted: boolean;
  isServerOut?: boolean;
  job?: number | undefined;
  app?: SparkApplication | undefined;
}

const NONE = countsSchema.parse({});

export function sparkCounts(counts: Partial<SparkCounts>): SparkCounts {
  return { ...NONE, ...counts };
}

/** The run's Spark work after this moment of its block. */
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

/** The counts of all blocks together. */
export function allCounts({ counts, before = NONE }: SparkWork): SparkCounts {
  const all = { ...counts };
  for (const name of countsSchema.keyof().options) if (name !== 'activeTasks') all[name] += before[name];
  return all;
}
