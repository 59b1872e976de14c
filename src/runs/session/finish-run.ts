import { createHash } from 'node:crypto';
import type { Log } from '../../log.ts';
import type { ActiveRun } from './active-run.ts';
import type { KeptOutput } from './kept-output.ts';
import type { RunOutcome } from '../outcome.ts';
import type { Run } from '../run.ts';

export interface EndedRun {
  /** The outcome that stands: ours, or what another process had written first. */
  outcome: RunOutcome;
  isOurs: boolean;
}

/**
 * The last two steps of a run: the outcome into the ledger (the next run may start then), the final answer onto the
 * screen. A crash in between is taken up at the first step not done. An end of ours is to be audited (`auditRun`).
 */
export async function endRun(
  active: ActiveRun,
  { outcome, kept }: { outcome: RunOutcome; kept?: KeptOutput },
): Promise<EndedRun> {
  const isOurs = await active.conclude(outcome, kept);
  return { outcome: isOurs ? outcome : (active.run.data.outcome ?? outcome), isOurs };
}

/** The audit line: who, where, when, which kernel, how it ended; never code or output (product.md §7). */
export function auditRun({ run }: ActiveRun, outcome: RunOutcome, log: Log): void {
  const code = run.data.blocks.join('\n\n');
  log.info(
    {
      audit: 'run',
      run: run.id,
      user: run.runner,
      workspace: run.workspace,
      channel: run.channel,
      door: run.data.door,
      kernelspec: run.data.kernelspec,
      language: run.data.language,
      kernel: run.data.sent?.kernelId,
      outcome: outcome.kind,
      durationMs: outcome.durationMs,
      waitedMs: (run.data.startedAt ?? Date.now()) - run.createdAt,
      codeSha256: createHash('sha256').update(code).digest('hex'),
      codeLength: code.length,
    },
    'run ended',
  );
}

/**
 * Shows the final answer and closes the ledger's page; what is to be erased is taken away instead. Never throws: what
 * could not be told is in the log.
 */
export async function postRun(
  active: ActiveRun,
  outcome: RunOutcome,
  { erase, log }: { erase: (run: Run) => Promise<void>; log: Log },
): Promise<void> {
  try {
    if (active.run.data.erased !== true) await showLast(active, outcome, log);
    // Looked at again: it may have been asked for while the answer was on its way.
    if (active.run.data.erased === true) {
      await active.withdrawAnswer();
      await erase(active.run);
    }
  } catch (error) {
    log.error({ err: error, run: active.run.id }, 'the final answer is left to the next start');
  }
}

/** What Slack did not refuse stays `ended`: a successor shows it. */
async function showLast(active: ActiveRun, outcome: RunOutcome, log: Log): Promise<void> {
  const delivery = await active.finish({ kind: 'ended', outcome });
  if (delivery.delivered) {
    const { messageTs, files, replies } = delivery;
    const belongings = {
      ...(files === undefined ? {} : { files }),
      ...(replies === undefined ? {} : { replies }),
    };
    await active.close({ answerTs: messageTs, ...belongings });
    return;
  }
  const { reason, isRefused } = delivery;
  log.warn({ run: active.run.id, reason, isRefused }, 'the final answer could not be delivered');
  if (isRefused) await active.change({ state: 'posted' });
}
