import type { Log } from '../../log.ts';
import type { ChannelKernels } from './channel-kernels.ts';
import type { KernelRecord } from './kernel-record.ts';
import type { LaneLeases } from './lane-leases.ts';

const LONGEST_WARNING_MS = 10 * 60_000;
/** Slack, the store or the gateway is away: looked at again after this. */
const LOOK_AGAIN_MS = 30_000;
/** How often all kept kernels are looked through. */
const ROUND_MS = 10 * 60_000;
const endedNote =
  'The channel’s kernel was shut down because nobody had used it (IDLE_TIMEOUT); a new one was started. The variables from before are gone.';
/** The longest a timer can wait in one go (2^31 − 1 ms). */
const LONGEST_TIMER_MS = 2_147_483_647;

/** Tells the channel; `endsAtMs` since the epoch. */
export interface IdleNotices {
  warn: (record: KernelRecord, endsAtMs: number) => Promise<void>;
  ended: (record: KernelRecord, idleMs: number) => Promise<void>;
}

export interface IdleKernelsOptions {
  kernels: ChannelKernels;
  leases: LaneLeases;
  /** Gateways cull by themselves. Rejects when the gateway does not say. */
  isThere: (kernelId: string) => Promise<boolean>;
  /** Unfinished runs keep a kernel. */
  isBusy: (lane: string) => Promise<boolean>;
  /** Where a run's answer stands; undefined when that is not kept any more. */
  threadOf: (runId: string) => Promise<string | undefined>;
  idleTimeoutMs: number | undefined;
  notices: IdleNotices;
  now?: () => number;
  log: Log;
}

export type IdleStep = { kind: 'warn' | 'end'; atMs: number };

/** What is next for a kernel that nobody uses: the warning (10 min before, or at half time), then the end. */
export function nextIdleStep(
  record: Pick<KernelRecord, 'lastUsedAt' | 'warnedAt'>,
  idleTimeoutMs: number,
): IdleStep {
  const endsAt = record.lastUsedAt + idleTimeoutMs;
  const noticeMs = Math.min(LONGEST_WARNING_MS, idleTimeoutMs / 2);
  return record.warnedAt === undefined || record.warnedAt < record.lastUsedAt
    ? { kind: 'warn', atMs: endsAt - noticeMs }
    : // A warning that came late, because the bot or Slack was away, leaves as much time to answer it.
      { kind: 'end', atMs: Math.max(endsAt, record.warnedAt + noticeMs) };
}

/** Shuts kernels down that nobody used for IDLE_TIMEOUT, after a warning that can be answered with Keep. */
export class IdleKernels {
  readonly #options: IdleKernelsOptions;
  readonly #timers = new Map<string, NodeJS.Timeout>();
  readonly #now: () => number;
  #round: NodeJS.Timeout | undefined;

  constructor(options: IdleKernelsOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
  }

  /** Watches every kept kernel of a workspace; after a start, and now and then where others share the store. */
  async watchAll(workspace: string): Promise<void> {
    if (this.#options.idleTimeoutMs === undefined) return;
    clearTimeout(this.#round);
    this.#round = setTimeout(() => this.#watchAgain(workspace), ROUND_MS).unref();
    for (const record of await this.#options.kernels.list(workspace)) this.watch(record);
  }

  /** Kernels of another process that died are found by this. */
  #watchAgain(workspace: string): void {
    this.watchAll(workspace).catch((error: unknown) =>
      this.#options.log.warn({ err: error }, 'idle kernels were not looked for'),
    );
  }

  /** The kernel was used (or kept) just now, or found at the start. */
  watch(record: KernelRecord): void {
    const { idleTimeoutMs } = this.#options;
    if (idleTimeoutMs === undefined) return;
    const { atMs } = nextIdleStep(record, idleTimeoutMs);
    this.#actIn(Math.max(0, atMs - this.#now()), record.lane, idleTimeoutMs);
  }

  #actIn(ms: number, lane: string, idleTimeoutMs: number): void {
    clearTimeout(this.#timers.get(lane));
    const act = (): void => {
      this.#timers.delete(lane);
      this.#act(lane, idleTimeoutMs).catch((error: unknown) => {
        this.#options.log.warn({ err: error, lane }, 'an idle kernel was not looked after');
        this.#actIn(LOOK_AGAIN_MS, lane, idleTimeoutMs);
      });
    };
    this.#timers.set(lane, setTimeout(act, Math.min(ms, LONGEST_TIMER_MS)).unref());
  }

  /** Somebody pressed Keep: the time begins anew. False when that kernel is not there any more. */
  async keep(lane: string, kernelId: string): Promise<boolean> {
    const record = await this.#options.kernels.find(lane);
    if (record?.kernelId !== kernelId) return false;
    this.watch(await this.#options.kernels.note(record, { lastUsedAt: this.#now() }));
    return true;
  }

  async #act(lane: string, idleTimeoutMs: number): Promise<void> {
    const { kernels, leases, isThere, isBusy, notices, log } = this.#options;
    const kept = await kernels.find(lane);
    if (kept === undefined) return;
    const record = await this.#withThread(kept);
    const step = nextIdleStep(record, idleTimeoutMs);
    if (step.atMs > this.#now()) return this.watch(record);
    // At work, or in another process's hands, which may die.
    if ((await isBusy(lane)) || !(await leases.hold(lane)))
      return this.#actIn(LOOK_AGAIN_MS, lane, idleTimeoutMs);
    if (!(await isThere(record.kernelId))) {
      // A websocket to it may look open for ever; without one the next run finds out.
      await kernels.disconnect(lane);
      log.info({ lane, kernel: record.kernelId }, 'an idle kernel is gone; the next run will say so');
    } else if (step.kind === 'warn') {
      await this.#warn(record, idleTimeoutMs);
    } else {
      await kernels.shutDown(record, endedNote);
      log.info(
        { audit: 'idle', lane, kernel: record.kernelId, kernelspec: record.kernelspec },
        'an idle kernel was shut down',
      );
      await notices.ended(record, this.#now() - record.lastUsedAt);
    }
    if (!kernels.isConnected(lane)) await leases.drop(lane);
  }

  /** A warning that could not be given is tried again: nothing is shut down without one. */
  async #warn(record: KernelRecord, idleTimeoutMs: number): Promise<void> {
    const { kernels, notices, log } = this.#options;
    const warnedAt = this.#now();
    try {
      await notices.warn(record, nextIdleStep({ ...record, warnedAt }, idleTimeoutMs).atMs);
    } catch (error) {
      log.warn({ err: error, lane: record.lane }, 'the warning of an idle kernel was not given');
      return this.#actIn(LOOK_AGAIN_MS, record.lane, idleTimeoutMs);
    }
    // Used, kept or gone while the warning was on its way: that is the newer word.
    const now = await kernels.find(record.lane);
    if (now?.kernelId === record.kernelId) this.watch(await kernels.note(now, { warnedAt }));
    log.info({ lane: record.lane, kernel: record.kernelId }, 'the channel of an idle kernel was warned');
  }

  /** The last run's thread, also where that had none yet when it ended. */
  async #withThread(record: KernelRecord): Promise<KernelRecord> {
    const { lastThread, lastRun } = record;
    if (lastThread !== '' || lastRun === undefined) return record;
    return { ...record, lastThread: (await this.#options.threadOf(lastRun)) ?? '' };
  }

  close(): void {
    clearTimeout(this.#round);
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
  }
}
