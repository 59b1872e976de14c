import type { Log } from '../../../log.ts';
import type { RunStore } from '../../../store/store.ts';
import type { RunOutcome } from '../../outcome.ts';
import type { Run, RunData } from '../../run.ts';
import { retryStore } from '../store-writes.ts';
import type { LiveRun } from './live-run.ts';

export interface FinalMessagesDeps {
  store: RunStore<RunData>;
  /** Removes a run message and all that belongs to it. False: Slack gave no answer to that. Never throws. */
  removeMessage: (run: Run) => Promise<boolean>;
  /** Forgets the notebook of a request. */
  forgetNotebook: (requestKey: string) => Promise<void>;
  /** Called when the run need not be in memory any more. */
  onPosted: (live: LiveRun) => void;
  log: Log;
}

/** The last step of each run: it posts the final message or removes the run. */
export class FinalMessages {
  readonly #deps: FinalMessagesDeps;

  constructor(deps: FinalMessagesDeps) {
    this.#deps = deps;
  }

  /** Posts the final message of a run in the background. Never throws. */
  post(live: LiveRun, outcome: RunOutcome): void {
    const { log, onPosted } = this.#deps;
    this.#post(live, outcome)
      .catch((error: unknown) =>
        log.error(
          { event: 'run.unposted', err: error, run: live.id },
          'the final message could not be posted; the next start tries again',
        ),
      )
      .finally(() => {
        live.markPosted();
        onPosted(live);
      });
  }

  async #post(live: LiveRun, outcome: RunOutcome): Promise<void> {
    if (live.run.data.erased !== true) await this.#show(live, outcome);
    // Checked again, because the run may have been deleted while the message was being posted.
    if (live.run.data.erased === true) {
      await live.message.withdraw();
      await retryStore(() => this.erase(live.run), live.released, this.#deps.log);
    }
  }

  /** If the message could not be delivered but was not refused, the run stays `ended` and a successor posts it. */
  async #show(live: LiveRun, outcome: RunOutcome): Promise<void> {
    const result = await live.finish(outcome);
    if (result.delivered) {
      const { delivered: _, ...attached } = result;
      await live.commit({ state: 'posted', data: attached });
      return;
    }
    const { reason, isRefused } = result;
    this.#deps.log.warn(
      { event: 'run.undelivered', run: live.id, reason, isRefused },
      'the final message could not be delivered',
    );
    if (isRefused) await live.commit({ state: 'posted' });
  }

  /**
   * Removes a run with its code, its notebook and its message. The code does not wait for Slack; the run stays unposted
   * until its message is removed, so that a later process tries again.
   */
  async erase(run: Run): Promise<void> {
    const { store, forgetNotebook, removeMessage } = this.#deps;
    await store.save({ ...run, state: 'ended', data: { ...run.data, preview: '', erased: true } }, []);
    await forgetNotebook(run.data.requestKey);
    if (await removeMessage(run)) await store.remove(run.id);
  }
}
