import { isDeepStrictEqual } from 'node:util';
import type { ConnectionEvent } from '../../gateway/gateway.ts';
import type { Output } from '../../gateway/outputs.ts';
import type { Log } from '../../log.ts';
import type { Transcript } from '../../output/transcript.ts';
import { atMost } from '../../waits.ts';
import type { RunOutcome } from '../outcome.ts';
import type { FinishResult } from '../run-view.ts';
import type { Run } from '../run.ts';
import type { LiveRun } from './run/live-run.ts';

/** How many ended runs of a session are remembered. output/ keeps the displays of as many runs. */
const REMEMBERED_RUNS = 20;
/**
 * Late output comes in small pieces. The run message is edited SOON_MS after the first piece. The delay doubles with each
 * edit, up to SELDOM_MS, until there was no output for a while.
 */
const SOON_MS = 400;
const SELDOM_MS = 10_000;
/**
 * How often its files are attached: where nothing more came before the edit, and else. Those of a background thread that
 * prints for minutes would be uploaded again and again.
 */
const FILES_MS = 15_000;
const FILES_OF_MORE_MS = 10 * 60_000;
/** How long to wait for an edit that is in progress, with its files. */
const LAST_EDIT_MS = 15_000;

/** How long to wait for the last edits when the websocket is closed. */
const CLOSING_MS = 1_000;

/** A kernel that dies this soon after a run was ended by the run. Gateways check the process only every 3 s. */
const ENDS_KERNEL_MS = 8_000;
const DIED_AFTER = 'The kernel’s process ended right after this.';

interface EndedRun {
  endedAtMs: number;
  live: LiveRun;
  outcome: RunOutcome;
  transcript: Transcript;
  timer: NodeJS.Timeout | undefined;
  /** More came while the timer ran. */
  hasMore: boolean;
  /** The current edit, or the last one. */
  editing: Promise<void>;
  waitMs: number;
  editedAtMs: number;
  attachedAtMs: number;
}

/**
 * The last ended runs of a session while its websocket is open. Output of a background thread, and updates of a display by
 * a later run, still edit the message of the right run.
 */
export class LateOutput {
  readonly #ended = new Map<string, EndedRun>();
  /** Output of posted runs that is being deleted. */
  readonly #removing = new Set<Promise<void>>();
  readonly #log: Log;

  constructor(log: Log) {
    this.#log = log;
  }

