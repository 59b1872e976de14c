import { UserError } from '../errors.ts';
import type { Gateway } from '../gateway/gateway.ts';
import type { KernelspecCache } from './languages/kernelspecs.ts';
import { isUndecided, isUnfinished, type Run } from './run.ts';
import type { ChannelKernels } from './session/channel-kernels.ts';
import type { KernelSession } from './session/kernel-session.ts';
import type { KernelRecord } from './session/kernel/kernel-record.ts';
import type { LiveRun } from './session/run/live-run.ts';

/** How long the gateway may take to answer about one kernel. */
const LOOK_MS = 5_000;
/** The requester of a run can be asked about it only once in this time. */
const ASK_AGAIN_MS = 10 * 60_000;

const STARTING =
  'The kernel is just being started and holds no variables yet, so nothing was changed. To give it up, stop the run that waits for it.';

export interface ControlDeps {
  gateway: Gateway;
  kernels: ChannelKernels;
  kernelspecs: Pick<KernelspecCache, 'read'>;
}

export interface KernelStatus {
  record: KernelRecord;
  /** The display name of the kernelspec, or its name if the gateway gives none. */
  displayName: string;
  /** The gateway's word for it; `gone` if it has no such kernel, `unreachable` if it does not answer. */
  state: string;
  /** Unfinished runs in its queue, in order. */
  unfinished: readonly Run[];
}

/** A kernel on the gateway that belongs to somebody else. */
export interface OtherKernel {
  kernelId: string;
  kernelspec: string;
  state: string;
}

/** What people and admins can do to runs and kernels. Throws `UserError` and `GatewayError`. */
export class KernelControl {
  readonly #deps: ControlDeps;

  constructor(deps: ControlDeps) {
    this.#deps = deps;
  }

  async status(workspace: string, channel: string): Promise<KernelStatus[]> {
    return await this.statusOf(this.#deps.kernels.records(workspace, channel));
  }

  /** Every kernel of a workspace, the most recently used first. */
  kernels(workspace: string): KernelRecord[] {
    return this.#deps.kernels.records(workspace).toSorted((a, b) => b.lastUsedAt - a.lastUsedAt);
  }

  async statusOf(records: readonly KernelRecord[]): Promise<KernelStatus[]> {
    const { list } = await this.#deps.kernelspecs.read().catch(() => ({ list: [] }));
    return await Promise.all(
      records.map(async (record) => ({
        record,
        displayName: list.find(({ name }) => name === record.kernelspec)?.displayName ?? record.kernelspec,
        state: await this.#stateOf(record.kernelId),
        unfinished: this.#deps.kernels.find(record.queue)?.unfinished ?? [],
      })),
    );
  }

  async #stateOf(kernelId: string): Promise<string> {
    try {
      const model = await this.#deps.gateway.findKernel(kernelId, AbortSignal.timeout(LOOK_MS));
      return model?.executionState ?? 'gone';
    } catch {
      return 'unreachable';
    }
  }

  /** The gateway's kernels that belong to none of our channels; undefined if the gateway lists no kernels. */
  async otherKernels(workspace: string): Promise<OtherKernel[] | undefined> {
    const listed = await this.#deps.gateway.listKernels(AbortSignal.timeout(LOOK_MS));
    const ours = new Set(this.#deps.kernels.records(workspace).map(({ kernelId }) => kernelId));
    return listed
      ?.filter(({ id }) => !ours.has(id))
      .map(({ id, name, executionState }) => ({ kernelId: id, kernelspec: name, state: executionState }));
  }

  /** `/spark stop`: stops the caller's running run in this channel, else their first waiting one. Returns the run. */
  stopOwn(workspace: string, channel: string, requester: string): Run {
    const mine = this.#unfinished(workspace, channel).filter((run) => run.requester === requester);
    const run = mine.find(({ state }) => state !== 'waiting') ?? mine[0];
    if (run === undefined)
      throw new UserError(
        'nothingToStop',
        'You have no unfinished run in this channel, so nothing was stopped.',
      );
    return this.stop(run, requester);
  }

  /** An admin's `/spark stop`: stops their own run, else the channel's running one. */
  stopRunning(workspace: string, channel: string, by: string): Run {
    const unfinished = this.#unfinished(workspace, channel);
    if (unfinished.some(({ requester }) => requester === by)) return this.stopOwn(workspace, channel, by);
    const queued = unfinished.filter((run) => !isUndecided(run));
    const run = queued.find(({ state }) => state !== 'waiting') ?? queued[0] ?? unfinished[0];
    if (run === undefined)
      throw new UserError('nothingToStop', 'Nothing runs in this channel, so nothing was stopped.');
    return this.stop(run, by);
  }

  /** `!stop`: the thread's newest unfinished run. */
  newestUnfinished(workspace: string, channel: string, thread: string): Run {
    const run = this.#unfinished(workspace, channel).findLast((each) => each.thread === thread);
    if (run === undefined)
      throw new UserError('nothingToStop', 'No run of this thread is unfinished, so nothing was stopped.');
    return run;
  }

  #unfinished(workspace: string, channel: string): Run[] {
    return this.#deps.kernels.unfinished(workspace, channel).map(({ run }) => run);
  }

  stop(run: Run, by: string): Run {
    const { kernels } = this.#deps;
    const live = kernels.run(run.id);
    if (live === undefined || kernels.find(live.run.queue)?.stop(live, { kind: 'asked', by }) !== true)
      throw new UserError('nothingToStop', 'That run has ended already, so nothing was stopped.');
    return live.run;
  }

