import { randomUUID } from 'node:crypto';
import { GatewayError } from '../errors.ts';
import type { Execution, KernelConnection } from '../gateway/gateway.ts';
import type { ExecutionEnd, KernelOutput } from '../gateway/outputs.ts';
import type { Log } from '../log.ts';
import type { ActiveRun } from './active-run.ts';
import { askInput } from './ask-input.ts';
import { cancelSparkJobs } from './cancel-spark-jobs.ts';
import { type ChannelKernels, type ReadyKernel, restartedNote } from './channel-kernels.ts';
import type { KernelRecord } from './kernel-record.ts';
import type { RunOutcome } from './outcome.ts';
import type { Transcript } from './output/transcript.ts';
import type { Run } from './run-data.ts';
import { type EndedAt, readEnd } from './read-end.ts';

export interface RunSnippetDeps {
  kernels: ChannelKernels;
  log: Log;
  openTranscript: (run: Run, recovered: boolean) => Promise<Transcript>;
  runTimeoutMs: number | undefined;
  inputTimeoutMs: number;
}

export interface RanSnippet {
  outcome: RunOutcome;
  /** Absent when nothing was ever sent. */
  transcript: Transcript | undefined;
}

/**
 * THE use case: one run from its turn to its outcome. Kernel → execute each block in order → fold what it says.
 * Every way it can go ends in an outcome; what throws is a bug or a store that does not answer.
 * A run that a predecessor left `sending` or `sent` is taken up, never sent again (product.md §7).
 */
export async function runSnippet(active: ActiveRun, deps: RunSnippetDeps): Promise<RanSnippet> {
  const recovered = active.run.state !== 'waiting';
  const kernel = await reachKernel(active, deps);
  if ('outcome' in kernel && !recovered) return { outcome: kernel.outcome, transcript: undefined };
  const transcript = await deps.openTranscript(active.run, recovered);
  active.showOutput(() => transcript.view());
  if ('outcome' in kernel) return { outcome: kernel.outcome, transcript };
  const clock = startClock(active, deps.runTimeoutMs);
  try {
    const outcome = await runBlocks(active, kernel, transcript, deps);
    if (wasInterrupted(outcome)) await cancelSparkJobs(kernel.connection);
    await transcript.seal();
    const by = { runner: active.run.runner, thread: active.run.thread, outcome };
    await deps.kernels
      .used(kernel.record, by)
      .catch((error: unknown) => deps.log.warn({ err: error }, 'the use of a kernel was not noted'));
    return { outcome, transcript };
  } finally {
    clearTimeout(clock);
  }
}

/** By us: what it had set going elsewhere has to stop with it. */
function wasInterrupted({ kind }: RunOutcome): boolean {
  return (
    kind === 'interrupted' || kind === 'timedOut' || kind === 'tooMuchOutput' || kind === 'inputTimedOut'
  );
}

type Reached = { record: KernelRecord; connection: KernelConnection };

async function reachKernel(
  active: ActiveRun,
  deps: RunSnippetDeps,
): Promise<Reached | { outcome: RunOutcome }> {
  const { run } = active;
  const at: EndedAt = {
    kernelspec: run.data.kernelspec,
    durationMs: 0,
    executionCount: undefined,
    isKnownToRun: false,
  };
  try {
    if (run.data.sent !== undefined) return await reachLeftKernel(active, deps, at);
    const { workspace, channel, lane, runner, thread } = run;
    const sinceMs = Date.now();
    const ready: ReadyKernel = await deps.kernels.ready(
      { workspace, channel, lane, runner, thread },
      run.data.kernelspec,
      {
        onStarting: () => active.show({ kind: 'startingKernel', sinceMs, turnsBefore: 0 }),
        onTurn: (turnsBefore) => active.show({ kind: 'startingKernel', sinceMs, turnsBefore }),
      },
      active.signal,
    );
    if (ready.note !== undefined) await active.change({}, { notes: [...run.data.notes, ready.note] });
    return ready;
  } catch (error) {
    if (active.signal.aborted) return { outcome: ending({ kind: 'notSent' }, active, at) };
    if (!(error instanceof GatewayError)) throw error;
    deps.log.warn({ err: error, run: run.id }, 'the kernel could not be reached');
    const kind = error.code === 'startFailed' || error.code === 'refused' ? 'notStarted' : 'gatewayAway';
    return { outcome: { ...ending({ kind: 'gatewayAway' }, active, at), kind, detail: error.message } };
  }
}

/** After a crash: the kernel that the predecessor wrote to, with its session, so that the gateway replays. */
async function reachLeftKernel(
  active: ActiveRun,
  deps: RunSnippetDeps,
  at: EndedAt,
): Promise<Reached | { outcome: RunOutcome }> {
  const left = active.run.data.sent;
  const { lane, state } = active.run;
  // A stop cannot take back what was sent: it waits for the connection and interrupts there.
  const { signal: untilConnected } = new AbortController();
  const connection = await deps.kernels
    .reattach(lane, left?.kernelId ?? '', untilConnected)
    .catch((error: unknown) => {
      if (error instanceof GatewayError && error.code === 'kernelGone') return undefined;
      throw error;
    });
  const record = await deps.kernels.find(lane);
  if (connection !== undefined && record !== undefined) return { connection, record };
  const gone = ending({ kind: 'kernelGone', variablesLost: true }, active, {
    ...at,
    isKnownToRun: state === 'sent',
  });
  return { outcome: state === 'sending' ? { ...gone, kind: 'unknown' } : gone };
}

