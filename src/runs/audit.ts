import type { AuditEntry } from '../audit/audit.ts';
import { allCounts, type SparkWork } from '../spark/spark-work.ts';
import { summarizeCode } from '../store/run-reader.ts';
import type { RunOutcome } from './outcome.ts';
import type { Run } from './run.ts';

/** A run that was accepted just now. The code is for those who want it (AUDIT_CODE). */
export function auditAccepted(run: Run, code: readonly string[]): AuditEntry {
  return { event: 'run.accepted', audit: 'accepted', ...describeRun(run), code };
}

/** An edit of its message put other code in the place of a run that waits. */
export function auditEdited(run: Run, code: readonly string[]): AuditEntry {
  return { event: 'run.edited', audit: 'edited', ...describeRun(run), code };
}

/** Who, where, when, which kernel, how it ended; never output. */
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

/** What its Spark jobs have cost, as far as they were seen. */
function describeSpark(spark: SparkWork): Partial<AuditEntry> {
  const { jobs, doneTasks, failedTasks } = allCounts(spark);
  return { sparkApp: spark.app, sparkJobs: jobs, sparkTasks: doneTasks, sparkFailedTasks: failedTasks };
}

/** Of code that made no run. */
export function describeCode(
  blocks: readonly string[],
): Pick<AuditEntry, 'codeSha256' | 'codeLength' | 'code'> {
  const { codeSha256, codeLength } = summarizeCode(blocks);
  return { codeSha256, codeLength, code: blocks };
}

function describeRun({
  id,
  requester,
  workspace,
  channel,
  thread,
  data,
}: Run): Omit<AuditEntry, 'event' | 'audit'> {
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
