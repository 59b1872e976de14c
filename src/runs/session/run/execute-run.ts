import { randomUUID } from 'node:crypto';
import type { ExecutionCheckpoint, Execution } from '../../../gateway/gateway.ts';
import { isStatus, type Output, type Status } from '../../../gateway/outputs.ts';
import type { Log } from '../../../log.ts';
import type { Transcript } from '../../../output/transcript.ts';
import { type RunOutcome, syntheticOutcome } from '../../outcome.ts';
import type { StoredOutput } from '../../run.ts';
import type { RunPhase } from '../../run-view.ts';
import { askInput } from './input.ts';
import type { KernelRecord } from '../kernel/kernel-record.ts';
import type { LiveRun } from './live-run.ts';
import { type EndedAt, readEnd } from './read-end.ts';
import { RESTARTED_NOTE } from '../kernel/session-kernel.ts';
import type { ReachedKernel } from './reach-kernel.ts';

/** Whether this process is surely the leader. */
export interface WriteGuard {
  mayWrite(): boolean;
  /** Resolves when it is sure again. */
  whenSure(signal?: AbortSignal): Promise<void>;
}

export interface ExecuteDeps {
  inputTimeoutMs: number;
  guard: WriteGuard;
  log: Log;
}

/** Each block is one execute_request, in order; the first that does not end well ends the run. */
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
    const outcome = await executeBlock(live, block, code[block] ?? '', kernel, transcript, deps);
    if (outcome.kind !== 'ok' && code.length > 1)
      return { ...outcome, endedBlock: { number: block + 1, of: code.length } };
    if (outcome.kind !== 'ok' || block + 1 >= code.length) return outcome;
    live.note({ data: { block: block + 1, request: undefined } });
  }
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
  const at = (): EndedAt => ({
    kernelspec: live.run.data.kernelspec,
    durationMs: Date.now() - (live.run.data.startedAt ?? Date.now()),
    executionCount: live.run.data.executionCount,
    isKnownToRun: live.run.state === 'running',
    hasRun: block > 0,
  });
  transcript.startBlock(code);
  live.follow();
  const execution =
    before === undefined
      ? await sendBlock(live, block, code, kernel, deps.log)
      : resumeBlock(live, code, kernel);
  if (execution === undefined) {
    live.released.throwIfAborted();
    return readEnd({ kind: 'notSent' }, live.stopReason, at());
  }
  const resumedAt = Date.now();
  const isOutputHere = hasStored(transcript, before?.checkpoint);
  const cuts: { fromMs: number; toMs: number }[] = [];
  for await (const event of execution) {
    // Whether something is missing is known at the end.
    if (event.kind === 'reconnected') cuts.push(event);
    else await transcript.add(event);
    if (isStatus(event)) noteStatus(live, event, deps.log);
    else noteOutput(live, event, kernel.record, deps);
    if (transcript.limited) live.stop({ kind: 'tooMuchOutput' });
  }
  live.closePrompt();
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
  return readEnd({ ...end, possibleGap }, live.stopReason, at());
}

/** Writes the store, then the request. Undefined when the run was stopped before the kernel got it. */
async function sendBlock(
  live: LiveRun,
  block: number,
  code: string,
  { record, connection }: ReachedKernel,
  log: Log,
): Promise<Execution | undefined> {
  const { kernelId, sessionId } = record;
  const { process } = connection;
  const request = { msgId: randomUUID(), kernelId, sessionId, ...(process === '' ? {} : { process }) };
  if (live.signal.aborted) return undefined;
  if (!(await live.commit({ state: 'sending', data: { block, request } }))) return undefined;
  if (live.signal.aborted) return undefined;
  log.debug(
    { event: 'run.sent', run: live.id, thread: live.run.thread, block, kernel: kernelId },
    'sent to the kernel',
  );
  return connection.execute({
    msgId: request.msgId,
    code,
    allowStdin: live.run.data.attended !== false,
    signal: live.signal,
  });
}

