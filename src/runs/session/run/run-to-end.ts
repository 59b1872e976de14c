import { untilAborted } from '../../../gateway/waits.ts';
import type { Displays } from '../../../output/transcript.ts';
import { atMost } from '../../../waits.ts';
import type { RunOutcome } from '../../outcome.ts';
import type { Run, StoredOutput } from '../../run.ts';
import type { SessionKernel } from '../kernel/session-kernel.ts';
import type { LateOutput } from '../late-output.ts';
import type { FinalMessages } from './final-message.ts';
import type { LiveRun } from './live-run.ts';
import { runToOutcome, type RunToOutcomeDeps } from './run-to-outcome.ts';

export interface RunToEndDeps extends RunToOutcomeDeps {
  finals: FinalMessages;
  /** A run has ended. */
  onEnded: (run: Run, outcome: RunOutcome) => void;
}

/** How long the session's next run waits for the final message of the one before to be on its way. */
const MESSAGE_FIRST_MS = 25;

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
