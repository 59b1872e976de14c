import type { KernelRecord } from '../../runs/session/kernel/kernel-record.ts';
import type { Run } from '../../runs/run.ts';
import type { SavedSnippet } from '../../saved/saved-snippets.ts';
import type { SlackPort } from '../context.ts';

type AuditPort = Pick<SlackPort, 'workspace' | 'log'>;

/** The audit line of what somebody did to another person's run, wherever they asked for it. */
export function auditRun(
  act: 'stop' | 'delete' | 'switch',
  run: Run,
  user: string,
  { log }: AuditPort,
): void {
  const { id, workspace, channel, requester, data } = run;
  log.info(
    {
      event: 'audit.run',
      audit: act,
      user,
      workspace,
      channel,
      run: id,
      requester,
      kernelspec: data.kernelspec,
    },
    'somebody decided about another person’s run',
  );
}

export function auditKernel(
  act: 'restart' | 'shutdown',
  { channel, kernelId, kernelspec }: KernelRecord,
  user: string,
  { workspace, log }: AuditPort,
): void {
  log.info(
    { event: 'audit.kernel', audit: act, user, workspace, channel, kernel: kernelId, kernelspec },
    'a kernel was changed',
  );
}

export function auditChannel(
  change: { audit: 'auto'; on: boolean } | { audit: 'use'; kernelspec: string },
  channel: string,
  user: string,
  { workspace, log }: AuditPort,
): void {
  log.info({ event: 'audit.channel', ...change, user, workspace, channel }, 'a channel’s choice was changed');
}

export function auditSaved(
  act: 'save' | 'forget',
  { workspace, channel, name, kernelspec, codeSha256 }: SavedSnippet,
  user: string,
  { log }: AuditPort,
): void {
  log.info(
    { event: 'audit.saved', audit: act, user, workspace, channel, name, kernelspec, codeSha256 },
    'a saved snippet was changed',
  );
}
