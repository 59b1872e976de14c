import type { Status } from '../../gateway/outputs.ts';
import type { Log } from '../../log.ts';
import type { Ledger } from '../../store/run-store.ts';
import { ActiveRun } from './active-run.ts';
import { postRun } from './finish-run.ts';
import { hasKept } from './kept-output.ts';
import type { LaneLeases } from './lane-leases.ts';
import { LateOutput } from './late-output.ts';
import { bareOutcome, type RunOutcome } from '../outcome.ts';
import type { Transcript } from '../../output/transcript.ts';
import { unreadableOutcome } from '../stored-run.ts';
import { type PostRoot, RunAnswer } from './run-answer.ts';
import type { Run, RunData } from '../run.ts';
import type { OpenAnswer } from '../run-view.ts';

export interface OpenRunsOptions {
  ledger: Ledger<RunData>;
  leases: LaneLeases;
  openAnswer: OpenAnswer;
  postRoot: PostRoot;
  /** Takes away an answer and all that belongs to it. Never throws. */
  removeAnswer: (run: Run) => Promise<void>;
  /** Takes away only what belongs to an answer beside its message. Never throws. */
  removeBelongings: (run: Run) => Promise<void>;
  openTranscript: (run: Run, recovered: boolean) => Promise<Transcript>;
  /** A run's transcript is not needed any more. */
  onRead: (transcript: Transcript) => void;
  log: Log;
}

/** The runs this process has in hand, each with its one answer: from the first picture to the last word. */
export class OpenRuns {
  readonly #options: OpenRunsOptions;
  readonly #active = new Map<string, ActiveRun>();
  readonly #left = new Set<string>();
  readonly late: LateOutput;

  constructor(options: OpenRunsOptions) {
    this.#options = options;
    this.late = new LateOutput(options.onRead, options.log);
  }

  find(runId: string): ActiveRun | undefined {
    return this.#active.get(runId);
  }

  has(runId: string): boolean {
    return this.#active.has(runId);
  }

  hasAny(lane: string): boolean {
    return [...this.#active.values()].some((active) => active.run.lane === lane);
  }

  /** Those of a lane that have not begun, and whose answer says so. */
  waiting(lane: string): ActiveRun[] {
    return [...this.#active.values()].filter(
      ({ run, phase }) => run.lane === lane && run.state === 'waiting' && phase.kind === 'waiting',
    );
  }

  /** These were in a predecessor's hands: their answers may stand already and are looked for before posting. */
  expectLeft(runs: readonly Run[]): void {
    for (const run of runs) this.#left.add(run.id);
  }

  /** The run in hand; taken into hand, and its answer opened, when it was not. */
  open(run: Run): ActiveRun {
    const known = this.#active.get(run.id);
    if (known !== undefined) {
      known.meet(run);
      return known;
    }
    const { openAnswer, postRoot, ledger, leases, log } = this.#options;
    const keep = (change: Promise<boolean>): void => {
      change.catch((error: unknown) =>
        log.warn({ err: error, run: run.id }, 'where the answer stands was not kept'),
      );
    };
    const answer = new RunAnswer({
      run,
      // Whoever had it before may have shown it; also where no round of recovery but a new run led to its lane.
      recovered: this.#left.has(run.id) || run.state !== 'waiting' || run.data.isUnreadable === true,
      openAnswer,
      postRoot,
      predecessor: run.data.follows === undefined ? undefined : this.#takeOverFrom(run.data.follows),
      onThread: (thread) => keep(active.change({ thread })),
      onPosted: (answerTs) => keep(active.change({}, { answerTs })),
      mayWrite: () => active.isClosed || leases.isCertain(active.run.lane),
    });
    const active = new ActiveRun(run, answer, ledger);
    this.#active.set(run.id, active);
    return active;
  }

  /** Waits for the last word of the run before an edit and takes away what belonged to it; where its answer stands. */
  async #takeOverFrom(runId: string): Promise<string | undefined> {
    await this.#active.get(runId)?.posted;
    const before = await this.#options.ledger.get(runId);
    const { answerTs, files = [], replies = [] } = before?.data ?? {};
    if (before !== undefined && files.length + replies.length > 0)
      await this.#options.removeBelongings(before);
    return answerTs;
  }

  /** Shows the last picture of a run that has ended, and lets it go once that stands. */
  post(active: ActiveRun, outcome: RunOutcome, transcript: Transcript | undefined): void {
    const { log } = this.#options;
    const erase = (run: Run): Promise<void> => this.erase(run);
    void postRun(active, outcome, { erase, log }).finally(() => {
      active.markPosted();
      this.#active.delete(active.run.id);
    });
    if (transcript !== undefined) this.late.keep(active, outcome, transcript);
  }

  /** The same for a run whose end a predecessor did not live to show. */
  postLeft(run: Run): void {
    const { openTranscript, log } = this.#options;
    const active = this.open(run);
    if (run.data.isUnreadable === true) log.error({ run: run.id }, 'the record of a run cannot be read');
    const outcome =
      run.data.isUnreadable === true
        ? unreadableOutcome(run)
        : (run.data.outcome ?? bareOutcome('broken', run.data.kernelspec));
    const posting = openTranscript(run, true).then(async (transcript) => {
      if (!hasKept(transcript, run.data.kept)) await transcript.add(lostWith(run));
      active.showOutput(() => transcript.view());
      this.post(active, outcome, transcript);
    });
    posting.catch((error: unknown) =>
      log.error({ err: error, run: run.id }, 'a left answer could not be read'),
    );
  }

  /** Takes a run away with its answer and its code. */
  async erase(run: Run): Promise<void> {
    const newest = await this.late.leave(run.id);
    await this.#options.removeAnswer(newest ?? run);
    await this.#options.ledger.remove(run.id);
  }

  /** Resolves when all that came back of these runs is taken. */
  async followed(which: (active: ActiveRun) => boolean): Promise<void> {
    const left = [...this.#active.values()].filter(which);
    await Promise.all(left.map(async ({ followed }) => await followed));
  }

  /** Lets runs go unfinished: nothing more is written or shown for them here. */
  async letGo(which: (active: ActiveRun) => boolean): Promise<void> {
    const left = [...this.#active.values()].filter(which);
    for (const active of left) this.#active.delete(active.run.id);
    await Promise.all(left.map((active) => active.abandon()));
    await this.late.forget((active) => which(active) && active.run.state === 'posted');
  }
}

/** Output that stayed on the disk of the process that saw the end. */
function lostWith({ createdAt, updatedAt, data }: Run): Status {
  return { kind: 'reconnected', fromMs: data.startedAt ?? createdAt, toMs: updatedAt, gap: true };
}
