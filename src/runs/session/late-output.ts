import { setTimeout as wait } from 'node:timers/promises';
import type { Output } from '../../gateway/outputs.ts';
import type { Log } from '../../log.ts';
import type { ActiveRun } from './active-run.ts';
import type { RunOutcome } from '../outcome.ts';
import type { Transcript } from '../../output/transcript.ts';
import type { Run } from '../run.ts';
import type { Delivery } from '../run-view.ts';

/** How long after its end a run's output is still put into its answer, and how many such runs are remembered. */
const KEPT_MS = 10 * 60_000;
const KEPT_RUNS = 100;
/**
 * Late output comes in drops: the answer is edited so long after the first of them, and twice as long after each edit
 * until it was quiet for a while. Else a thread that prints for minutes would have its growing file attached again and
 * again, and a plot that moves each of its pictures.
 */
const SOON_MS = 400;
const SELDOM_MS = 15_000;
/** How long an edit under way, with its files, is waited for. */
const LEAVING_MS = 15_000;

interface EndedRun {
  active: ActiveRun;
  outcome: RunOutcome;
  transcript: Transcript;
  forgets: NodeJS.Timeout;
  edits: NodeJS.Timeout | undefined;
  /** The edit under way, or the last one. */
  editing: Promise<void>;
  waitMs: number;
  editedAtMs: number;
}

/** Whether output of a run may still come where its answer was given, by when its record was last changed. */
export function mayTalkLate(run: Run | undefined, nowMs: number): boolean {
  return run !== undefined && nowMs - run.updatedAt < KEPT_MS;
}

/**
 * Runs whose answer stands, kept for a while: a thread that prints after the end, or a later run that updates a
 * display of theirs, still edits the right answer (product.md §3).
 */
export class LateOutput {
  readonly #ended = new Map<string, EndedRun>();
  readonly #onForgotten: (transcript: Transcript) => void;
  readonly #log: Log;

  constructor(onForgotten: (transcript: Transcript) => void, log: Log) {
    this.#onForgotten = onForgotten;
    this.#log = log;
  }

  keep(active: ActiveRun, outcome: RunOutcome, transcript: Transcript): void {
    const runId = active.run.id;
    const forgets = setTimeout(() => void this.#forget(runId), KEPT_MS).unref();
    this.#ended.set(runId, {
      active,
      outcome,
      transcript,
      forgets,
      edits: undefined,
      editing: Promise.resolve(),
      waitMs: SOON_MS,
      editedAtMs: 0,
    });
    const oldest = this.#ended.keys().next().value;
    if (this.#ended.size > KEPT_RUNS && oldest !== undefined) void this.#forget(oldest);
  }

  /** Output of a request that has ended; of a run that is not remembered it is let go. */
  take(msgId: string, output: Output): void {
    const ended = [...this.#ended.values()].find(({ active }) => active.run.data.sent?.msgId === msgId);
    if (ended === undefined) return;
    void ended.transcript.add(output);
    this.#editSoon(ended);
  }

  /** A later run changed something that this one shows. */
  changed(runId: string): void {
    const ended = this.#ended.get(runId);
    if (ended !== undefined) this.#editSoon(ended);
  }

  #editSoon(ended: EndedRun): void {
    if (ended.edits !== undefined) return;
    if (performance.now() - ended.editedAtMs > 2 * SELDOM_MS) ended.waitMs = SOON_MS;
    ended.edits = setTimeout(() => {
      ended.editing = this.#edit(ended);
    }, ended.waitMs).unref();
    ended.waitMs = Math.min(2 * ended.waitMs, SELDOM_MS);
  }

  async #edit(ended: EndedRun): Promise<void> {
    const { active, outcome, transcript } = ended;
    ended.edits = undefined;
    ended.editedAtMs = performance.now();
    try {
      await transcript.seal();
      await noteBelongings(active, await active.finish({ kind: 'ended', outcome }));
    } catch (error) {
      this.#log.warn({ err: error, run: active.run.id }, 'late output was not shown');
    }
  }

  /**
   * Ends the edits of a run's answer, the one under way included: what it brings is to be removed too, and a message
   * that is removed under its hands would be posted anew. Gives the newest record of a run that is remembered.
   */
  async leave(runId: string): Promise<Run | undefined> {
    const ended = this.#takeOut(runId);
    if (ended === undefined) return undefined;
    await Promise.race([ended.editing, wait(LEAVING_MS, undefined, { ref: false })]);
    void this.#drop(ended);
    return ended.active.run;
  }

  async #forget(runId: string): Promise<void> {
    const ended = this.#takeOut(runId);
    if (ended !== undefined) await this.#drop(ended);
  }

  #takeOut(runId: string): EndedRun | undefined {
    const ended = this.#ended.get(runId);
    this.#ended.delete(runId);
    clearTimeout(ended?.forgets);
    clearTimeout(ended?.edits);
    return ended;
  }

  /** Never rejects. */
  async #drop(ended: EndedRun): Promise<void> {
    this.#onForgotten(ended.transcript);
    const { run } = ended.active;
    // Slack is away: the answer that will stand, here or after the next start, needs the files.
    if (run.state !== 'posted' && run.data.erased !== true) return;
    await ended.transcript
      .remove()
      .catch((error: unknown) => this.#log.warn({ err: error }, 'output was not removed'));
  }

  /** Resolves when their output is off the disk. */
  async forget(which: (active: ActiveRun) => boolean): Promise<void> {
    const left = [...this.#ended].filter(([, { active }]) => which(active));
    await Promise.all(left.map(async ([runId]) => await this.#forget(runId)));
  }
}

/** Who deletes the answer takes along what came late, too. */
async function noteBelongings(active: ActiveRun, delivery: Delivery): Promise<void> {
  const { files = [], replies = [] } = delivery.delivered ? delivery : {};
  if (files.length + replies.length === 0) return;
  const { data } = active.run;
  await active.change(
    {},
    { files: [...(data.files ?? []), ...files], replies: [...(data.replies ?? []), ...replies] },
  );
}
