import type { Log } from '../log.ts';
import type { Ledger } from '../store/ledger.ts';
import { ActiveRun } from './active-run.ts';
import type { ChannelKernels } from './channel-kernels.ts';
import { endRun, postRun } from './finish-run.ts';
import { type LaneLeases, Lanes } from './lanes.ts';
import type { RunOutcome } from './outcome.ts';
import type { Transcript } from './output/transcript.ts';
import type { StopReason } from './read-end.ts';
import { type PostRoot, RunAnswer } from './run-answer.ts';
import { readOutcome, type Run, type RunData, standsAside } from './run-data.ts';
import { runSnippet } from './run-snippet.ts';
import type { OpenAnswer } from './run-view.ts';

/** A question whether to switch the channel's kernel lapses after this. */
const SWITCH_LAPSES_MS = 10 * 60_000;
/** Places further back are shown once, at admission, and not edited with every run that ends. */
const PLACES_KEPT_FRESH = 3;

export interface RunsOptions {
  ledger: Ledger<RunData>;
  leases: LaneLeases;
  kernels: ChannelKernels;
  openAnswer: OpenAnswer;
  postRoot: PostRoot;
  openTranscript: (runId: string, recovered: boolean) => Promise<Transcript>;
  /** Tells a channel that a switch replaced its kernel. */
  tellSwitched: (run: Run, from: string) => void;
  kernelsPerChannel: number;
  runTimeoutMs: number | undefined;
  inputTimeoutMs: number;
  log: Log;
}

/** All runs this process works on: their queues, their answers, their ends. */
export class Runs {
  readonly #options: RunsOptions;
  readonly #lanes: Lanes;
  readonly #active = new Map<string, ActiveRun>();
  readonly #recovered = new Set<string>();
  readonly #posting = new Set<Promise<void>>();
  readonly #lapses = new Map<string, NodeJS.Timeout>();

