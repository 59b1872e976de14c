import type { Log } from '../log.ts';
import type { RunOutcome } from './outcome.ts';
import type { Run } from './run.ts';

/** The audit line: who, where, when, which kernel, how it ended; never code or output. */
export function logEnd(run: Run, outcome: RunOutcome, log: Log): void {
  const { data } = run;
  log.info(
    {
      event: 'run.ended',
      audit: 'run',
      run: run.id,
      user: run.requester,
      workspace: run.workspace,
      channel: run.channel,
      source: data.source,
      kernelspec: data.kernelspec,
      language: data.dialect ?? data.language,
      kernel: data.request?.kernelId,
      outcome: outcome.kind,
      durationMs: outcome.durationMs,
      waitedMs: (data.startedAt ?? Date.now()) - run.createdAt,
      codeSha256: data.codeSha256,
      codeLength: data.codeLength,
    },
    'run ended',
  );
}
