import { randomUUID } from 'node:crypto';
import type { Execution, ExecutionCheckpoint } from '../../gateway/gateway.ts';
import type { Log } from '../../log.ts';
import type { ActiveRun } from './active-run.ts';
import { hasKept, keptOutput, readCheckpoint, storedCheckpoint } from './kept-output.ts';
import { noteOutput } from './note-output.ts';
import type { RunOutcome } from '../outcome.ts';
import type { Transcript } from '../../output/transcript.ts';
import type { ReachedKernel } from './reach-kernel.ts';
import { type EndedAt, readEnd } from './read-end.ts';

export interface RunBlockDeps {
  log: Log;
  inputTimeoutMs: number;
}

/** One block is one `execute_request`: sent, or taken up where a predecessor has sent it, and followed to its end. */
export async function runBlock(
  active: ActiveRun,
  block: number,
  kernel: ReachedKernel,
  transcript: Transcript,
  deps: RunBlockDeps,
): Promise<RunOutcome> {
  const left = active.run.data.sent;
  const at = (): EndedAt => ({
    kernelspec: active.run.data.kernelspec,
    durationMs: Date.now() - (active.run.data.startedAt ?? Date.now()),
    executionCount: active.run.data.executionCount,
    isKnownToRun: active.run.state === 'sent',
    hasRun: block > 0,
  });
  transcript.startBlock(active.run.data.blocks[block] ?? '');
  active.follow();
  const execution =
    left === undefined
      ? await sendBlock(active, block, kernel, deps.log)
      : kernel.connection.resume({
          msgId: left.msgId,
          allowStdin: isAttended(active),
          signal: active.signal,
          ...(active.run.data.asked === undefined ? {} : { inputRequest: active.run.data.asked }),
          checkpoint: readCheckpoint(left.left),
          ...(left.process === undefined || active.run.state !== 'sent' ? {} : { process: left.process }),
        });
  if (execution === undefined) return readEnd({ kind: 'notSent' }, active.stopReason, at());
  const resumedAt = Date.now();
  const isOutputHere = hasKept(transcript, left?.left);
  const cuts: { fromMs: number; toMs: number }[] = [];
  for await (const output of execution) {
    // Whether something is missing is known at the end.
    if (output.kind === 'reconnected') cuts.push(output);
    else await transcript.add(output);
    await noteOutput(active, output, kernel.record, deps);
    if (transcript.limited) active.stop({ kind: 'tooMuchOutput' });
  }
  active.question?.close();
  const { checkpoint } = execution;
  if (checkpoint !== undefined) await handOver(active, checkpoint, transcript);
  const end = await execution.end;
  if (left !== undefined && active.run.state === 'sent')
    cuts.unshift({
      fromMs: transcript.lastKeptAtMs ?? active.run.data.startedAt ?? resumedAt,
      toMs: resumedAt,
    });
  const possibleGap = end.possibleGap || !isOutputHere;
  if (possibleGap) for (const cut of cuts) await transcript.add({ kind: 'reconnected', ...cut, gap: true });
  return readEnd({ ...end, possibleGap }, active.stopReason, at());
}

/** The connection was closed on it: the ledger keeps how far this process came, once all of that is on disk. */
async function handOver(
  active: ActiveRun,
  checkpoint: ExecutionCheckpoint,
  transcript: Transcript,
): Promise<void> {
  const { sent, block } = active.run.data;
  const kept = keptOutput(transcript);
  await transcript.seal();
  if (checkpoint.isWritten && sent !== undefined)
    await active.change({}, { sent: { ...sent, left: { ...storedCheckpoint(checkpoint), ...kept } } });
  // Never sent, so that it waits again, or stands between two blocks.
  if (!checkpoint.isWritten)
    await active.change({ state: block === 0 ? 'waiting' : 'sent' }, { sent: undefined });
  active.markFollowed();
}

/** Writes the ledger, then the request. Undefined when the run was taken back before the kernel got it. */
async function sendBlock(
  active: ActiveRun,
  block: number,
  kernel: ReachedKernel,
  log: Log,
): Promise<Execution | undefined> {
  const { kernelId, sessionId } = kernel.record;
  const { process } = kernel.connection;
  const sent = { msgId: randomUUID(), kernelId, sessionId, ...(process === '' ? {} : { process }) };
  if (active.signal.aborted) return undefined;
  if (!(await active.change({ state: 'sending' }, { block, sent }))) return undefined;
  if (active.signal.aborted) return undefined;
  const code = active.run.data.blocks[block] ?? '';
  log.debug({ run: active.run.id, thread: active.run.thread, block, kernel: kernelId }, 'sent to the kernel');
  const allowStdin = isAttended(active);
  return kernel.connection.execute({ msgId: sent.msgId, code, allowStdin, signal: active.signal });
}

/** Somebody is there whom the kernel can ask. */
function isAttended({ run }: ActiveRun): boolean {
  return run.data.attended !== false;
}
