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
  /** Called for each run that has ended. */
  onEnded: (run: Run, outcome: RunOutcome) => void;
  /** Opens a run's output. `recovered`: it continues what an earlier process stored. */
  openTranscript: (run: Run, recovered: boolean, displays: Displays) => Promise<Transcript>;
  /** Whether the requester's account has been deactivated. False if that is not known. */
  isDeactivated: (requester: string) => Promise<boolean>;
  runTimeoutMs: number | undefined;
  spark: SparkObserver;
}

/** How long the session's next run waits for the final message of the run before, so that it is sent first. */
const MESSAGE_FIRST_MS = 25;
/** A requester is not looked up again within this time after acceptance. */
const RECENT_MS = 60_000;

/** Runs the runs of one session: stores the outcome, posts it, and notes the use of the kernel. */
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

  /** Runs the code in the session's kernel and stores, posts and remembers its outcome. */
  async run(live: LiveRun): Promise<void> {
    this.#kernel.acquire();
    try {
      await this.#runToEnd(live);
    } finally {
      this.#kernel.release();
    }
  }

  async #runToEnd(live: LiveRun): Promise<void> {
    const running = this.#runToOutcome(live);
    const ended = await untilAborted(running, live.released).catch(() => undefined);
    // The kernel reports an end only once, so even a process that is ending stores it.
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
    // The kernel's record is updated before anybody can see the end and press a button.
    const noted = kernelId === undefined ? undefined : this.#noteUse(live, outcome, kernelId);
    // Lets the final message be sent before the next run needs the processor.
    await atMost(live.posted, MESSAGE_FIRST_MS);
    await noted;
    // Without a websocket no late output can come.
    if (!this.#kernel.isConnected) void this.#late.forgetAll();
  }

  /** Ends a run without the kernel, in the background. */
  endUnsent(live: LiveRun, outcome: RunOutcome): void {
    void this.#store(live, outcome).then((isOurs) => {
      if (isOurs) this.#deps.finals.post(live, outcome);
    });
  }

  /** False if the run had ended already, or if its outcome could not be stored. Never rejects. */
  async #store(live: LiveRun, outcome: RunOutcome, stored?: StoredOutput): Promise<boolean> {
    const { onEnded, log } = this.#deps;
    try {
      const isOurs = await live.end(outcome, stored);
      if (isOurs) onEnded(live.run, outcome);
      return isOurs;
    } catch (error) {
      // One that is left to the successor is resumed there.
      if (!live.released.aborted)
        log.error({ event: 'run.end', err: error, run: live.id }, 'the outcome of a run could not be stored');
      return false;
    }
  }

  /** Updates the kernel's record, which the session's next run needs. Never rejects. */
  async #noteUse(live: LiveRun, outcome: RunOutcome, kernelId: string): Promise<void> {
    await this.#kernel
      .used(kernelId, live.run, outcome)
      .catch((error: unknown) =>
        this.#deps.log.warn(
          { event: 'kernel.use', err: error, run: live.id },
          'a kernel that does not answer or was left by its code could not be removed',
        ),
      );
  }

  /**
   * One run from its turn to its outcome: finds the kernel, sends each block in order and collects the output. Every
   * expected failure is an outcome; an exception is a bug and ends the run as broken. A run that an earlier process
   * left `sending` or `running` is resumed, never sent again. Never rejects. Undefined: the run is left to the successor.
   */
  async #runToOutcome(live: LiveRun): Promise<EndedRun | undefined> {
    let transcript: Transcript | undefined;
    const openTranscript = async (recovered: boolean): Promise<Transcript> => {
      transcript = await this.#deps.openTranscript(live.run, recovered, this.#displays);
      this.#displays.open(live.id, transcript);
      return transcript;
    };
    try {
      if (await this.#isOfDeactivated(live)) return { outcome: deactivated(live) };
      return await this.#reachAndExecute(live, openTranscript);
    } catch (error) {
      if (live.released.aborted) return undefined;
      this.#deps.log.error({ event: 'run.broken', err: error, run: live.id }, 'a run broke');
      return { outcome: syntheticOutcome('broken', live.run.data.kernelspec), transcript };
    }
  }

  /** Checked only for a run that has waited, because the requester was looked up at acceptance. */
  async #isOfDeactivated({ run }: LiveRun): Promise<boolean> {
    if (run.state !== 'waiting' || Date.now() - run.createdAt < RECENT_MS) return false;
    return await this.#deps.isDeactivated(run.requester);
  }

  async #reachAndExecute(
    live: LiveRun,
    openTranscript: (recovered: boolean) => Promise<Transcript>,
  ): Promise<EndedRun> {
    const { spark, runTimeoutMs } = this.#deps;
    const earlier = live.run.state === 'waiting' ? undefined : await openTranscript(true);
    if (earlier !== undefined) {
      // The output that Slack already shows stays there while the kernel is being reached.
      live.showOutput(() => earlier.view());
      if (live.run.state === 'running') live.showRunning();
    }
    const reached = await reachKernel(live, this.#kernel, this.#deps);
    if ('outcome' in reached) return { outcome: reached.outcome, transcript: earlier };
    if (earlier === undefined) {
      // A run that the kernel does not begin soon shows that it is next. A quick run posts only its result.
      if (live.phase.kind === 'waiting') live.show({ kind: 'waiting', ahead: 0 });
      await untilAborted(spark.install(reached.connection), live.signal).catch(() => undefined);
    }
    const transcript = earlier ?? (await openTranscript(false));
    live.showOutput(() => transcript.view());
    const clearClock = startClock(live, runTimeoutMs);
    try {
      const outcome = await executeRun(live, reached, transcript, this.#deps);
      if (wasInterrupted(outcome)) await endSparkJobs(live, reached, spark);
      const stored = storedOutput(transcript);
      transcript.noteEnd?.(outcome.kind);
      await transcript.seal();
      return { outcome, transcript, stored, kernelId: reached.record.kernelId };
    } finally {
      clearClock();
    }
  }
}

interface EndedRun {
  outcome: RunOutcome;
  /** Absent if nothing was ever sent. */
  transcript?: Transcript | undefined;
  stored?: StoredOutput;
  /** The kernel it ran on; absent if none was reached. */
  kernelId?: string;
}

function deactivated({ run }: LiveRun): RunOutcome {
  const detail = 'The account of its requester was deactivated in Slack while it waited.';
  return { ...syntheticOutcome('cancelled', run.data.kernelspec), detail };
}

/** RUN_TIMEOUT counts from now; for a resumed run, from the kernel's first message. */
function startClock(live: LiveRun, runTimeoutMs: number | undefined): () => void {
  if (runTimeoutMs === undefined) return () => undefined;
  const ranMs = Date.now() - (live.run.data.startedAt ?? Date.now());
  const stop = (): void => live.stop({ kind: 'timeout' });
  const clock = setTimeout(stop, Math.max(0, runTimeoutMs - Math.max(0, ranMs)));
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

/** Whether the bot stopped the run, so that its Spark jobs have to end too. */
function wasInterrupted({ kind }: RunOutcome): boolean {
  return (
    kind === 'interrupted' || kind === 'timedOut' || kind === 'tooMuchOutput' || kind === 'inputTimedOut'
  );
}
