import { untilAborted } from '../../../gateway/until-aborted.ts';
import type { Displays, Transcript } from '../../../output/transcript.ts';
import { atMost } from '../../../waits.ts';
import { type RunOutcome, syntheticOutcome } from '../../outcome.ts';
import type { Run, StoredOutput } from '../../run.ts';
import { type ReachedKernel } from '../kernel/launch-kernel.ts';
import { type SessionKernel } from '../kernel/session-kernel.ts';
import type { LateOutput } from '../late-output.ts';
import type { SparkObserver } from '../spark-observer.ts';
import { type ExecuteDeps, executeRun, storedOutput } from './execute-run.ts';
import type { FinalMessages } from './final-message.ts';
import type { LiveRun } from './live-run.ts';
import { type ReachDeps, reachKernel } from './reach-kernel.ts';

export interface RunToEndDeps extends ExecuteDeps, ReachDeps {
  finals: FinalMessages;
  /** A run has ended. */
  onEnded: (run: Run, outcome: RunOutcome) => void;
  /** Opens a run's output; `recovered`: goes on with what an earlier process stored. */
  openTranscript: (run: Run, recovered: boolean, displays: Displays) => Promise<Transcript>;
  /** Whether this requester's account was deactivated since a snippet of it was accepted. False where that is not known. */
  isDeactivated: (requester: string) => Promise<boolean>;
  runTimeoutMs: number | undefined;
  spark: SparkObserver;
}

/** How long the session's next run waits for the final message of the one before to be on its way. */
const MESSAGE_FIRST_MS = 25;
/** What Slack said about a person at acceptance is believed for so long. */
const RECENT_MS = 60_000;

/** Brings the runs of one session to their ends: the outcome is stored, then posted, then the kernel's use is noted. */
export class RunsToEnd {
  readonly #kernel: SessionKernel;
  readonly #late: LateOutput;
  readonly #displays: Displays;
  readonly #deps: RunToEndDeps;

  constructor(kernel: SessionKernel, late: LateOutput, displays: Displays, deps: RunToEndDeps) {
    this.#kernel = kernel;
    this.#late = late;
    this.#displays = displays;
    this.#deps = deps;
  }

  /** Runs the code in the session's kernel and stores, posts and remembers its end. */
  async run(live: LiveRun): Promise<void> {
    this.#kernel.acquire();
    try {
      await this.#runToEnd(live);
    } finally {
      this.#kernel.release();
    }
  }

  async #runToEnd(live: LiveRun): Promise<void> {
    const running = runToOutcome(live, this.#kernel, this.#displays, this.#deps);
    const ended = await untilAborted(running, live.released).catch(() => undefined);
    // What the kernel said last is heard once only: the end is stored also by a process that ends.
    if (ended === undefined) {
      void running.then((last) => last && this.#store(live, last.outcome, last.stored));
      return;
    }
    const { outcome, transcript, stored, kernelId } = ended;
    if (!(await this.#store(live, outcome, stored))) return;
    live.markFollowed();
    if (live.released.aborted) return;
    this.#deps.finals.post(live, outcome);
    if (transcript !== undefined) this.#late.remember(live, outcome, transcript, this.#kernel.isConnected);
    // Known before anybody reads the end and presses what it offers.
    const noted = kernelId === undefined ? undefined : this.#noteUse(live, outcome, kernelId);
    // The final message has the processor for itself.
    await atMost(live.posted, MESSAGE_FIRST_MS);
    await noted;
    // Without a websocket nothing late can come.
    if (!this.#kernel.isConnected) void this.#late.forgetAll();
  }

  /** Ends a run that the kernel never got, in the background. */
  endUnsent(live: LiveRun, outcome: RunOutcome): void {
    void this.#store(live, outcome).then((isOurs) => {
      if (isOurs) this.#deps.finals.post(live, outcome);
    });
  }

  /** False when the run had ended already, or the store did not take it before this process ends. Never rejects. */
  async #store(live: LiveRun, outcome: RunOutcome, stored?: StoredOutput): Promise<boolean> {
    const { onEnded, log } = this.#deps;
    try {
      const isOurs = await live.end(outcome, stored);
      if (isOurs) onEnded(live.run, outcome);
      return isOurs;
    } catch (error) {
      log.error({ event: 'run.end', err: error, run: live.id }, 'an end was not stored');
      return false;
    }
  }

  /** Before the session's next run, which is to find the kernel as this one left it. Never rejects. */
  async #noteUse(live: LiveRun, outcome: RunOutcome, kernelId: string): Promise<void> {
    await this.#kernel
      .used(kernelId, live.run, outcome)
      .catch((error: unknown) =>
        this.#deps.log.warn(
          { event: 'kernel.use', err: error, run: live.id },
          'a kernel that its code has left was not removed',
        ),
      );
  }
}

interface EndedRun {
  outcome: RunOutcome;
  /** Undefined when nothing was ever sent. */
  transcript: Transcript | undefined;
  stored?: StoredOutput;
  /** The kernel it ran on; undefined when none was reached. */
  kernelId: string | undefined;
}

/**
 * THE use case: one run from its turn to its outcome. Kernel → each block in order → what it says. Each way it can go is
 * an outcome; what throws is a bug, and ends the run as broken. A run that a predecessor left `sending` or `running` is
 * resumed, never sent again. Never rejects; undefined when it is left to a successor.
 */
async function runToOutcome(
  live: LiveRun,
  kernel: SessionKernel,
  displays: Displays,
  deps: RunToEndDeps,
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
  { isDeactivated }: Pick<RunToEndDeps, 'isDeactivated'>,
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
  deps: RunToEndDeps,
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
