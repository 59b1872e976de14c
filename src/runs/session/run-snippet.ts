import type { ActiveRun } from './active-run.ts';
import { cancelSparkJobs } from './spark-jobs.ts';
import type { KernelRecord } from './kernel-record.ts';
import { type KeptOutput, keptOutput } from './kept-output.ts';
import type { RunOutcome } from '../outcome.ts';
import type { Transcript } from '../../output/transcript.ts';
import { type ReachedKernel, type ReachKernelDeps, reachKernel } from './reach-kernel.ts';
import { type RunBlockDeps, runBlock } from './run-block.ts';
import type { Run } from '../run.ts';

export interface RunSnippetDeps extends ReachKernelDeps, RunBlockDeps {
  openTranscript: (run: Run, recovered: boolean) => Promise<Transcript>;
  runTimeoutMs: number | undefined;
}

export interface RanSnippet {
  outcome: RunOutcome;
  /** Absent when nothing was ever sent. */
  transcript: Transcript | undefined;
  kept?: KeptOutput;
  /** The kernel it ran on; absent when none was reached. */
  kernel: KernelRecord | undefined;
}

/**
 * THE use case: one run from its turn to its outcome. Kernel → execute each block in order → fold what it says.
 * Every way it can go ends in an outcome; what throws is a bug or a store that does not answer.
 * A run that a predecessor left `sending` or `sent` is taken up, never sent again (product.md §7).
 */
export async function runSnippet(active: ActiveRun, deps: RunSnippetDeps): Promise<RanSnippet> {
  const recovered = active.run.state !== 'waiting';
  // What is on the screen already stays there while its kernel is looked for.
  const left = recovered ? await takeUp(active, deps) : undefined;
  const kernel = await reachKernel(active, deps);
  if ('outcome' in kernel) return { outcome: kernel.outcome, transcript: left, kernel: undefined };
  const transcript = left ?? (await deps.openTranscript(active.run, false));
  active.showOutput(() => transcript.view());
  const clock = startClock(active, deps.runTimeoutMs);
  try {
    const outcome = await runBlocks(active, kernel, transcript, deps);
    if (wasInterrupted(outcome)) await cancelSparkJobs(kernel.connection);
    const kept = keptOutput(transcript);
    await transcript.seal();
    return { outcome, transcript, kept, kernel: kernel.record };
  } finally {
    clearTimeout(clock);
  }
}

/** The output that a predecessor kept, and on the screen what it showed. */
async function takeUp(active: ActiveRun, { openTranscript }: RunSnippetDeps): Promise<Transcript> {
  const transcript = await openTranscript(active.run, true);
  active.showOutput(() => transcript.view());
  const sinceMs = active.run.data.startedAt;
  if (active.run.state === 'sent' && sinceMs !== undefined)
    active.show({ kind: 'running', sinceMs, stopping: active.signal.aborted, stopIgnored: false });
  return transcript;
}

/** By us: what it had set going elsewhere has to stop with it. */
function wasInterrupted({ kind }: RunOutcome): boolean {
  return (
    kind === 'interrupted' || kind === 'timedOut' || kind === 'tooMuchOutput' || kind === 'inputTimedOut'
  );
}

/** Each block its own execute_request, in order; the first that does not end well ends the run. */
async function runBlocks(
  active: ActiveRun,
  kernel: ReachedKernel,
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

function startClock(active: ActiveRun, runTimeoutMs: number | undefined): NodeJS.Timeout | undefined {
  if (runTimeoutMs === undefined) return undefined;
  const since = active.run.data.startedAt ?? Date.now();
  const left = Math.max(0, since + runTimeoutMs - Date.now());
  return setTimeout(() => active.stop({ kind: 'timeout', timeoutMs: runTimeoutMs }), left);
}
