import { randomUUID } from 'node:crypto';
import { type Execution, type ExecutionCheckpoint, isStatus } from '../../../gateway/outputs.ts';
import type { Log } from '../../../log.ts';
import { ToreesNull } from '../../../output/errors/spark-error.ts';
import type { Transcript } from '../../../output/transcript.ts';
import { SparkMonitor } from '../../../spark/read-monitor.ts';
import { sqlForKernel } from '../../../spark/sql/kernel-code.ts';
import { type RunOutcome, syntheticOutcome } from '../../outcome.ts';
import type { Run, StoredOutput } from '../../run.ts';
import type { ReachedKernel } from '../kernel/launch-kernel.ts';
import type { SparkObserver } from '../spark-observer.ts';
import type { LiveRun } from './live-run.ts';
import { noteConsoleBar, noteObserver, noteOutput, noteStatus } from './note-events.ts';

/** Tells whether this process is surely the leader. */
export interface WriteGuard {
  mayWrite(): boolean;
  /** Resolves when this process is sure again. */
  whenSure(signal?: AbortSignal): Promise<void>;
}

export interface ExecuteDeps {
  spark: Pick<SparkObserver, 'settings' | 'codeFor' | 'follow'>;
  inputTimeoutMs: number;
  guard: WriteGuard;
  log: Log;
}

/**
 * Sends the blocks in order, one execute_request each. The first block that does not end well ends the run, except a
 * notebook's cell that is allowed to raise an error.
 */
export async function executeRun(
  live: LiveRun,
  kernel: ReachedKernel,
  transcript: Transcript,
  deps: ExecuteDeps,
): Promise<RunOutcome> {
  live.follow();
  const code = await live.code();
  if (code.length === 0 && live.run.data.request === undefined)
    return {
      ...syntheticOutcome('notStarted', live.run.data.kernelspec),
      detail: 'The bot’s store has lost its code; send it again.',
    };
  for (let block = live.run.data.block; ; block += 1) {
    const end = await executeBlock(live, block, code[block] ?? '', kernel, transcript, deps);
    const outcome =
      mayRaise(live.run, block) && end.kind === 'raised' ? ({ ...end, kind: 'ok' } as const) : end;
    const unit = live.run.data.notebook === undefined ? undefined : 'cell';
    if (outcome.kind !== 'ok' && code.length > 1)
      return { ...outcome, endedBlock: { number: block + 1, of: code.length, unit } };
    if (outcome.kind !== 'ok' || block + 1 >= code.length) return outcome;
    live.note({ data: { block: block + 1, request: undefined } });
  }
}

function mayRaise({ data }: Run, block: number): boolean {
  return data.notebook?.mayRaise?.includes(block) === true;
}

/** Sends the block, or resumes what an earlier process sent, and follows it to its end. */
async function executeBlock(
  live: LiveRun,
  block: number,
  code: string,
  kernel: ReachedKernel,
  transcript: Transcript,
  deps: ExecuteDeps,
): Promise<RunOutcome> {
  const before = live.run.data.request;
  transcript.startBlock(code, block);
  const execution =
    before === undefined ? await sendBlock(live, block, code, kernel, deps) : resumeBlock(live, kernel);
  if (execution === undefined) {
    live.released.throwIfAborted();
    return live.readEnd({ kind: 'notSent' });
  }
  live.execution = execution;
  const resumedAt = Date.now();
  const isOutputHere = hasStored(transcript, before?.checkpoint);
  const cuts: { fromMs: number; toMs: number }[] = [];
  const echo = (text: string): void => void transcript.add({ kind: 'stream', name: 'stdout', text });
  const monitor = new SparkMonitor();
  const toreesNull = new ToreesNull();
  const stopFollowing = deps.spark.follow(live, kernel.connection);
  const whenQuiet = setTimeout(keepCheckpoint, QUIET_MS, live, execution, transcript);
  try {
    for await (const event of execution) {
      // Sets the timer anew, also after it has fired. `quiet` says only that nothing comes.
      if (event.kind !== 'quiet') whenQuiet.refresh();
      if (event.kind === 'comm') {
        noteObserver(live, event, monitor, deps.spark.settings);
        continue;
      }
      // SQL shows its rows as a display. Toree sends an additional result, which says nothing.
      if (event.kind === 'result' && live.run.data.dialect !== undefined) continue;
      if (toreesNull.is(event)) continue;
      // Only the end tells whether output is missing in between.
      if (event.kind === 'reconnected') cuts.push(event);
      else await transcript.add(event);
      noteConsoleBar(live, transcript.view(), deps.spark.settings);
      if (isStatus(event)) noteStatus(live, event, deps.log);
      else noteOutput(live, event, kernel.record, deps.inputTimeoutMs, echo);
      if (transcript.view().limited) live.stop({ kind: 'tooMuchOutput' });
    }
  } finally {
    stopFollowing();
    clearTimeout(whenQuiet);
  }
  live.prompts.close();
  if (execution.checkpoint !== undefined) await storeCheckpoint(live, execution.checkpoint, transcript);
  const end = await execution.end;
  if (end.kind === 'writesPaused' && !live.signal.aborted) {
    // The lease is in doubt: the run waits until this process is sure again or ends.
    await live.commit({ state: block === 0 ? 'waiting' : 'running', data: { request: undefined } });
    await deps.guard.whenSure(live.released);
    live.released.throwIfAborted();
    return await executeBlock(live, block, code, kernel, transcript, deps);
  }
  if (before !== undefined && live.run.state === 'running')
    cuts.unshift({
      fromMs: transcript.lastKeptAtMs ?? live.run.data.startedAt ?? resumedAt,
      toMs: resumedAt,
    });
  const possibleGap = end.possibleGap || !isOutputHere;
  if (possibleGap) for (const cut of cuts) await transcript.add({ kind: 'reconnected', ...cut });
  return live.readEnd({ ...end, possibleGap }, before === undefined);
}