function resumeBlock(live: LiveRun, code: string, { connection }: ReachedKernel): Execution | undefined {
  const { request, inputRequest, attended } = live.run.data;
  if (request === undefined) return undefined;
  const { msgId, checkpoint, process } = request;
  return connection.resume({
    msgId,
    allowStdin: attended !== false,
    signal: live.signal,
    ...(inputRequest === undefined ? {} : { inputRequest }),
    ...(checkpoint === undefined ? {} : { checkpoint }),
    ...(process === undefined || live.run.state !== 'running' ? {} : { process }),
  });
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

/** What happens to the execution or its connection → the record and the phase on the screen. */
function noteStatus(live: LiveRun, status: Status, log: Log): void {
  const { phase } = live;
  const stopping = live.signal.aborted;
  switch (status.kind) {
    case 'started':
      // The write does not hold up the stream; output is shown once it is confirmed.
      live
        .commit({ state: 'running', data: { startedAt: live.run.data.startedAt ?? Date.now() } })
        .then(() => live.refresh())
        .catch(() => undefined);
      live.showRunning();
      return;
    case 'quiet':
      if (phase.kind === 'running') live.show({ ...phase, quietMs: status.quietMs });
      return;
    case 'behindOthers':
      live.show({
        kind: 'running',
        sinceMs: Date.now(),
        stopping,
        stopIgnored: false,
        behindOthers: true,
      });
      return;
    case 'inputMayBeLost':
      if (phase.kind === 'running') live.show({ ...phase, inputMayBeLost: true });
      return;
    case 'stopIgnored':
      live.show({ ...asRunning(live), stopIgnored: true });
      return;
    case 'disconnected':
      log.info(
        { event: 'kernel.disconnected', run: live.id },
        'the kernel’s websocket dropped; reconnecting',
      );
      return;
    case 'outage': {
      const { code, detail, isCutOff } = status;
      log.warn(
        { event: 'gateway.outage', run: live.id, code, detail, isCutOff },
        'the gateway is away or refuses us',
      );
      live.showOutage({ code, detail, isCutOff });
      return;
    }
    case 'outageOver':
      live.showOutage(undefined);
      return;
    case 'dropped':
    case 'tooBig':
    case 'reconnected':
      live.refresh();
  }
}

/** What the kernel says → the record and the phase on the screen. */
function noteOutput(
  live: LiveRun,
  output: Output,
  record: KernelRecord,
  { inputTimeoutMs }: ExecuteDeps,
): void {
  switch (output.kind) {
    case 'counted':
      noteCount(live, output.executionCount, record);
      return;
    case 'inputRequest':
      askInput(live, output, inputTimeoutMs);
      return;
    default:
      // Code that says something does not wait for a lost question.
      if (live.phase.kind === 'running') live.show({ ...live.phase, inputMayBeLost: false });
      else live.refresh();
  }
}

/** The kernel may have got it without a message. */
function asRunning({ phase, run }: LiveRun): RunPhase & { kind: 'running' } {
  if (phase.kind === 'running') return phase;
  const sinceMs = run.data.startedAt ?? Date.now();
  return { kind: 'running', sinceMs, stopping: true, stopIgnored: false };
}

/** A count that fell: the gateway restarted the kernel while nobody was connected (protocol.md §2.7). */
function noteCount(live: LiveRun, executionCount: number, record: KernelRecord): void {
  const { notes, block, executionCount: known } = live.run.data;
  if (executionCount === known) return;
  const restarted = executionCount > 0 && executionCount <= record.executionCount && block === 0;
  const isNews = restarted && !notes.includes(RESTARTED_NOTE);
  // Written with the next change of state: alone it is worth no write.
  live.setData({ executionCount, ...(isNews ? { notes: [...notes, RESTARTED_NOTE] } : {}) });
}