  constructor(options: RunsOptions) {
    this.#options = options;
    const { ledger, leases, log } = options;
    this.#lanes = new Lanes({
      ledger,
      leases,
      log,
      runOne: (run) => this.#runOne(run),
      onPlaces: (runs) => this.#showPlaces(runs),
    });
  }

  /** After a start: every run that is not posted yet is taken up where it stands. */
  async recover(): Promise<number> {
    const left = await this.#options.ledger.unposted();
    for (const run of left) this.#recovered.add(run.id);
    for (const run of left) if (run.state === 'ended') this.#postLeft(run);
    for (const lane of new Set(left.filter((run) => run.state !== 'ended').map((run) => run.lane)))
      this.#lanes.wake(lane);
    return left.length;
  }

  /** A run was admitted to this lane, or something in it changed. */
  wake(lane: string): void {
    this.#lanes.wake(lane);
  }

  /**
   * Stops a run: taken back when the kernel has not got it, interrupted when it runs here. False when this process
   * does not hold it and it is no longer waiting.
   */
  async stop(run: Run, reason: StopReason): Promise<boolean> {
    const active = this.#active.get(run.id);
    if (active !== undefined && active.run.state !== 'waiting') {
      active.stop(reason);
      return true;
    }
    if (active?.phase.kind === 'startingKernel') {
      active.stop(reason);
      return true;
    }
    return await this.#takeBack(active ?? this.#activate(run));
  }

  /** The author agreed to lose the old kernel's variables. */
  async agreeToSwitch(run: Run): Promise<boolean> {
    const active = this.#active.get(run.id) ?? this.#activate(run);
    if (!standsAside(active.run)) return false;
    this.#unlapse(run.id);
    const agreed = await active.change({}, { switchAgreed: true });
    if (agreed) this.#lanes.wake(run.lane);
    return agreed;
  }

  /** The run as this process has it, for questions about its phase. */
  active(runId: string): ActiveRun | undefined {
    return this.#active.get(runId);
  }

  async #takeBack(active: ActiveRun): Promise<boolean> {
    if (active.run.state !== 'waiting') return false;
    this.#unlapse(active.run.id);
    const outcome = outcomeOf(active.run, 'cancelled');
    if (!(await active.change({ state: 'ended' }, { outcome }))) return false;
    this.#post(active, outcome, undefined);
    this.#lanes.wake(active.run.lane);
    return true;
  }

  async #runOne(run: Run): Promise<void> {
    const active = this.#activate(run);
    if (await this.#asksToSwitch(active)) return;
    const { outcome, transcript } = await runSnippet(active, this.#options).catch((error: unknown) => {
      this.#options.log.error({ err: error, run: run.id }, 'a run broke');
      return { outcome: outcomeOf(active.run, 'broken'), transcript: undefined };
    });
    await endRun(active, outcome, this.#options.log);
    this.#post(active, outcome, transcript);
  }

  /** Another kernelspec than the lane's kernel: its author is asked once, and the run stands aside until then. */
  async #asksToSwitch(active: ActiveRun): Promise<boolean> {
    const { kernels, kernelsPerChannel, tellSwitched } = this.#options;
    if (kernelsPerChannel !== 1 || active.run.state !== 'waiting') return false;
    const record = await kernels.find(active.run.lane);
    if (record === undefined || record.kernelspec === active.run.data.kernelspec) return false;
    if (active.run.data.switchAgreed === true) {
      await kernels.shutDown(record);
      tellSwitched(active.run, record.kernelspec);
      return false;
    }
    await active.change({}, { switchAskedAt: Date.now() });
    active.show({ kind: 'switchAsked', from: record.kernelspec, to: active.run.data.kernelspec });
    this.#lapseLater(active);
    return true;
  }

  #lapseLater(active: ActiveRun): void {
    const { id, data } = active.run;
    const leftMs = (data.switchAskedAt ?? Date.now()) + SWITCH_LAPSES_MS - Date.now();
    const lapse = (): void => {
      this.#lapses.delete(id);
      this.#takeBack(active).catch((error: unknown) =>
        this.#options.log.error({ err: error, run: id }, 'not lapsed'),
      );
    };
    this.#lapses.set(id, setTimeout(lapse, Math.max(0, leftMs)).unref());
  }

  #unlapse(runId: string): void {
    clearTimeout(this.#lapses.get(runId));
    this.#lapses.delete(runId);
  }

  #showPlaces(runs: readonly Run[]): void {
    const queued = runs.filter((run) => !standsAside(run));
    for (const [ahead, run] of queued.entries()) {
      const fresh = !this.#active.has(run.id);
      const active = this.#activate(run);
      if (ahead === 0 || active.run.state !== 'waiting') continue;
      const behind = queued[0]?.runner;
      if (fresh || ahead <= PLACES_KEPT_FRESH)
        active.show({ kind: 'waiting', ahead, ...(behind === undefined ? {} : { behind }) });
    }
    for (const run of runs.filter((aside) => standsAside(aside) && !this.#active.has(aside.id)))
      this.#askAgain(this.#activate(run)).catch((error: unknown) =>
        this.#options.log.error({ err: error, run: run.id }, 'not asked'),
      );
  }

  /** A question that a predecessor asked stays open after a restart. */
  async #askAgain(active: ActiveRun): Promise<void> {
    const from = (await this.#options.kernels.find(active.run.lane))?.kernelspec ?? '';
    active.show({ kind: 'switchAsked', from, to: active.run.data.kernelspec });
    this.#lapseLater(active);
  }

  #postLeft(run: Run): void {
    const { openTranscript, log } = this.#options;
    const active = this.#activate(run);
    const outcome = run.data.outcome === undefined ? outcomeOf(run, 'broken') : readOutcome(run.data.outcome);
    const posting = openTranscript(run.id, true).then((transcript) => {
      active.showOutput(() => transcript.view());
      this.#post(active, outcome, transcript);
    });
    posting.catch((error: unknown) =>
      log.error({ err: error, run: run.id }, 'a left answer could not be read'),
    );
  }

  #post(active: ActiveRun, outcome: RunOutcome, transcript: Transcript | undefined): void {
    const posting = postRun(active, outcome, transcript, this.#options.log).finally(() => {
      this.#posting.delete(posting);
      this.#active.delete(active.run.id);
    });
    this.#posting.add(posting);
  }

  #activate(run: Run): ActiveRun {
    const known = this.#active.get(run.id);
    if (known !== undefined) return known;
    const { openAnswer, postRoot, ledger, log } = this.#options;
    const keep = (change: Promise<boolean>): void => {
      change.catch((error: unknown) =>
        log.warn({ err: error, run: run.id }, 'where the answer stands was not kept'),
      );
    };
    const answer = new RunAnswer({
      run,
      recovered: this.#recovered.has(run.id),
      openAnswer,
      postRoot,
      onThread: (thread) => keep(active.change({ thread })),
      onPosted: (answerTs) => keep(active.change({}, { answerTs })),
    });
    const active = new ActiveRun(run, answer, ledger);
    this.#active.set(run.id, active);
    return active;
  }

  /** Stops taking work; runs in flight stay in the ledger for a successor. */
  async close(): Promise<void> {
    for (const timer of this.#lapses.values()) clearTimeout(timer);
    await Promise.all([...this.#active.values()].map((active) => active.answer.release()));
  }
}

function outcomeOf(run: Run, kind: RunOutcome['kind']): RunOutcome {
  return { kind, durationMs: 0, kernelspec: run.data.kernelspec, variablesLost: false, possibleGap: false };
}