/** Stores the request, then sends it. Undefined if the run was stopped before. */
async function sendBlock(
  live: LiveRun,
  block: number,
  code: string,
  { record, connection }: ReachedKernel,
  { spark, log }: ExecuteDeps,
): Promise<Execution | undefined> {
  const { kernelId, sessionId } = record;
  const { process } = connection;
  const sentAt = Date.now();
  const request = {
    msgId: randomUUID(),
    kernelId,
    sessionId,
    sentAt,
    ...(process === '' ? {} : { process }),
  };
  if (live.signal.aborted) return undefined;
  const { dialect, language = '' } = live.run.data;
  const spoken = { language, implementation: connection.kernelInfo.implementation };
  if (!(await live.commit({ state: 'sending', data: { block, request } }))) return undefined;
  if (live.signal.aborted) return undefined;
  log.debug(
    { event: 'run.sent', run: live.id, thread: live.run.thread, block, kernel: kernelId },
    'sent to the kernel',
  );
  return connection.execute({
    msgId: request.msgId,
    code:
      dialect === undefined
        ? spark.codeFor(code, connection)
        : sqlForKernel(code, spoken, spark.settings.sqlRows),
    allowStdin: live.run.data.attended !== false,
    signal: live.signal,
  });
}

function resumeBlock(live: LiveRun, { connection }: ReachedKernel): Execution | undefined {
  const { request, inputRequest, attended, executionCount = 1 } = live.run.data;
  if (request === undefined) return undefined;
  const { msgId, checkpoint, process } = request;
  const hasBegun = live.run.state === 'running';
  return connection.resume({
    msgId,
    allowStdin: attended !== false,
    signal: live.signal,
    inputRequest,
    checkpoint,
    process: hasBegun ? process : undefined,
    executionCount: hasBegun ? executionCount : undefined,
  });
}

/** When nothing has come for this long, the store gets how far this process has followed the run. */
const QUIET_MS = 1_000;

/**
 * Stores a checkpoint in the middle of an execution, with the output before it on disk. After `kill -9` the successor
 * compares it with the kernel's message numbers, which prove whether anything is missing.
 */
function keepCheckpoint(live: LiveRun, execution: Execution, transcript: Transcript): void {
  const checkpoint = execution.soFar();
  if (checkpoint === undefined) return;
  const interim = { ...checkpoint, ...storedOutput(transcript) };
  void transcript.save().then(() => {
    const { request } = live.run.data;
    if (request?.msgId === execution.msgId && execution.checkpoint === undefined)
      live.note({ data: { request: { ...request, checkpoint: interim } } });
  });
}

/** The connection was closed properly: stores how far this process has come, once all of that is on disk. */
async function storeCheckpoint(
  live: LiveRun,
  checkpoint: ExecutionCheckpoint,
  transcript: Transcript,
): Promise<void> {
  const { request, block } = live.run.data;
  const stored = storedOutput(transcript);
  await transcript.seal();
  if (checkpoint.isWritten && request !== undefined)
    await live.commit({ data: { request: { ...request, checkpoint: { ...checkpoint, ...stored } } } });
  // The request was never sent: the run waits again, or is between two blocks.
  if (!checkpoint.isWritten)
    await live.commit({ state: block === 0 ? 'waiting' : 'running', data: { request: undefined } });
  live.markFollowed();
}

/** To be called before the transcript is sealed, which moves tables out of the text. */
export function storedOutput(transcript: Transcript): StoredOutput {
  const { textBytes, parts } = transcript.view();
  return { keptBytes: textBytes, keptParts: parts.length };
}

/** Whether the output that an earlier process stored is on this machine. */
export function hasStored(transcript: Transcript, stored: StoredOutput | undefined): boolean {
  if (stored === undefined) return true;
  const { keptBytes, keptParts } = storedOutput(transcript);
  return keptBytes >= stored.keptBytes && keptParts >= stored.keptParts;
}
