import { setTimeout as wait } from 'node:timers/promises';
import { UserError } from '../../errors.ts';
import { GatewayError } from '../../gateway/errors.ts';
import type { Gateway, KernelModel } from '../../gateway/gateway.ts';
import type { Ledger } from '../../store/run-store.ts';
import { answerQuestion } from './ask-input.ts';
import type { ChannelKernels } from './channel-kernels.ts';
import type { ChannelSettingsStore } from '../languages/channel-settings.ts';
import type { KernelRecord } from './kernel-record.ts';
import { isUnfinished, type Run, type RunData, standsAside } from '../run.ts';
import type { Runs } from './runs.ts';
import type { TypedLine } from './share-work.ts';

/** Slack waits 3 s for what became of a line. */
const TAKING_UP_MS = 1_000;
const LOOK_AGAIN_MS = 100;

export interface ControlDeps {
  gateway: Gateway;
  ledger: Ledger<RunData>;
  kernels: ChannelKernels;
  channels: ChannelSettingsStore;
  runs: Runs;
  /** Brings the other processes on this store a line that one of their kernels asked for. */
  pass: (typed: TypedLine) => Promise<void>;
  kernelsPerChannel: number;
}

export interface KernelStatus {
  record: KernelRecord;
  /** As the gateway gives it; `gone` for 404, `unreachable` when it does not answer. */
  state: string;
  /** Unfinished runs in its queue, in order. */
  unfinished: readonly Run[];
}

/** A kernel on the gateway that is somebody else's. */
export interface OtherKernel {
  kernelId: string;
  kernelspec: string;
  state: string;
}

/** What people and admins do to runs and kernels beside running code. Throws `UserError` and `GatewayError`. */
export class KernelControl {
  readonly #deps: ControlDeps;

  constructor(deps: ControlDeps) {
    this.#deps = deps;
  }

  /** The kernels of a channel: one, or one per kernelspec. */
  async kernelsOf(workspace: string, channel: string): Promise<KernelRecord[]> {
    const { kernels, kernelsPerChannel } = this.#deps;
    if (kernelsPerChannel === 1) {
      const record = await kernels.find(`${workspace}/${channel}`);
      return record === undefined ? [] : [record];
    }
    return (await kernels.list(workspace)).filter((record) => record.channel === channel);
  }

  async status(workspace: string, channel: string): Promise<KernelStatus[]> {
    return await this.statusOf(await this.kernelsOf(workspace, channel));
  }

  /** Every kernel of a workspace, the one used last first. */
  async kernels(workspace: string): Promise<KernelRecord[]> {
    const records = await this.#deps.kernels.list(workspace);
    return records.toSorted((a, b) => b.lastUsedAt - a.lastUsedAt);
  }

  async statusOf(records: readonly KernelRecord[]): Promise<KernelStatus[]> {
    return await Promise.all(records.map((record) => this.#statusOf(record)));
  }

  /** The gateway's kernels that no channel of ours has; undefined where the gateway does not list. */
  async otherKernels(workspace: string): Promise<OtherKernel[] | undefined> {
    const [listed, ours] = await Promise.all([
      this.#deps.gateway.listKernels(AbortSignal.timeout(5_000)),
      this.#deps.kernels.list(workspace),
    ]);
    return listed
      ?.filter((model) => !ours.some((record) => record.kernelId === model.id))
      .map(({ id, name, executionState }) => ({ kernelId: id, kernelspec: name, state: executionState }));
  }

  async #statusOf(record: KernelRecord): Promise<KernelStatus> {
    const [state, unfinished] = await Promise.all([
      this.#deps.gateway.findKernel(record.kernelId, AbortSignal.timeout(5_000)).then(
        (model: KernelModel | undefined) => model?.executionState ?? 'gone',
        () => 'unreachable',
      ),
      this.#deps.ledger.lane(record.lane),
    ]);
    return { record, state, unfinished };
  }

