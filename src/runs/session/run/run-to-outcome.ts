import { untilAborted } from '../../../gateway/waits.ts';
import type { Displays, Transcript } from '../../../output/transcript.ts';
import { type RunOutcome, syntheticOutcome } from '../../outcome.ts';
import type { Run, StoredOutput } from '../../run.ts';
import { type ExecuteDeps, executeRun, storedOutput } from './execute-run.ts';
import type { LiveRun } from './live-run.ts';
import { type ReachDeps, type ReachedKernel, reachKernel } from './reach-kernel.ts';
import type { SessionKernel } from '../kernel/session-kernel.ts';
import type { SparkObserver } from '../spark-observer.ts';

/** What Slack said about a person at acceptance is believed for so long. */
const RECENT_MS = 60_000;

export interface EndedRun {
  outcome: RunOutcome;
  /** Undefined when nothing was ever sent. */
  transcript: Transcript | undefined;
  stored?: StoredOutput;
  /** The kernel it ran on; undefined when none was reached. */
  kernelId: string | undefined;
}

export interface RunToOutcomeDeps extends ExecuteDeps, ReachDeps {
  /** Opens a run's output; `recovered`: goes on with what an earlier process stored. */
  openTranscript: (run: Run, recovered: boolean, displays: Displays) => Promise<Transcript>;
  /** Whether this requester's account was deactivated since a snippet of it was accepted. False where that is not known. */
  isDeactivated: (requester: string) => Promise<boolean>;
  runTimeoutMs: number | undefined;
  spark: SparkObserver;
}

/**
 * THE use case: one run from its turn to its outcome. Kernel → each block in order → what it says. Each way it can go is
 * an outcome; what throws is a bug, and ends the run as broken. A run that a predecessor left `sending` or `running` is
 * resumed, never sent again. Never rejects; undefined when it is left to a successor.
 */
export async function runToOutcome(
  live: LiveRun,
  kernel: SessionKernel,
  displays: Displays,
  deps: RunToOutcomeDeps,
): Promise<EndedRun | undefined> {
  let transcript: Transcript | undefined;
  const openTranscript = async (recovered: boolean): Promise<Transcript> => {
    transcript = await deps.openTranscript(live.run, recovered, displays);
    return transcript;
  };
  try {
    if (await isOfDeactivated(live, deps))
      return { outcome: deactivated(live), transcript, kernelId: undefined };
    return await reachAndExecute(live, kernel, openTranscript, deps);
  } catch (error) {
    if (live.released.aborted) return undefined;
    deps.log.error({ event: 'run.broken', err: error, run: live.id }, 'a run broke');
    const outcome = syntheticOutcome('broken', live.run.data.kernelspec);
    return { outcome, transcript, kernelId: undefined };
  }
}

/** Asked only of a run that has waited: its requester was just looked up when it was accepted. */
async function isOfDeactivated(
  { run }: LiveRun,
  { isDeactivated }: Pick<RunToOutcomeDeps, 'isDeactivated'>,
): Promise<boolean> {
  if (run.state !== 'waiting' || Date.now() - run.createdAt < RECENT_MS) return false;
  return await isDeactivated(run.requester);
}

function deactivated({ run }: LiveRun): RunOutcome {
  const detail = 'The account of its requester was deactivated in Slack while it waited.';
  return { ...syntheticOutcome('cancelled', run.data.kernelspec), detail };
}

async function reachAndExecute(
  live: LiveRun,
  kernel: SessionKernel,
  openTranscript: (recovered: boolean) => Promise<Transcript>,
  deps: RunToOutcomeDeps,
): Promise<EndedRun> {
  const { spark } = deps;
  const earlier = live.run.state === 'waiting' ? undefined : await openTranscript(true);
  if (earlier !== undefined) {
    // What is on the screen already stays there while its kernel is looked for.
    live.showOutput(() => earlier.view());
    if (live.run.state === 'running') live.showRunning();
  }
  const reached = await reachKernel(live, kernel, deps);
  if ('outcome' in reached) return { outcome: reached.outcome, transcript: earlier, kernelId: undefined };
  if (earlier === undefined) {
    // A kernel that does not begin it is told of; what begins soon is posted once, with what it says.
    if (live.phase.kind === 'waiting') live.show({ kind: 'waiting', ahead: 0 });
    await untilAborted(spark.putInto(reached.connection), live.signal).catch(() => undefined);
  }
  const transcript = earlier ?? (await openTranscript(false));
  live.showOutput(() => transcript.view());
  const clearClock = startClock(live, deps.runTimeoutMs);
  try {
    const outcome = await executeRun(live, reached, transcript, deps);
    if (wasInterrupted(outcome)) await endSparkJobs(live, reached, spark);
    const stored = storedOutput(transcript);
    transcript.noteEnd?.(outcome.kind);
    await transcript.seal();
    return { outcome, transcript, stored, kernelId: reached.record.kernelId };
  } finally {
    clearClock();
  }
}

/** RUN_TIMEOUT counts from the kernel's first message. */
function startClock(live: LiveRun, runTimeoutMs: number | undefined): () => void {
  if (runTimeoutMs === undefined) return () => undefined;
  const remainingMs = (live.run.data.startedAt ?? Date.now()) + runTimeoutMs - Date.now();
  const stop = (): void => live.stop({ kind: 'timeout' });
  const clock = setTimeout(stop, Math.max(0, remainingMs));
  const clear = (): void => clearTimeout(clock);
  live.released.addEventListener('abort', clear, { once: true });
  return clear;
}

async function endSparkJobs(
  live: LiveRun,
  { connection }: ReachedKernel,
  spark: SparkObserver,
): Promise<void> {
  const { request, startedAt = Date.now(), notes } = live.run.data;
  if (request === undefined) return;
  const ended = await spark.endJobs(connection, request.msgId, Date.now() - startedAt);
  if (ended === 'all operations') live.setData({ notes: [...notes, ALL_OPERATIONS_NOTE] });
}

const ALL_OPERATIONS_NOTE =
  'This kernel’s Spark Connect client cannot tell the operations of one run: the stop ended all of the kernel’s.';

/** By us: what it had set going elsewhere has to stop with it. */
function wasInterrupted({ kind }: RunOutcome): boolean {
  return (
    kind === 'interrupted' || kind === 'timedOut' || kind === 'tooMuchOutput' || kind === 'inputTimedOut'
  );
}