  /** Without a connection no late output can come, so the run's files are removed as soon as it is posted. */
  remember(live: LiveRun, outcome: RunOutcome, transcript: Transcript, isConnected: boolean): void {
    const ended: EndedRun = {
      endedAtMs: performance.now(),
      live,
      outcome,
      transcript,
      timer: undefined,
      hasMore: false,
      editing: Promise.resolve(),
      waitMs: SOON_MS,
      editedAtMs: 0,
      attachedAtMs: -Infinity,
    };
    if (!isConnected) return this.#removeSoon(ended);
    this.#ended.set(live.id, ended);
    void live.posted.then(() => {
      if (live.run.data.erased === true) void this.stopEdits(live.id, true);
      else if (live.run.state === 'posted') transcript.offer(() => void this.#forget(ended));
    });
    for (const oldest of [...this.#ended.values()].slice(0, -REMEMBERED_RUNS)) void this.#forget(oldest);
  }

  /** `isAtWork`: the kernel is executing a run, so a restart is that run's doing and not the last one's. */
  onEvent(event: ConnectionEvent, isAtWork: boolean): void {
    if (event.kind === 'lateOutput') this.#take(event.msgId, event.output);
    if (event.kind === 'kernelRestarted' && event.automatic && !isAtWork) this.#kernelDied();
  }

  /** Adds late output to its run. Late output of a run that is not remembered is dropped. */
  #take(msgId: string, output: Output): void {
    const ended = [...this.#ended.values()].find(({ live }) => live.run.data.request?.msgId === msgId);
    if (ended === undefined) return;
    void ended.transcript.add(output);
    this.#editSoon(ended);
  }

  /** The gateway has replaced the kernel's process. If that comes soon after a run, the run ended it (protocol.md §2.7). */
  #kernelDied(): void {
    const ended = [...this.#ended.values()].at(-1);
    if (ended === undefined || ended.outcome.variablesLost) return;
    if (performance.now() - ended.endedAtMs > ENDS_KERNEL_MS) return;
    ended.outcome = { ...ended.outcome, variablesLost: true, detail: DIED_AFTER };
    this.#editSoon(ended);
  }

  /** A later run has changed a display of this run. */
  changed(runId: string): void {
    const ended = this.#ended.get(runId);
    if (ended !== undefined) this.#editSoon(ended);
  }

  #editSoon(ended: EndedRun): void {
    ended.hasMore = ended.timer !== undefined;
    if (ended.hasMore) return;
    if (performance.now() - ended.editedAtMs > 2 * SELDOM_MS) ended.waitMs = SOON_MS;
    ended.timer = setTimeout(() => {
      // Until it begins, the timer counts as set: if Slack is slow, one edit waits, and not one for each pause.
      ended.editing = ended.editing.then(() => this.#edit(ended, false));
    }, ended.waitMs).unref();
    ended.waitMs = Math.min(2 * ended.waitMs, SELDOM_MS);
  }

  async #edit(ended: EndedRun, isLast: boolean): Promise<void> {
    const { live, outcome, transcript, hasMore } = ended;
    ended.timer = undefined;
    if (!this.#ended.has(live.id)) return;
    ended.editedAtMs = performance.now();
    const filesMs = hasMore ? FILES_OF_MORE_MS : FILES_MS;
    const filesFollow = !isLast && ended.editedAtMs - ended.attachedAtMs < filesMs;
    if (filesFollow) this.#editSoon(ended);
    else ended.attachedAtMs = ended.editedAtMs;
    try {
      await transcript.seal();
      noteAttached(live, await live.finish(outcome, filesFollow));
    } catch (error) {
      this.#log.warn({ event: 'run.late', err: error, run: live.id }, 'late output could not be shown');
    }
  }

  /**
   * Ends the edits of a run message before it is removed (`isErased`) or shows another run. Waits for the edit in progress,
   * because its files have to be removed too, and because it would post the removed message again. Resolves with the run's
   * newest record if it is remembered.
   */
  async stopEdits(runId: string, isErased: boolean): Promise<Run | undefined> {
    const ended = this.#ended.get(runId);
    if (ended === undefined) return undefined;
    this.#ended.delete(runId);
    clearTimeout(ended.timer);
    // A write of this run that is still under way must not restore the record after its removal.
    if (isErased) ended.live.setData({ erased: true });
    await atMost(ended.editing, LAST_EDIT_MS);
    void this.#removeOutput(ended);
    return ended.live.run;
  }

  /** The websocket is closed, so no late output can come. Waits until the output of posted runs is deleted from the disk. */
  async forgetAll(): Promise<void> {
    for (const ended of this.#ended.values()) this.#removeSoon(ended);
    await atMost(Promise.all(this.#removing), CLOSING_MS);
  }

  #removeSoon(ended: EndedRun): void {
    const removal = this.#forget(ended).finally(() => this.#removing.delete(removal));
    // Only posted runs are waited for: a final message may take long.
    const add = (): void => {
      if (ended.live.run.state === 'posted') this.#removing.add(removal);
    };
    add();
    void ended.live.posted.then(add);
  }

  /** Late output that waits for its edit is shown before. Until then a deletion of the run still ends its edits. */
  async #forget(ended: EndedRun): Promise<void> {
    if (ended.timer !== undefined) {
      clearTimeout(ended.timer);
      ended.editing = ended.editing.then(() => this.#edit(ended, true));
    }
    await ended.editing;
    this.#ended.delete(ended.live.id);
    clearTimeout(ended.timer);
    await this.#removeOutput(ended);
  }

  /** Waits for the final message and the edit, which need the files. Never rejects. */
  async #removeOutput({ live, transcript, editing }: EndedRun): Promise<void> {
    await live.posted;
    await editing;
    const { state, data } = live.run;
    if (state !== 'posted' && data.erased !== true) return;
    await transcript
      .remove()
      .catch((error: unknown) =>
        this.#log.warn({ event: 'spool.unremoved', err: error }, 'the output of a run could not be deleted'),
      );
  }
}

/** Records the present files and replies, so that they are removed with the run message. */
function noteAttached(live: LiveRun, result: FinishResult): void {
  if (!result.delivered) return;
  const { data } = live.run;
  const { files = data.files, replies = data.replies } = result;
  if (!isDeepStrictEqual([files, replies], [data.files, data.replies]))
    live.note({ data: { files, replies } });
}
