import type { Log } from '../../../log.ts';
import type { RunOutcome } from '../../outcome.ts';
import type { Run, StoredOutput } from '../../run.ts';
import type { SessionKernel } from '../kernel/session-kernel.ts';
import type { FinalMessages } from './final-message.ts';
import type { LiveRun } from './live-run.ts';

/** The steps after a run's outcome is known: it is stored, then posted, then the kernel's use is noted. */
export class RunEnd {
  readonly #kernel: SessionKernel;
  readonly #finals: FinalMessages;
  readonly #onEnded: (run: Run, outcome: RunOutcome) => void;
  readonly #log: Log;

  constructor(
    kernel: SessionKernel,
    finals: FinalMessages,
    onEnded: (run: Run, outcome: RunOutcome) => void,
    log: Log,
  ) {
    this.#kernel = kernel;
    this.#finals = finals;
    this.#onEnded = onEnded;
    this.#log = log;
  }

  /** False when the run had ended already, or the store did not take it before this process ends. Never rejects. */
  async store(live: LiveRun, outcome: RunOutcome, stored?: StoredOutput): Promise<boolean> {
    try {
      const isOurs = await live.end(outcome, stored);
      if (isOurs) this.#onEnded(live.run, outcome);
      return isOurs;
    } catch (error) {
      this.#log.error({ event: 'run.end', err: error, run: live.id }, 'an end was not stored');
      return false;
    }
  }

  post(live: LiveRun, outcome: RunOutcome): void {
    this.#finals.post(live, outcome);
  }

  /** Before the session's next run, which is to find the kernel as this one left it. Never rejects. */
  async noteUse(live: LiveRun, outcome: RunOutcome, kernelId: string): Promise<void> {
    await this.#kernel
      .used(kernelId, live.run, outcome)
      .catch((error: unknown) =>
        this.#log.warn(
          { event: 'kernel.use', err: error, run: live.id },
          'a kernel that its code has left was not removed',
        ),
      );
  }

  /** Ends a run that the kernel never got, in the background. */
  unsent(live: LiveRun, outcome: RunOutcome): void {
    void this.store(live, outcome).then((isOurs) => {
      if (isOurs) this.post(live, outcome);
    });
  }
}