/** Each block its own execute_request, in order; the first that does not end well ends the run. */
async function runBlocks(
  active: ActiveRun,
  kernel: Reached,
  transcript: Transcript,
  deps: RunSnippetDeps,
): Promise<RunOutcome> {
  let last: RunOutcome | undefined;
  for (let block = active.run.data.block; block < active.run.data.blocks.length; block++) {
    const outcome = await runBlock(active, block, kernel, transcript, deps);
    last = outcome;
    if (outcome.kind !== 'ok') return outcome;
    if (block + 1 < active.run.data.blocks.length)
      await active.change({}, { block: block + 1, sent: undefined });
  }
  if (last === undefined) throw new Error(`run ${active.run.id} has no block to run`);
  return last;
}

async function runBlock(
  active: ActiveRun,
  block: number,
  kernel: Reached,
  transcript: Transcript,
  deps: RunSnippetDeps,
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
  const execution =
    left === undefined
      ? await sendBlock(active, block, kernel, deps.log)
      : kernel.connection.resume({ msgId: left.msgId, signal: active.signal });
  if (execution === undefined) return ending({ kind: 'notSent' }, active, at());
  // The gateway replays only what nobody has read: that question does not come again.
  if (left !== undefined && active.run.data.asked !== undefined) active.stop({ kind: 'questionLost' });
  const resumedAt = Date.now();
  await followOutputs(active, execution, kernel.record, transcript, deps);
  active.question?.close();
  const end = await execution.end;
  if (left !== undefined && end.possibleGap && active.run.state === 'sent') {
    const fromMs = transcript.lastKeptAtMs ?? active.run.data.startedAt ?? resumedAt;
    await transcript.add({ kind: 'reconnected', fromMs, toMs: resumedAt, gap: true });
  }
  return ending(end, active, at());
}

/** Writes the ledger, then the request. Undefined when the run was taken back before the kernel got it. */
async function sendBlock(
  active: ActiveRun,
  block: number,
  kernel: Reached,
  log: Log,
): Promise<Execution | undefined> {
  const { kernelId, sessionId } = kernel.record;
  const sent = { msgId: randomUUID(), kernelId, sessionId };
  if (active.signal.aborted) return undefined;
  if (!(await active.change({ state: 'sending' }, { block, sent }))) return undefined;
  if (active.signal.aborted) return undefined;
  const code = active.run.data.blocks[block] ?? '';
  log.debug({ run: active.run.id, thread: active.run.thread, block, kernel: kernelId }, 'sent to the kernel');
  const allowStdin = active.run.data.attended !== false;
  return kernel.connection.execute({ msgId: sent.msgId, code, allowStdin, signal: active.signal });
}

async function followOutputs(
  active: ActiveRun,
  execution: Execution,
  record: KernelRecord,
  transcript: Transcript,
  deps: RunSnippetDeps,
): Promise<void> {
  for await (const output of execution) {
    await transcript.add(output);
    await noteOutput(active, output, record, deps);
    if (transcript.limited) active.stop({ kind: 'tooMuchOutput' });
  }
}

/** What an output changes beside the transcript: the ledger's state, the phase on the screen. */
async function noteOutput(
  active: ActiveRun,
  output: KernelOutput,
  record: KernelRecord,
  deps: RunSnippetDeps,
): Promise<void> {
  const { phase } = active;
  const stopping = active.signal.aborted;
  switch (output.kind) {
    case 'started': {
      const sinceMs = active.run.data.startedAt ?? Date.now();
      await active.change({ state: 'sent' }, { startedAt: sinceMs });
      active.show({ kind: 'running', sinceMs, stopping, stopIgnored: false });
      return;
    }
    case 'counted':
      await noteCount(active, output.executionCount, record);
      return;
    case 'quiet':
      if (phase.kind === 'running') active.show({ ...phase, quietMs: output.quietMs });
      return;
    case 'stopIgnored':
      if (phase.kind === 'running') active.show({ ...phase, stopIgnored: true });
      return;
    case 'inputRequest':
      await askInput(active, output, deps.inputTimeoutMs);
      return;
    case 'disconnected':
      deps.log.info({ run: active.run.id }, 'the kernel’s websocket dropped; reconnecting');
      return;
    default:
      active.refresh();
  }
}

/** A count that fell: the gateway restarted the kernel while nobody was connected (lab.md §4). */
async function noteCount(active: ActiveRun, executionCount: number, record: KernelRecord): Promise<void> {
  const restarted =
    executionCount > 0 && executionCount <= record.executionCount && active.run.data.block === 0;
  const notes =
    restarted && !active.run.data.notes.includes(restartedNote)
      ? [...active.run.data.notes, restartedNote]
      : active.run.data.notes;
  if (executionCount !== active.run.data.executionCount) await active.change({}, { executionCount, notes });
}

function startClock(active: ActiveRun, runTimeoutMs: number | undefined): NodeJS.Timeout | undefined {
  if (runTimeoutMs === undefined) return undefined;
  const since = active.run.data.startedAt ?? Date.now();
  const left = Math.max(0, since + runTimeoutMs - Date.now());
  return setTimeout(() => active.stop({ kind: 'timeout', timeoutMs: runTimeoutMs }), left);
}

function ending(
  end: Partial<ExecutionEnd> & Pick<ExecutionEnd, 'kind'>,
  active: ActiveRun,
  at: EndedAt,
): RunOutcome {
  const whole = { variablesLost: false, possibleGap: false, replyMissing: false, idleMissing: false, ...end };
  return readEnd(whole, active.stopReason, at);
}
