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
  /** The run is not in memory any more. */
  onPosted: (live: LiveRun) => void;
  log: Log;
}

/** The last step of each run: its final message, or its removal. */
export class FinalMessages {
  readonly #deps: FinalMessagesDeps;

  constructor(deps: FinalMessagesDeps) {
    this.#deps = deps;
  }

  /** Shows the last picture of a run that has ended, and forgets the run once that is posted. Never throws. */
  post(live: LiveRun, outcome: RunOutcome): void {
    const { log, onPosted } = this.#deps;
    this.#post(live, outcome)
      .catch((error: unknown) =>
        log.error(
          { event: 'run.unposted', err: error, run: live.id },
          'the final message is left to the next start',
        ),
      )
      .finally(() => {
        live.markPosted();
        onPosted(live);
      });
  }

  async #post(live: LiveRun, outcome: RunOutcome): Promise<void> {
    if (live.run.data.erased !== true) await this.#show(live, outcome);
    // Looked at again: it may have been asked for while the message was on its way.
    if (live.run.data.erased === true) {
      await live.message.withdraw();
      await retryStore(() => this.erase(live.run), live.released, this.#deps.log);
    }
  }

  /** What Slack did not refuse stays `ended`: a successor shows it. */
  async #show(live: LiveRun, outcome: RunOutcome): Promise<void> {
    const result = await live.finish(outcome);
    if (result.delivered) {
      const { messageTs, files, replies } = result;
      const attached = {
        ...(messageTs === undefined ? {} : { messageTs }),
        ...(files === undefined ? {} : { files }),
        ...(replies === undefined ? {} : { replies }),
      };
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
   * Removes a run with its code and its message. Slack may be away for long: the code does not wait for it, and the run is
   * unposted until its message is gone, so that a successor removes that.
   */
  async erase(run: Run): Promise<void> {
    const { store, forgetNotebook, removeMessage } = this.#deps;
    await store.replaceCode({ ...run, state: 'ended', data: { ...run.data, erased: true } }, []);
    if (run.data.notebook !== undefined) await forgetNotebook(run.data.requestKey);
    if (await removeMessage(run)) await store.remove(run.id);
  }
}
