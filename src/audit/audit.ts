import { randomUUID } from 'node:crypto';
import type { Log, Secrets } from '../log.ts';
import { deliverToFile, deliverToUrl, PendingLines, type Post } from './pending-lines.ts';

/** Where audit lines go: this process's log, a file that is appended to, or an address that they are posted to. */
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

/** One thing that somebody asked for, at its acceptance, refusal or end. docs/audit.md is the schema. */
export interface AuditEntry {
  event: AuditEvent;
  /** What it is about: `run`, `command`, `press`, `restart`, `use`, … */
  audit: string;
  /** Slack user id of who asked. */
  user?: string | undefined;
  workspace?: string | undefined;
  channel?: string | undefined;
  thread?: string | undefined;
  /** The command or the button, in a word. */
  act?: string | undefined;
  run?: string | undefined;
  /** Slack user id of whose run it is. */
  requester?: string | undefined;
  source?: string | undefined;
  kernelspec?: string | undefined;
  language?: string | undefined;
  /** The gateway's id of it. */
  kernel?: string | undefined;
  outcome?: string | undefined;
  /** Why it was refused or failed: an error's code, never its text. */
  reason?: string | undefined;
  durationMs?: number | undefined;
  waitedMs?: number | undefined;
  /** The Spark application's id, and what the run's jobs did in it, as far as they were seen. */
  sparkApp?: string | undefined;
  sparkJobs?: number | undefined;
  sparkTasks?: number | undefined;
  sparkFailedTasks?: number | undefined;
  /** Hex; of the blocks with an empty line between them. */
  codeSha256?: string | undefined;
  /** In UTF-16 units. */
  codeLength?: number | undefined;
  /** A text for each block; left out unless AUDIT_CODE. */
  code?: readonly string[] | undefined;
  /** The id of it. */
  schedule?: string | undefined;
  /** Of a saved snippet. */
  name?: string | undefined;
  on?: boolean | undefined;
  /** Lines that found no room while the target was away. */
  lines?: number | undefined;
}

export interface Audit {
  /** Never throws and never waits. */
  record(entry: AuditEntry): void;
  /** The same for an error: who knows most about the request comes first, and what others say of it is not written. */
  refuse(error: unknown, entry: AuditEntry): void;
  /** Delivers what is left, for at most 2 s; what stays is kept for the next start. */
  close(): Promise<void>;
}

export interface AuditOptions {
  target: AuditTarget;
  /** AUDIT_CODE. */
  includesCode: boolean;
  /** The folder in which lines wait for a target that is away. */
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
  // LOG_LEVEL is about what this process has to say of itself.
  const always = log.child({}, { level: 'info' });
  const toLog = (entry: object): void => always.info(entry, 'audit');
  if (target.kind === 'log') return { take: toLog, close: async () => undefined };
  const lines = new PendingLines({
    deliver: target.kind === 'file' ? deliverToFile(target.path) : deliverToUrl(target.url, post),
    dir,
    log,
    onNoRoom: toLog,
    wordOverflow: (count) => line({ event: 'audit.overflowed', audit: 'overflow', lines: count }),
  });
  const line = (entry: AuditEntry): string =>
    secrets.hideIn(JSON.stringify({ time: new Date().toISOString(), id: randomUUID(), ...entry }));
  return {
    take: (entry) => lines.add(line(entry), entry),
    close: () => lines.close(),
  };
}
