import { randomUUID } from 'node:crypto';
import type { Log, Secrets } from '../log.ts';
import { deliverToFile, deliverToUrl, PendingLines, type Post } from './pending-lines.ts';

/** Where audit lines go: to this process's log, to the end of a file, or to a URL by POST. */
export type AuditTarget = { kind: 'log' } | { kind: 'file'; path: string } | { kind: 'url'; url: URL };

export type AuditEvent =
  | 'run.accepted'
  | 'run.edited'
  | 'run.refused'
  | 'run.ended'
  | 'request.accepted'
  | 'request.refused'
  | 'request.ended'
  | 'audit.run'
  | 'audit.kernel'
  | 'audit.channel'
  | 'audit.saved'
  | 'audit.schedule'
  | 'audit.overflowed';

/** One request of a person, at its acceptance, refusal or end. docs/audit.md has the schema. */
export interface AuditEntry {
  event: AuditEvent;
  /** What kind of thing it is about: `run`, `command`, `press`, `restart`, `use`, … */
  audit: string;
  /** Slack user id of the person who asked. */
  user?: string | undefined;
  workspace?: string | undefined;
  channel?: string | undefined;
  thread?: string | undefined;
  /** The command or the button, as one word. */
  act?: string | undefined;
  run?: string | undefined;
  /** Slack user id of the run's requester. */
  requester?: string | undefined;
  source?: string | undefined;
  kernelspec?: string | undefined;
  language?: string | undefined;
  /** The kernel's id on the gateway. */
  kernel?: string | undefined;
  outcome?: string | undefined;
  /** Why it was refused or failed: an error's code, never its text. */
  reason?: string | undefined;
  durationMs?: number | undefined;
  waitedMs?: number | undefined;
  /** The Spark application's id, and what the run's jobs did in it, as far as they were observed. */
  sparkApp?: string | undefined;
  sparkJobs?: number | undefined;
  sparkTasks?: number | undefined;
  sparkFailedTasks?: number | undefined;
  /** Hex. The hash of the blocks, joined by empty lines. */
  codeSha256?: string | undefined;
  /** In UTF-16 units. */
  codeLength?: number | undefined;
  /** The blocks of code; written only with AUDIT_CODE. */
  code?: readonly string[] | undefined;
  /** The schedule's id. */
  schedule?: string | undefined;
  /** The name of a saved snippet. */
  name?: string | undefined;
  on?: boolean | undefined;
  /** The number of lines that were dropped because the target took too long to accept lines. */
  lines?: number | undefined;
}

export interface Audit {
  /** Never throws and never waits. */
  record(entry: AuditEntry): void;
  /** Records a refusal. Only the first call for an error counts: the caller that knows most about the request calls first. */
  refuse(error: unknown, entry: AuditEntry): void;
  /** Delivers the remaining lines for at most 2 s. The next start delivers the rest. */
  close(): Promise<void>;
}

export interface AuditOptions {
  target: AuditTarget;
  /** AUDIT_CODE. */
  includesCode: boolean;
  /** The folder for lines that are not delivered yet. */
  dir: string;
  /** By default the process's own fetch. */
  post?: Post | undefined;
  secrets: Pick<Secrets, 'hideIn'>;
  log: Log;
}

export function createAudit({ target, includesCode, dir, post, secrets, log }: AuditOptions): Audit {
  const refused = new WeakSet<object>();
  const sink = openSink({ target, dir, post, secrets, log });
  const record = ({ code, ...entry }: AuditEntry): void =>
    sink.take({ ...entry, ...(includesCode && code !== undefined ? { code } : {}) });
  return {
    record,
    refuse(error, entry) {
      if (typeof error === 'object' && error !== null) {
        if (refused.has(error)) return;
        refused.add(error);
      }
      record(entry);
    },
    close: () => sink.close(),
  };
}

interface Sink {
  take(entry: AuditEntry): void;
  close(): Promise<void>;
}

function openSink({ target, dir, post, secrets, log }: Omit<AuditOptions, 'includesCode'>): Sink {
  // LOG_LEVEL does not apply to audit lines.
  const always = log.child({}, { level: 'info' });
  const toLog = (entry: object): void => always.info(entry, 'audit');
  if (target.kind === 'log') return { take: toLog, close: async () => undefined };
  const lines = new PendingLines({
    deliver: target.kind === 'file' ? deliverToFile(target.path) : deliverToUrl(target.url, post),
    dir,
    log,
    onNoRoom: toLog,
    overflowLine: (count) => line({ event: 'audit.overflowed', audit: 'overflow', lines: count }),
  });
  const line = (entry: AuditEntry): string =>
    secrets.hideIn(JSON.stringify({ time: new Date().toISOString(), id: randomUUID(), ...entry }));
  return {
    take: (entry) => lines.add(line(entry), entry),
    close: () => lines.close(),
  };
}
