import { createHash } from 'node:crypto';
import type { Log } from '../log.ts';
import type { ActiveRun } from './active-run.ts';
import type { RunOutcome } from './outcome.ts';
import type { Transcript } from './output/transcript.ts';

/**
 * The last two steps of a run: the outcome into the ledger (the next run may start then), the final answer onto the
 * screen. A crash in between is taken up at the first step not done.
 */
export async function endRun(active: ActiveRun, outcome: RunOutcome, log: Log): Promise<void> {
  await active.change({ state: 'ended' }, { outcome });
  const { run } = active;
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

/** Shows the final answer and closes the ledger's page. Never throws: what could not be told is in the log. */
export async function postRun(
  active: ActiveRun,
  outcome: RunOutcome,
  transcript: Transcript | undefined,
  log: Log,
): Promise<void> {
  try {
    const delivery = await active.finish({ kind: 'ended', outcome });
    if (delivery.delivered) await active.change({ state: 'posted' }, { answerTs: delivery.answerTs });
    else {
      log.warn({ run: active.run.id, reason: delivery.reason }, 'the final answer could not be delivered');
      await active.change({ state: 'posted' });
    }
    await transcript?.remove();
  } catch (error) {
    log.error({ err: error, run: active.run.id }, 'the final answer is left to the next start');
  }
}
