import { randomUUID } from 'node:crypto';
import { type Execution, type ExecutionCheckpoint, isStatus } from '../../../gateway/outputs.ts';
import type { Log } from '../../../log.ts';
import { ToreesNull } from '../../../output/errors/jvm-error.ts';
import type { Transcript } from '../../../output/transcript.ts';
import { SparkMonitor } from '../../../spark/read-monitor.ts';
import { sqlForKernel } from '../../../spark/sql/kernel-code.ts';
import { type RunOutcome, syntheticOutcome } from '../../outcome.ts';
import type { Run, StoredOutput } from '../../run.ts';
import type { ReachedKernel } from '../kernel/launch-kernel.ts';
import type { SparkObserver } from '../spark-observer.ts';
import type { LiveRun } from './live-run.ts';
import { noteConsoleBar, noteObserver, noteOutput, noteStatus } from './note-events.ts';

/** Whether this process is surely the leader. */
export interface WriteGuard {
  mayWrite(): boolean;
  /** Resolves when it is sure again. */
  whenSure(signal?: AbortSignal): Promise<void>;
}

export interface ExecuteDeps {
  spark: Pick<SparkObserver, 'settings' | 'codeFor' | 'follow'>;
  inputTimeoutMs: number;
  guard: WriteGuard;
  log: Log;
}

/**
 * Each block is one execute_request, in order; the first that does not end well ends the run, but for the error of a
 * notebook's cell that may have one.
 */
export async function executeRun(
  live: LiveRun,
  kernel: ReachedKernel,
  transcript: Transcript,
  deps: ExecuteDeps,
): Promise<RunOutcome> {
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

/** Sends the block, or resumes the execution that a predecessor wrote, and follows it to its end. */
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
  live.follow();
  const execution =
    before === undefined ? await sendBlock(live, block, code, kernel, deps) : resumeBlock(live, code, kernel);
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
  const keeping = setInterval(keepCheckpoints(live, execution, transcript), QUIET_MS);
  try {
    for await (const event of execution) {
      // Whether something is missing is known at the end.
      if (event.kind === 'comm') {
        noteObserver(live, event, monitor, deps.spark.settings);
        continue;
      }
      // What shows rows is a display: a result is what Toree says of a block without one.
      if (event.kind === 'result' && live.run.data.dialect !== undefined) continue;
      if (toreesNull.is(event)) continue;
      if (event.kind === 'reconnected') cuts.push(event);
      else await transcript.add(event);
      noteConsoleBar(live, transcript.view(), deps.spark.settings);
      if (isStatus(event)) noteStatus(live, event, deps.log);
      else noteOutput(live, event, kernel.record, deps.inputTimeoutMs, echo);
      if (transcript.view().limited) live.stop({ kind: 'tooMuchOutput' });
    }
  } finally {
    stopFollowing();
    clearInterval(keeping);
  }
  live.prompts.close();
  if (execution.checkpoint !== undefined) await storeCheckpoint(live, execution.checkpoint, transcript);
  const end = await execution.end;
  if (end.kind === 'notSent' && !live.signal.aborted && !deps.guard.mayWrite()) {
    // The lease is in doubt: the run waits until this process is sure again, or ends.
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
  if (possibleGap) for (const cut of cuts) await transcript.add({ kind: 'reconnected', ...cut, gap: true });
  return live.readEnd({ ...end, possibleGap }, before === undefined);
}

/** Writes the store, then the request. Undefined when the run was stopped before the kernel got it. */
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

function resumeBlock(live: LiveRun, code: string, { connection }: ReachedKernel): Execution | undefined {
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

/** So long nothing came: how far the run is can be stored, so that a process that is killed then lacks nothing. */
const QUIET_MS = 500;

/**
 * To be called at intervals: where nothing came since the last time, the store gets how far this process came. What comes
 * later is known to be missing by the kernel's message numbers, so only those who have them can prove anything.
 */
function keepCheckpoints(live: LiveRun, execution: Execution, transcript: Transcript): () => void {
  let [seen, stored] = ['', ''];
  return () => {
    const checkpoint = execution.soFar();
    const now = JSON.stringify(checkpoint) ?? '';
    const isQuiet = now === seen && now !== stored;
    seen = now;
    if (checkpoint === undefined || !isQuiet) return;
    stored = now;
    const interim = { ...checkpoint, ...storedOutput(transcript) };
    void transcript.save().then(() => {
      const { request } = live.run.data;
      if (request?.msgId === execution.msgId && execution.checkpoint === undefined)
        live.note({ data: { request: { ...request, checkpoint: interim } } });
    });
  };
}

/** The connection was closed in order: the store keeps how far this process came, once all of that is on disk. */
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
  // Never sent, so that the run waits again, or is between two blocks.
  if (!checkpoint.isWritten)
    await live.commit({ state: block === 0 ? 'waiting' : 'running', data: { request: undefined } });
  live.markFollowed();
}

/** To be asked before the transcript is sealed: that takes tables out of the text around them. */
export function storedOutput(transcript: Transcript): StoredOutput {
  const { textBytes, parts } = transcript.view();
  return { keptBytes: textBytes, keptParts: parts.length };
}

/** Whether what an earlier process stored is on this machine. */
export function hasStored(transcript: Transcript, stored: StoredOutput | undefined): boolean {
  if (stored === undefined) return true;
  const { keptBytes, keptParts } = storedOutput(transcript);
  return keptBytes >= stored.keptBytes && keptParts >= stored.keptParts;
}
