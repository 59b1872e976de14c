import type { AuditEntry } from '../audit/audit.ts';
import { allCounts, type SparkWork } from '../spark/spark-work.ts';
import { summarizeCode } from '../store/run-reader.ts';
import type { RunOutcome } from './outcome.ts';
import type { Run } from './run.ts';

/** A run has just been accepted. The code is written only with AUDIT_CODE. */
export function auditAccepted(run: Run, code: readonly string[]): AuditEntry {
  return { event: 'run.accepted', audit: 'accepted', ...describeRun(run), code };
}

/** An edit of the message has replaced the code of a waiting run. */
export function auditEdited(run: Run, code: readonly string[]): AuditEntry {
  return { event: 'run.edited', audit: 'edited', ...describeRun(run), code };
}

/** Who, where, when, on which kernel, and how the run ended; never output. */
export function auditEnded(run: Run, outcome: RunOutcome): AuditEntry {
  const { data } = run;
  return {
    event: 'run.ended',
    audit: 'run',
    ...describeRun(run),
    kernel: data.request?.kernelId,
    outcome: outcome.kind,
    durationMs: outcome.durationMs,
    waitedMs: (data.startedAt ?? Date.now()) - run.createdAt,
    ...(data.spark === undefined ? {} : describeSpark(data.spark)),
  };
}

/** What the run's Spark jobs have done, as far as they were observed. */
function describeSpark(spark: SparkWork): Partial<AuditEntry> {
  const { jobs, doneTasks, failedTasks } = allCounts(spark);
  return { sparkApp: spark.app, sparkJobs: jobs, sparkTasks: doneTasks, sparkFailedTasks: failedTasks };
}

/** Describes code that made no run. */
export function describeCode(blocks: readonly string[]) {
  const { codeSha256, codeLength } = summarizeCode(blocks);
  return { codeSha256, codeLength, code: blocks };
}

function describeRun({ id, requester, workspace, channel, thread, data }: Run) {
  return {
    run: id,
    user: requester,
    workspace,
    channel,
    thread,
    source: data.source,
    kernelspec: data.kernelspec,
    language: data.dialect ?? data.language,
    codeSha256: data.codeSha256,
    codeLength: data.codeLength,
  };
}