  /** The run in front of `waiting`, whose requester is to be asked about it: once in ten minutes, whoever asks. */
  askAbout(waiting: Run): Run {
    const { kernels } = this.#deps;
    const [inHand] = kernels.find(waiting.queue)?.unfinished ?? [];
    const live = inHand === undefined ? undefined : kernels.run(inHand.id);
    if (live === undefined || live.id === waiting.id || !isUnfinished(waiting))
      throw new UserError('notAsked', 'That run is no longer waiting, so nobody was asked.');
    const { requester, data } = live.run;
    if (requester === waiting.requester)
      throw new UserError('notAsked', 'The run in front is your own, so nobody was asked.');
    if (data.attended === false)
      throw new UserError('notAsked', 'A bot sent the run in front, so there is nobody to ask.');
    const sinceMs = Date.now() - (data.askedAt ?? 0);
    if (sinceMs < ASK_AGAIN_MS)
      throw new UserError(
        'notAsked',
        `The person whose run is in front was asked already, and can be asked again in ${Math.ceil((ASK_AGAIN_MS - sinceMs) / 60_000)} min.`,
      );
    // Stored at once, so that the limit outlives a crash.
    live.commit({ data: { askedAt: Date.now() } }).catch(() => undefined);
    return live.run;
  }

  /** Whether nobody but this run's requester has run code in the session's kernel. */
  hasRunAlone(run: Run): boolean {
    return this.#deps.kernels.find(run.queue)?.hasRunAlone(run) ?? true;
  }

  /** `by` has agreed to replace the session's kernel with one of the run's language. */
  agreeToSwitch(run: Run, by: string): void {
    const { kernels } = this.#deps;
    const live = kernels.run(run.id);
    if (live === undefined || kernels.find(live.run.queue)?.agreeToSwitch(live, by) !== true)
      throw new UserError('nothingToStop', 'That question has lapsed, so nothing was changed.');
  }

  /** The newest run in this thread that waits for input from `requester` and is not being stopped. */
  awaitingInput(workspace: string, channel: string, thread: string, requester: string): Run | undefined {
    const isMeant = ({ run, signal }: LiveRun): boolean => {
      const isTheirs = run.thread === thread && run.requester === requester;
      return isTheirs && run.data.inputRequest !== undefined && !signal.aborted;
    };
    return this.#deps.kernels.unfinished(workspace, channel).findLast(isMeant)?.run;
  }

  /**
   * Gives the run's kernel the input that it asked for. False if the kernel no longer waits for it. Waits for a run that is
   * just being resumed, and throws `UserError` if that takes too long, because the input is stored nowhere.
   */
  async answerInput(run: Run, promptId: string, input: string): Promise<boolean> {
    const prompt = await this.#deps.kernels.run(run.id)?.prompts.find(promptId);
    if (prompt === 'notYet')
      throw new UserError(
        'notTaken',
        'The bot is just resuming this run, so your line was not sent to it. Send it again in a few seconds.',
      );
    return prompt?.answer(input) ?? false;
  }

  /** The kernels of a channel: at least one, or one for each kernelspec. */
  kernelsOf(workspace: string, channel: string): KernelRecord[] {
    const records = this.#deps.kernels.records(workspace, channel);
    if (records.length === 0)
      throw new UserError(
        'noKernel',
        'This channel has no kernel, so nothing was changed. The next snippet starts one.',
      );
    return records;
  }

  /** The kernel with the id that a button has. */
  kernelById(workspace: string, kernelId: string): KernelRecord {
    const record = this.#deps.kernels.records(workspace).find((each) => each.kernelId === kernelId);
    return record ?? this.#gone();
  }

  /** The kernel that a run used, or would use. */
  kernelOf(run: Run): KernelRecord {
    return this.#deps.kernels.find(run.queue)?.record ?? this.#gone();
  }

  /** Whether the kernel that a run used has been neither restarted nor replaced since. */
  hasKernelOf({ queue, data }: Run): boolean {
    const record = this.#deps.kernels.find(queue)?.record;
    const isSame = record !== undefined && record.kernelId === data.request?.kernelId;
    return isSame && !record.restartedUnseen && record.executionCount >= (data.executionCount ?? 0);
  }

  /** Whether the run found that Spark in its kernel was gone, and the kernel is still the same. */
  hasLostSpark(run: Run): boolean {
    return run.data.hasLostSpark === true && this.hasKernelOf(run);
  }

  async restart(record: KernelRecord): Promise<void> {
    await this.#sessionOf(record).restart();
  }

  async shutDown(record: KernelRecord): Promise<void> {
    await this.#sessionOf(record).shutDown();
  }

  #sessionOf({ queue, kernelId }: KernelRecord): KernelSession {
    const session = this.#deps.kernels.find(queue);
    // If the record of a starting kernel were removed, a crash would leave the kernel on the gateway.
    if (session?.state === 'starting' && session.unfinished.length > 0)
      throw new UserError('noKernel', STARTING);
    return session?.record?.kernelId === kernelId ? session : this.#gone();
  }

  #gone(): never {
    throw new UserError('noKernel', 'That kernel is gone already, so nothing was changed.');
  }

  /** Postpones the end of an idle kernel. False if the kernel is gone or was replaced. */
  keep(queue: string, kernelId: string): boolean {
    return this.#deps.kernels.find(queue)?.keep(kernelId) ?? false;
  }
}
