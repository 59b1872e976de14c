import type { AuditEntry } from '../../audit/audit.ts';
import { StoreError, UserError } from '../../errors.ts';
import { GatewayError } from '../../gateway/errors.ts';
import type { Run } from '../../runs/run.ts';
import type { KernelRecord } from '../../runs/session/kernel/kernel-record.ts';
import type { SavedSnippet } from '../../saved/saved-snippets.ts';
import type { Schedule } from '../../saved/schedules/schedules.ts';
import type { Bot } from '../context.ts';

type AuditPort = Pick<Bot, 'workspace' | 'audit'>;

/** What was asked for: `audit` is the way in, `act` the command or button. */
export type Asked = Omit<AuditEntry, 'event' | 'workspace' | 'outcome' | 'reason'>;

/** Runs `act`, with an audit line at its acceptance and one at its end or refusal. */
export async function withAudit<Done>(
  asked: Asked,
  { workspace, audit }: AuditPort,
  act: () => Promise<Done>,
): Promise<Done> {
  audit.record({ event: 'request.accepted', ...asked, workspace });
  try {
    const done = await act();
    audit.record({ event: 'request.ended', ...asked, workspace, outcome: 'ok' });
    return done;
  } catch (error) {
    auditRefused(asked, error, { workspace, audit });
    throw error;
  }
}

/** Records that a request was refused, unless this error was recorded already. */
export function auditRefused(
  asked: Asked,
  error: unknown,
  { workspace, audit }: AuditPort,
  event: 'request.refused' | 'run.refused' = 'request.refused',
): void {
  audit.refuse(error, { event, ...asked, workspace, reason: reasonOf(error) });
}

function reasonOf(error: unknown): string {
  if (error instanceof UserError) return error.code;
  if (error instanceof GatewayError) return `gateway.${error.code}`;
  return error instanceof StoreError ? 'store' : 'broken';
}

/**
 * What was done to a run by somebody other than its requester. Without `user` its message was deleted: Slack does not
 * say by whom.
 */
export function auditRun(
  act: 'stop' | 'delete' | 'switch',
  run: Run,
  user: string | undefined,
  { audit }: AuditPort,
): void {
  const { id, workspace, channel, requester, data } = run;
  const { kernelspec } = data;
  audit.record({ event: 'audit.run', audit: act, user, workspace, channel, run: id, requester, kernelspec });
}

export function auditKernel(
  act: 'restart' | 'shutdown',
  { channel, kernelId: kernel, kernelspec }: KernelRecord,
  user: string,
  { workspace, audit }: AuditPort,
): void {
  audit.record({ event: 'audit.kernel', audit: act, user, workspace, channel, kernel, kernelspec });
}

export function auditChannel(
  change: { audit: 'auto'; on: boolean } | { audit: 'use'; kernelspec: string },
  channel: string,
  user: string,
  { workspace, audit }: AuditPort,
): void {
  audit.record({ event: 'audit.channel', ...change, user, workspace, channel });
}

export function auditSaved(
  act: 'save' | 'forget',
  { workspace, channel, name, kernelspec, codeSha256 }: SavedSnippet,
  user: string,
  { audit }: AuditPort,
): void {
  audit.record({ event: 'audit.saved', audit: act, user, workspace, channel, name, kernelspec, codeSha256 });
}

export function auditSchedule(
  act: 'schedule' | 'unschedule' | 'pause' | 'resume' | 'delete',
  { id: schedule, workspace, channel, name, maker: requester }: Schedule,
  user: string,
  { audit }: AuditPort,
): void {
  audit.record({ event: 'audit.schedule', audit: act, user, workspace, channel, schedule, requester, name });
}