  /** `/spark stop`: the caller's running run in this channel, else his first waiting one. Gives what was stopped. */
  async stopOwn(workspace: string, channel: string, runner: string): Promise<Run> {
    const mine = (await this.#unfinished(workspace, channel)).filter((run) => run.runner === runner);
    const run = mine.find((candidate) => candidate.state !== 'waiting') ?? mine[0];
    if (run === undefined)
      throw new UserError(
        'nothingToStop',
        'You have no unfinished run in this channel, so nothing was stopped.',
      );
    return await this.stop(run, runner);
  }

  /** An admin's `/spark stop` without a run of his own: the channel's running one. */
  async stopRunning(workspace: string, channel: string, by: string): Promise<Run> {
    const unfinished = await this.#unfinished(workspace, channel);
    const own = unfinished.some((run) => run.runner === by);
    if (own) return await this.stopOwn(workspace, channel, by);
    const queued = unfinished.filter((run) => !standsAside(run));
    const run = queued.find(({ state }) => state !== 'waiting') ?? queued[0] ?? unfinished[0];
    if (run === undefined)
      throw new UserError('nothingToStop', 'Nothing runs in this channel, so nothing was stopped.');
    return await this.stop(run, by);
  }

  /** `!stop`: the thread's newest unfinished run. */
  async newestUnfinished(workspace: string, channel: string, thread: string): Promise<Run> {
    const run = (await this.#deps.ledger.thread(workspace, channel, thread, 50)).find(isUnfinished);
    if (run === undefined)
      throw new UserError('nothingToStop', 'No run of this thread is unfinished, so nothing was stopped.');
    return run;
  }

  async stop(run: Run, by: string): Promise<Run> {
    const stopped = await this.#deps.runs.wishes.stop(run, { kind: 'asked', by });
    if (!stopped) throw new UserError('nothingToStop', 'That run has ended already, so nothing was stopped.');
    return run;
  }

  async #unfinished(workspace: string, channel: string): Promise<Run[]> {
    const runs = await this.#deps.ledger.channel(workspace, channel, 200);
    return runs.filter(isUnfinished).toReversed();
  }

  /** Whether this run's author alone has run code in the lane's kernel: then losing its variables is his to decide. */
  async hasRunAlone(run: Run): Promise<boolean> {
    const { kernels, ledger } = this.#deps;
    const [record, queue] = await Promise.all([kernels.find(run.lane), ledger.lane(run.lane)]);
    // Counted among the runners once it has ended; until then it is the one in the kernel, or about to be.
    const current = queue.find((each) => !standsAside(each));
    return [...(record?.runners ?? []), current?.runner ?? run.runner].every(
      (runner) => runner === run.runner,
    );
  }

  /** `by` agreed to replace the lane's kernel by one of the run's language. */
  async agreeToSwitch(run: Run, by: string): Promise<void> {
    if (!(await this.#deps.runs.wishes.agreeToSwitch(run, by)))
      throw new UserError('nothingToStop', 'That question has lapsed, so nothing was changed.');
  }

  /** The kernel that a command without a name means: the only one, or that of the channel's language. */
  async currentKernel(workspace: string, channel: string): Promise<KernelRecord> {
    const records = await this.kernelsOf(workspace, channel);
    const { kernelspec } = await this.#deps.channels.read(workspace, channel);
    const record = records.find((candidate) => candidate.kernelspec === kernelspec) ?? records[0];
    if (record === undefined)
      throw new UserError(
        'noKernel',
        'This channel has no kernel, so nothing was changed. The next snippet starts one.',
      );
    return record;
  }

  /** The kernel that a button names. */
  async kernelById(workspace: string, kernelId: string): Promise<KernelRecord> {
    const record = (await this.#deps.kernels.list(workspace)).find((kept) => kept.kernelId === kernelId);
    if (record === undefined)
      throw new UserError('noKernel', 'That kernel is gone already, so nothing was changed.');
    return record;
  }

  /** The kernel that a run used, or would use. */
  async kernelOf(run: Run): Promise<KernelRecord> {
    const record = await this.#deps.kernels.find(run.lane);
    if (record === undefined)
      throw new UserError('noKernel', 'That kernel is gone already, so nothing was changed.');
    return record;
  }

  /** Restarts the kernel; its variables are gone. */
  async restart(record: KernelRecord): Promise<void> {
    try {
      await this.#deps.kernels.restart(record);
    } catch (error) {
      if (!(error instanceof GatewayError) || error.code !== 'kernelGone') throw error;
      await this.#deps.kernels.forget(record.lane);
      throw new UserError(
        'noKernel',
        'The channel’s kernel was gone already, with its variables. The next snippet starts a new one.',
      );
    }
  }

  /** Deletes the kernel on the gateway. */
  async shutDown(record: KernelRecord): Promise<void> {
    await this.#deps.kernels.shutDown(record);
  }

  /**
   * Gives the run's kernel the line it asked for, wherever it runs. False when the question is over. A run that is just
   * being taken up is waited for; throws `UserError` when that takes too long, for the line is kept nowhere.
   */
  async answerInput(run: Run, questionId: string, line: string): Promise<boolean> {
    const { runs, pass, ledger } = this.#deps;
    if (await answerQuestion(runs.active(run.id), questionId, line)) return true;
    if (run.data.asked?.id !== questionId) return false;
    await pass({ runId: run.id, questionId, line });
    const until = performance.now() + TAKING_UP_MS;
    do {
      await wait(LOOK_AGAIN_MS);
      if (await answerQuestion(runs.active(run.id), questionId, line)) return true;
      const now = await ledger.get(run.id);
      if (now === undefined || !isUnfinished(now)) return false;
      if (now.data.asked?.id !== questionId) return true;
    } while (performance.now() < until);
    throw new UserError(
      'notTaken',
      'The bot is just taking this run up again, so the line was not given. Send it once more in a few seconds.',
    );
  }
}
